"""`apps.train` as a whole: under two workers, and killed at a random moment, every recipe by turns."""

import io
import logging
import pathlib
import random
import signal
import subprocess
import sys
import time
import zipfile

import h5py
import numpy as np
import pytest

from apps import catalogue

ROOT = pathlib.Path(__file__).resolve().parents[2]
SMALL = ["--seed=3", *(f"--set={text}" for text in ("hidden_units=16", "latent_size=2", "batch_size=256"))]


def start(folder, *options, launch=()):
    command = [sys.executable, "-m", "apps.train", *options, "--out", str(folder)]
    if launch:
        command = [sys.executable, "-m", "apps.launch", *launch, "--", *command]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process, expected=0, timeout=600):
    out, err = process.communicate(timeout=timeout)
    assert process.returncode == expected, out + err
    return out, err


def arrays(folder):
    """Everything that `model.keras` holds: weights, averages, optimizers, counters, by their paths."""
    found = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            found[name] = item[()]

    with zipfile.ZipFile(folder / "model.keras") as archive:
        h5py.File(io.BytesIO(archive.read("model.weights.h5"))).visititems(visit)
    return found


def check_same(folder, other, tolerance=0.0):
    found, expected = arrays(folder), arrays(other)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        # Relative for what grows with squared gradients: Adam's second moments.
        np.testing.assert_allclose(found[name], value, rtol=30 * tolerance, atol=tolerance, err_msg=name)


@pytest.mark.slow
@pytest.mark.full
def test_two_workers_train_the_model_of_one_process(tmp_path):
    one = start(tmp_path / "one", "vae", "--epochs=2", *SMALL)
    finish(one)
    out, err = finish(start(tmp_path / "two", "vae", "--epochs=2", *SMALL, launch=["--workers=2"]))
    assert "[worker 0] after 2 epochs" in out and "[worker 1]" not in out, err  # the first one speaks for both
    check_same(tmp_path / "two", tmp_path / "one", tolerance=1e-5)
    names = {path.name for path in (tmp_path / "one").iterdir()}
    assert {path.name for path in (tmp_path / "two").iterdir()} == names


def workers_of(launcher):
    return [int(text) for text in pathlib.Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()]


def wait_for_a_checkpoint(folder, process):
    while not any((folder / "checkpoints").glob("epoch_*")) and process.poll() is None:
        time.sleep(0.05)
    assert process.poll() is None, process.communicate()


@pytest.mark.soak
def test_a_killed_worker_ends_the_run_which_resumes(tmp_path):
    options = ["vae", "--epochs=60", "--checkpoint-every=2", *SMALL]
    finish(start(tmp_path / "whole", *options, launch=["--workers=2"]))
    launcher = start(tmp_path / "killed", *options, launch=["--workers=2"])
    wait_for_a_checkpoint(tmp_path / "killed", launcher)
    subprocess.run(["kill", "-KILL", str(workers_of(launcher.pid)[1])], check=True)
    _, err = finish(launcher, 128 + signal.SIGKILL)
    assert "launch: worker 1 was ended by SIGKILL: ending the others" in err
    out, _ = finish(start(tmp_path / "killed", "vae", "--resume", launch=["--workers=2"]))
    assert "going on" in out or "epochs into" in out
    check_same(tmp_path / "killed", tmp_path / "whole")


@pytest.mark.soak
@pytest.mark.parametrize("recipe", catalogue.recipes())
def test_every_recipe_survives_a_kill(tmp_path, recipe):
    options = [recipe, "--epochs=4", "--seed=1", "--checkpoint-every=3"]
    finish(start(tmp_path / "whole", *options))
    process = start(tmp_path / "killed", *options)
    wait_for_a_checkpoint(tmp_path / "killed", process)
    delay = random.Random(recipe).uniform(0, 0.3)
    time.sleep(delay)
    process.kill()
    process.communicate()
    taken = [path.name for path in (tmp_path / "killed" / "checkpoints").iterdir()]
    logging.info("%s: killed %.2f s after its first checkpoint, at %s", recipe, delay, max(taken))
    finish(start(tmp_path / "killed", recipe, "--resume"))
    check_same(tmp_path / "killed", tmp_path / "whole")
