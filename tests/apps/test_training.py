"""The programs on real data, small: what a run leaves behind, and what interruptions do to it."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_dl
from apps import train
from keras_dl import tasks
from keras_dl.runs import RunFolder
from keras_dl.runs import run as training

ROOT = Path(__file__).resolve().parents[2]


def state(folder):
    """Every array in `model.keras`: weights, optimizer, step, seeds, place in the data."""
    model = keras.saving.load_model(folder / "model.keras")
    counters = [model.state.step.numpy(), model.state.seed.numpy(), model.state.epoch, model.state.batch]
    return [*(v.numpy() for v in model.variables), *(v.numpy() for v in model.optimizer.variables), *counters]


def assert_same_state(folder, other):
    for a, b in zip(state(folder), state(other), strict=True):
        np.testing.assert_array_equal(a, b)


def history(folder):
    if not (folder / "history.csv").exists():
        return []
    with (folder / "history.csv").open(newline="") as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


def test_a_run_folder_holds_everything(finished):
    config = json.loads((finished / "config.json").read_text())
    assert config["runtime"] == keras_dl.runtime.describe()
    assert config["recipe"] == "vae" and config["dataset"] == "digits" and config["seed"] == 3
    assert config["hyperparameters"]["latent_size"] == 2 and config["hyperparameters"]["epochs"] == 5
    assert [row["epoch"] for row in history(finished)] == ["1", "2", "3", "4", "5"]
    assert float(history(finished)[-1]["val_elbo"]) > float(history(finished)[0]["val_elbo"])
    pictures = {path.name for path in (finished / "pictures").glob("[!.]*")}
    grids = {f"samples_epoch_000{epoch}.png" for epoch in (1, 2, 4, 5)}
    assert pictures == grids | {"loss_curves.png", "reconstructions.png", "manifold.png", "latents.png"}
    for path in (finished / "pictures").glob("[!.]*"):
        assert np.ptp(keras.utils.img_to_array(keras.utils.load_img(path))) > 50, f"{path.name} is blank"
    report = (finished / "report.html").read_text()
    for text in ("ended after its last epoch", "a few held-out samples", "not exported yet", "film-samples-slider"):
        assert text in report


def test_results_are_those_of_the_saved_model(finished):
    results = json.loads((finished / "results.json").read_text())
    model = keras.saving.load_model(finished / "model.keras")
    _, (x_test, _) = keras_dl.data.load("digits")
    found = model.evaluate(x_test, batch_size=256, verbose=0, return_dict=True)
    assert found["elbo"] == pytest.approx(results["test"]["elbo"], rel=1e-5)


def test_tensorboard_logs_hold_the_history(finished):
    found = {}
    for path in (finished / "tensorboard" / "held_out").iterdir():
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                found[event.step, value.tag] = float(tf.make_ndarray(value.tensor))
    for row in history(finished):
        assert found[int(row["epoch"]), "elbo"] == pytest.approx(float(row["val_elbo"]), rel=1e-6)


def test_an_existing_run_is_not_overwritten(run, finished, capsys):
    before = (finished / "model.keras").read_bytes()
    assert run(train.main, "vae", "--out", finished, "--epochs", 1) == 2
    assert "already holds a run" in capsys.readouterr().err
    assert (finished / "model.keras").read_bytes() == before


def test_resuming_a_finished_run_changes_nothing(run, finished, capsys):
    before = (finished / "model.keras").read_bytes()
    assert run(train.main, "vae", "--out", finished, "--resume") == 0
    assert "already finished" in capsys.readouterr().out
    assert (finished / "model.keras").read_bytes() == before


def test_more_epochs_than_planned_need_schedules_that_are_stretched(run, finished, tmp_path, capsys):
    folder, epochs = tmp_path / "r", len(history(finished)) + 1
    shutil.copytree(finished, folder)
    before = (folder / "model.keras").read_bytes()
    assert run(train.main, "vae", "--out", folder, "--extend", "--epochs", epochs) == 2
    assert "--extend goes with --resume" in capsys.readouterr().err
    assert run(train.main, "vae", "--out", folder, "--resume", "--epochs", epochs) == 2
    assert f"would be 0 in epoch {epochs}" in capsys.readouterr().err
    assert (folder / "model.keras").read_bytes() == before and len(history(folder)) == epochs - 1
    assert run(train.main, "vae", "--out", folder, "--resume", "--epochs", epochs, "--extend") == 0
    old, new = (keras.saving.load_model(path / "model.keras") for path in (finished, folder))
    moved = [
        abs(a.numpy() - b.numpy()).max() for a, b in zip(old.trainable_variables, new.trainable_variables, strict=True)
    ]
    assert min(moved) > 0 and new.state.epoch == epochs == len(history(folder))


def test_a_run_that_another_process_trains_is_refused(run, finished, tmp_path, capsys):
    folder = tmp_path / "r"
    shutil.copytree(finished, folder)
    (folder / ".lock").write_text(json.dumps({"host": "elsewhere", "pid": 1, "started": 2}))
    assert run(train.main, "vae", "--out", folder, "--resume") == 2
    assert "process 1 on elsewhere is at it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cvae"], "begun with recipe 'vae'. Received: 'cvae'"),
        (["vae", "--seed", "4"], "begun with seed 3. Received: 4"),
        (["vae", "--dataset", "mnist"], "begun with dataset 'digits'"),
        (["vae", "--set", "latent_size=3"], "begun with latent_size=2. Received: 3"),
    ],
)
def test_resuming_with_something_else_is_refused(run, finished, capsys, arguments, message):
    assert run(train.main, *arguments, "--out", finished, "--resume") == 2
    assert message in capsys.readouterr().err


def interrupt_second_call(monkeypatch, owner, name):
    def interrupt(self, *arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(self, *arguments)

    calls = []
    original = getattr(owner, name)
    monkeypatch.setattr(owner, name, interrupt)


def test_a_run_stopped_while_it_is_measured_says_how_to_go_on(run, tmp_path, monkeypatch, capsys, small):
    def stopped(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "write_results", stopped)
        assert run(train.main, "vae", "--out", tmp_path / "r", "--epochs", 1, *small) == 130
    printed = capsys.readouterr().out
    assert "stopped after 1 whole epoch" in printed and "--resume" in printed
    assert run(train.main, "vae", "--out", tmp_path / "r", "--resume") == 0
    assert RunFolder(tmp_path / "r").results_file.is_file()


def test_a_run_interrupted_again_and_again_ends_in_the_same_state(run, finished, tmp_path, monkeypatch, capsys, small):
    moments = [
        (RunFolder, "write_history"),
        (training.KeepModel, "save"),
        (training.KeepHistory, "on_epoch_begin"),
    ]
    options = ["--epochs", 5, "--seed", 3, *small]
    for done, (owner, name) in enumerate(moments, start=1):
        with monkeypatch.context() as patch:
            interrupt_second_call(patch, owner, name)
            assert run(train.main, "vae", "--out", tmp_path / "r", *options) == 130
        assert f"stopped after {done} whole epoch" in capsys.readouterr().out
        options = ["--resume"]
    assert run(train.main, "vae", "--out", tmp_path / "r", "--resume") == 0
    assert_same_state(tmp_path / "r", finished)
    assert history(tmp_path / "r") == history(finished)


def start(*arguments):
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    command = [sys.executable, "-m", "apps.train", "vae", *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def send_after_an_epoch(process, number, folder):
    """Sends a signal once the history has grown; returns the exit code and what was printed."""
    before, deadline = len(history(folder)), time.monotonic() + 300
    while len(history(folder)) <= before and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    output, errors = process.communicate(timeout=600)
    return process.returncode, output, errors


@pytest.mark.slow
@pytest.mark.full
def test_a_killed_process_resumes_to_the_same_state(run, tmp_path, capsys, small):
    """One process is killed, the next is asked to end, and the third, this one, goes on to the end."""
    options = ["--epochs", 15, "--seed", 3, *small]
    assert run(train.main, "vae", "--out", tmp_path / "whole", *options) == 0
    killed = tmp_path / "killed"
    assert send_after_an_epoch(start("--out", killed, *options), signal.SIGKILL, killed)[0] == -signal.SIGKILL
    code, output, errors = send_after_an_epoch(start("--out", killed, "--resume"), signal.SIGTERM, killed)
    assert code == 130 and "--resume" in output, (code, output, errors)
    assert errors == ""  # none of TensorFlow's start-up noise
    assert len(history(killed)) < 15, "the processes were not stopped in time"
    capsys.readouterr()
    assert run(train.main, "vae", "--out", killed, "--resume") == 0
    output = capsys.readouterr().out
    assert "going on" in output and "model.keras" in output
    assert_same_state(killed, tmp_path / "whole")
    assert history(killed) == history(tmp_path / "whole")


def test_resume_where_nothing_is_is_refused(run, tmp_path, capsys, small):
    assert run(train.main, "vae", "--out", tmp_path / "r", "--epochs", 1, "--resume", *small) == 2
    assert f"{tmp_path / 'r'} holds no run" in capsys.readouterr().err
    assert not (tmp_path / "r").exists()


def test_a_run_is_not_cut_back(run, tmp_path, capsys, small):
    assert run(train.main, "vae", "--out", tmp_path / "r", "--epochs", 2, *small) == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "r").iterdir() if path.is_file()}
    assert run(train.main, "vae", "--out", tmp_path / "r", "--epochs", 1, "--resume") == 2
    assert "has 2 epochs behind it. Received: --epochs 1" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in (tmp_path / "r").iterdir() if path.is_file()} == before


def test_a_run_that_diverges_stops_and_keeps_the_epoch_before(run, tmp_path, monkeypatch, capsys, small):
    original = training.KeepHistory.on_epoch_end

    def diverge(self, epoch, logs):
        return original(self, epoch, {**logs, "loss": float("nan")} if epoch == 1 else logs)

    monkeypatch.setattr(training.KeepHistory, "on_epoch_end", diverge)
    assert run(train.main, "vae", "--out", tmp_path / "r", "--epochs", 3, *small) == 2
    assert "loss not finite in epoch 2" in capsys.readouterr().err
    assert keras.saving.load_model(tmp_path / "r" / "model.keras").state.epoch == 1
    assert "This run diverged: loss not finite in epoch 2" in (tmp_path / "r" / "report.html").read_text()


def test_the_report_of_a_run_that_diverges_names_term_step_and_update(run, tmp_path, monkeypatch, capsys, small):
    def break_a_weight(self, epoch, logs=None):
        if epoch == 1:
            variable = self.model.decoder.trainable_variables[0]
            variable.assign(variable * float("inf"))

    monkeypatch.setattr(training.KeepHistory, "on_epoch_begin", break_a_weight)
    assert run(train.main, "vae", "--out", tmp_path / "r", "--epochs", 3, *small) == 2
    assert "in update 'vae', term 'elbo', step 7" in capsys.readouterr().err
    end = json.loads((tmp_path / "r" / "end.json").read_text())
    assert end["state"] == "diverged"
    reason = "elbo was NaN or infinite in epoch 2, at step 7, in update 'vae'"  # six steps an epoch
    assert end["reason"] == reason
    text = (tmp_path / "r" / "report.html").read_text().replace("&#x27;", "'")
    assert re.search(f'class="alarm">This run diverged: {reason}. 1 of 3 epochs are behind it.<', text)
    assert f"--set learning_rate=0.0001 --out {tmp_path / 'r'}-smaller-steps</code>" in text


def test_a_full_disk_is_a_message_and_keeps_the_epoch_before(run, tmp_path, monkeypatch, capsys, small):
    original = training.KeepModel.save

    def full(self):
        if self.model.state.epoch == 2:
            raise OSError(28, "No space left on device")
        return original(self)

    monkeypatch.setattr(training.KeepModel, "save", full)
    assert run(train.main, "vae", "--out", tmp_path / "r", "--epochs", 3, *small) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert keras.saving.load_model(tmp_path / "r" / "model.keras").state.epoch == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "latent_sise=3"], "unknown hyperparameter 'latent_sise'. Did you mean latent_size?"),
        (["--set", "latent_size=1"], "latent_size takes a whole number from 2 to 128. Received: '1'"),
        (["--set", "binarize=often"], "often"),
        (["--set", "latent_size"], "NAME=VALUE"),
    ],
)
def test_bad_hyperparameters_are_a_message_and_leave_no_folder(run, tmp_path, capsys, arguments, message):
    assert run(train.main, "vae", "--out", tmp_path / "r", *arguments) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "r").exists()


def test_an_unwritable_folder_is_a_message_before_data_are_read(run, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    monkeypatch.delattr(tasks.Task, "load")
    for out in (["--out", tmp_path / "file" / "r"], ["--out", tmp_path / "r", "--export", tmp_path / "file" / "m"]):
        assert run(train.main, "vae", *out) == 2
        assert f"cannot write to {tmp_path / 'file'}" in capsys.readouterr().err


def test_missing_and_unlabelled_data_are_messages(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("KERAS_DL_DATA", str(tmp_path))
    assert run(train.main, "vae", "--out", tmp_path / "r", "--dataset", "mnist") == 2
    assert "train-images-idx3-ubyte.gz" in capsys.readouterr().err
    (tmp_path / "binarized_mnist").mkdir()
    shapes = {"train_data": 50_000, "test_data": 10_000}
    arrays = {name: np.zeros((count, 784), "uint8") for name, count in shapes.items()}
    np.savez_compressed(tmp_path / "binarized_mnist" / "binarized_mnist.npz", **arrays)
    assert run(train.main, "cvae", "--out", tmp_path / "r", "--dataset", "binarized_mnist") == 2
    assert "learns from labels, which binarized_mnist does not have" in capsys.readouterr().err


def test_options_are_listed(run, capsys):
    assert run(train.main, "vae", "--options") == 0
    assert "latent_size" in capsys.readouterr().out
    assert run(train.main, "vae", "--options", "--set", "network=mlp", "--epochs", "7") == 0
    written = capsys.readouterr().out
    assert "activation" in written and "filters" not in written and "mlp (set)" in written and "7 (set)" in written
    assert run(train.main, "vae", "--options", "--set", "latent_size=1") == 2
    assert "latent_size takes a whole number from 2 to 128" in capsys.readouterr().err
    assert run(train.main, "vae", "--options", "--groups", "[^_]+") == 2
    assert "for recipes of scans with masks" in capsys.readouterr().err
