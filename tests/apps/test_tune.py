"""apps.tune on digits, with small models: what a search leaves behind, and what interruptions and failures do to it."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_dl
from apps import evaluate, export, sample, train, tune
from benchmarks.search_memory import processes
from keras_dl import search
from keras_dl.search import trial as search_trial
from tests.processes import exists, processor_seconds_of_children

ROOT = Path(__file__).resolve().parents[2]
# Left to search: latent_size, beta, ema_momentum, learning_rate and its schedule.
FIXED = ["network=conv", "filters=4", "hidden_units=16", "hidden_layers=1", "batch_size=256", "warm_up_epochs=0"]
SMALL = [f"--set={text}" for text in FIXED]
OPTIONS = ["--trials", 3, "--epochs", 2, "--seed", 5, *SMALL]
SEARCHED = ["latent_size", "beta", "ema_momentum", "learning_rate", "learning_rate_schedule"]


@pytest.fixture(scope="module")
def searched(run, tmp_path_factory):
    """The folder of a search of three trials."""
    folder = tmp_path_factory.mktemp("runs") / "search"
    assert run(tune.main, "vae", "--out", folder, *OPTIONS) == 0
    return folder


def trials(folder):
    """The rows of the table of trials, by number, without their times."""
    with (folder / "trials.csv").open(newline="") as file:
        return {int(row["trial"]): {k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)}


def results(folder):
    return json.loads((folder / "results.json").read_text())


def state(file):
    """Every array of a saved model, its optimizer, step, seed and place in the data."""
    model = keras.saving.load_model(file)
    counters = [model.state.step.numpy(), model.state.seed.numpy(), model.state.epoch]
    return [*(v.numpy() for v in model.variables), *(v.numpy() for v in model.optimizer.variables), *counters]


def assert_same_state(one, other):
    for a, b in zip(state(one), state(other), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_search_folder_holds_everything(searched):
    rows, found = trials(searched), results(searched)
    assert sorted(rows) == [0, 1, 2] and {row["status"] for row in rows.values()} == {"completed"}
    assert (found["objective"], found["direction"]) == ("val_elbo", "max")
    assert found["best"] == max(rows, key=lambda number: float(rows[number]["val_elbo"]))
    assert [trial["val_elbo"] for trial in found["trials"]] == sorted(
        (trial["val_elbo"] for trial in found["trials"]), reverse=True
    )
    values = [[row[name] for name in SEARCHED] for row in rows.values()]
    assert len({tuple(row) for row in values}) == 3
    assert {row["filters"] for row in rows.values()} == {"4"} and "activation" not in rows[0]
    picture = keras.utils.img_to_array(keras.utils.load_img(searched / "pictures" / "trials.png"))
    assert np.ptp(picture) > 50
    kept = [path.parent.name for path in (searched / "trials").glob("*/best.keras")]
    assert kept == [f"trial_{found['best']}"]
    assert not list(searched.rglob(".new*"))


def test_the_best_model_gives_the_best_result(searched):
    model = keras.saving.load_model(searched / "best" / "model.keras")
    _, (x_test, _) = keras_dl.data.load("digits")
    data = keras_dl.data.pipeline(x_test, batch_size=256, shuffle=False)
    best = results(searched)["trials"][0]
    assert model.evaluate(data, verbose=0, return_dict=True)["elbo"] == pytest.approx(best["val_elbo"], rel=1e-6)
    history = (searched / "best" / "history.csv").read_text().splitlines()
    assert model.state.epoch == best["epoch"] == len(history) - 1
    assert json.loads((searched / "best" / "results.json").read_text())["test"]["elbo"] == pytest.approx(
        best["val_elbo"], rel=1e-6
    )


def test_a_trial_is_the_run_that_train_makes_of_it(run, searched, tmp_path):
    best = results(searched)["trials"][0]
    given = [f"--set={name}={value}" for name, value in best["hyperparameters"].items()]
    options = ["--seed", 5, *given, "--epochs", 2]
    assert run(train.main, "vae", "--out", tmp_path / "r", *options) == 0
    assert best["epoch"] == 2
    assert_same_state(tmp_path / "r" / "model.keras", searched / "best" / "model.keras")


def test_the_best_run_is_a_run_folder_for_all_programs(run, searched, tmp_path, capsys):
    assert run(evaluate.main, searched / "best", "--num-samples", 5) == 0
    assert run(sample.main, searched / "best", "--num-samples", 4, "--to", tmp_path / "x.npy") == 0
    assert np.load(tmp_path / "x.npy").shape == (4, 8, 8, 1)
    assert run(export.main, searched / "best", "--to", tmp_path / "vae") == 0
    card = (tmp_path / "vae" / "README.md").read_text()
    assert "python -m apps.tune" in card and "elbo" in card
    assert (tmp_path / "vae" / "samples.png").is_file()
    shutil.copytree(searched / "best", tmp_path / "copy")
    assert run(train.main, "vae", "--out", tmp_path / "copy", "--resume", "--epochs", 3, "--extend") == 0
    history = (tmp_path / "copy" / "history.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in history] == ["epoch", "1", "2", "3"]


@pytest.mark.full
def test_the_same_seed_makes_the_same_search_and_an_interrupted_one_ends_as_it(
    run, searched, tmp_path, monkeypatch, capsys
):
    original, calls = search_trial.KeepBest.on_epoch_end, []

    def interrupt(self, epoch, logs=None):
        calls.append(epoch)
        if len(calls) == 3:  # the first epoch of the second trial
            raise KeyboardInterrupt
        original(self, epoch, logs)

    options = ["vae", "--out", tmp_path / "s", *OPTIONS]
    with monkeypatch.context() as patch:
        patch.setattr(search_trial.KeepBest, "on_epoch_end", interrupt)
        assert run(tune.main, *options) == 130
    output = capsys.readouterr().out
    assert "stopped after 1 of 3 trials" in output
    assert f"python -m apps.tune vae --out {tmp_path / 's'} --resume" in output
    assert run(tune.main, *options) == 2
    assert "already holds a search" in capsys.readouterr().err
    assert run(tune.main, "vae", "--out", tmp_path / "s", "--resume") == 0
    assert "1 of 3 trials done, 0 of them failed: going on" in capsys.readouterr().out
    assert trials(tmp_path / "s") == trials(searched)
    assert_same_state(tmp_path / "s" / "best" / "model.keras", searched / "best" / "model.keras")


def test_resuming_a_finished_search_changes_nothing(run, searched, capsys):
    before = {path: path.read_bytes() for path in (searched / "best").rglob("*") if path.suffix in (".keras", ".csv")}
    table = trials(searched)
    assert run(tune.main, "vae", "--out", searched, "--resume", "--objective", "val_elbo") == 0
    assert "already finished" in capsys.readouterr().out
    assert trials(searched) == table and {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cvae"], "begun with recipe 'vae'. Received: 'cvae'"),
        (["vae", "--seed", "4"], "begun with seed 5. Received: 4"),
        (["vae", "--tuner", "bayesian"], "begun with tuner 'random'. Received: 'bayesian'"),
        (["vae", "--objective", "kid"], "begun with objective 'elbo'. Received: 'kid'"),
        (["vae", "--set", "filters=8"], "begun with filters=4. Received: 8"),
        (["vae", "--set", "beta=1"], "begun with no beta. Received: 1"),
        (["vae", "--epochs", "3"], "begun with epochs=2. Received: 3"),
        (["vae", "--trials", "2"], "has 3 trials behind it. Received: --trials 2"),
    ],
)
def test_resuming_with_something_else_is_refused(run, searched, capsys, arguments, message):
    before = trials(searched)
    assert run(tune.main, *arguments, "--out", searched, "--resume") == 2
    assert message in capsys.readouterr().err
    assert trials(searched) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["vae", "--objective", "kidd"], "is no objective of this recipe on these data; there are: elbo, log_prob"),
        (["gan", "--objective", "elbo"], "there are: kid, fid, precision, recall, density, coverage, inception_score"),
        (["gan2d", "--objective", "kid"], "there are: w2, sliced_wasserstein, modes, good_samples"),
        (["siren", "--objective", "kid"], "there are: psnr, loss"),
        (["iwae", "--objective", "psnr"], "there are: log_prob, elbo, loss"),
        (["vae", "--set", "latent_sise=3"], "unknown hyperparameter 'latent_sise'. Did you mean latent_size?"),
        (["vae", "--set", "latent_size=1"], "latent_size takes a whole number from 2 to 128. Received: '1'"),
        (["vae", "--set", "network=mlp", "--set", "filters=8"], "unknown hyperparameter 'filters'"),
        (["wgan_gp", "--set", "network=dcgan", "--set", "smallest_size=8"], "even sides of at least 16"),
        (["siren", "--dataset", "digits"], "learns from values, which digits does not have"),
        (["vae", "--tuner", "grid"], "unknown tuner 'grid'"),
        (["vae", *(f"--set={text}" for text in FIXED), "--set=latent_size=2", "--set=beta=1", "--set=ema_momentum=0",
          "--set=learning_rate=0.001", "--set=learning_rate_schedule=cosine", "--set=prior=standard"],
         "nothing is left to search"),
    ],
)  # fmt: skip
def test_mistakes_are_a_message_before_anything_runs(run, tmp_path, capsys, arguments, message):
    assert run(tune.main, *arguments, "--out", tmp_path / "s") == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "s").exists()


def test_what_decides_the_meaning_of_the_objective_is_not_searched(run, capsys):
    for name, expected in (("elbo", False), ("kid", True), ("log_prob", False)):
        assert run(tune.main, "vae", "--objective", name, "--options") == 0
        assert ("one of bernoulli, gaussian" in capsys.readouterr().out) == expected


@pytest.mark.full
def test_failed_trials_are_reported_and_the_search_goes_on(run, searched, tmp_path, monkeypatch, capsys):
    sizes = {number: int(row["latent_size"]) for number, row in trials(searched).items()}
    worst = results(searched)["trials"][-1]["trial"]
    original = search.Search.run_trial

    def refuse(self, trial):
        if trial.hyperparameters.values["latent_size"] == sizes[worst]:
            raise ValueError(f"Expected another size. Received: {sizes[worst]}\nand more")
        return original(self, trial)

    monkeypatch.setattr(search.Search, "run_trial", refuse)
    assert run(tune.main, "vae", "--out", tmp_path / "s", *OPTIONS) == 0
    output, rows = capsys.readouterr().out, trials(tmp_path / "s")
    text = f"ValueError: Expected another size. Received: {sizes[worst]}"
    assert f"trial {worst}: failed: {text}" in output
    assert rows[worst]["status"] == "failed" and rows[worst]["reason"] == text and rows[worst]["val_elbo"] == ""
    assert {number for number, row in rows.items() if row["status"] == "completed"} == set(rows) - {worst}
    assert results(tmp_path / "s")["trials"][-1]["reason"] == text
    shown = " ".join(output.split("3 trials")[-1].replace("│", " ").split())
    assert "failed" in shown and "Expected another size" in shown


@pytest.mark.full
def test_where_all_trials_fail_the_search_fails_and_says_why(run, tmp_path, monkeypatch, capsys):
    original = search_trial.KeepBest.on_epoch_end

    def diverge(self, epoch, logs=None):
        original(self, epoch, {**logs, "val_elbo": float("nan")})

    monkeypatch.setattr(search_trial.KeepBest, "on_epoch_end", diverge)
    folder = tmp_path / "s"
    assert run(tune.main, "vae", "--out", folder, "--trials", 2, "--epochs", 1, *SMALL) == 2
    assert "all 2 trials failed; trial 0: val_elbo not finite in epoch 1" in capsys.readouterr().err
    assert [row["reason"] for row in trials(folder).values()] == ["val_elbo not finite in epoch 1"] * 2
    assert not (folder / "best").exists()


@pytest.mark.full
def test_a_trial_that_ends_its_process_again_and_again_is_given_up(run, tmp_path, capsys):
    folder = search.SearchFolder(tmp_path / "s")
    options = ["vae", "--out", folder.path, "--trials", 2, "--epochs", 1, *SMALL]

    class Killed(BaseException):
        pass

    def die(*_, **__):
        raise Killed

    for _ in range(2):
        with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
            patch.setattr(search.Search, "run_trial", die)
            tune.tune(tune.parser(["vae"]).parse([str(o) for o in options]))
        options = ["vae", "--out", folder.path, "--resume"]
    assert run(tune.main, *options) == 0
    rows = trials(folder.path)
    assert rows[0]["reason"].startswith("its process was ended 2 times") and rows[1]["status"] == "completed"


@pytest.mark.full
def test_hyperband_goes_on_to_the_bit(run, tmp_path):
    folder = tmp_path / "s"
    options = ["--tuner", "hyperband", "--trials", 4, "--epochs", 3, "--set", "learning_rate_schedule=cosine"]
    assert run(tune.main, "vae", "--out", folder, *options, *SMALL) == 0
    rows = trials(folder)
    assert [rows[number]["trained_epochs"] for number in range(4)] == ["1", "1", "1", "3"]
    last = next(trial for trial in results(folder)["trials"] if trial["trial"] == 3)
    promoted = json.loads((folder / "trials" / "trial_3" / "trial.json").read_text())["hyperparameters"]["values"]
    first = max(range(3), key=lambda number: float(rows[number]["val_elbo"]))
    assert promoted["tuner/trial_id"] == str(first)
    given = [f"--set={name}={value}" for name, value in last["hyperparameters"].items()]
    assert run(train.main, "vae", "--out", tmp_path / "r", *given) == 0
    assert_same_state(tmp_path / "r" / "model.keras", folder / "trials" / "trial_3" / "last.keras")


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    """Features of an epoch's training, enough to be measured by."""
    file = tmp_path_factory.mktemp("features") / "lenet.keras"
    (x, y), _ = keras_dl.data.load("digits")
    network = keras_dl.networks.lenet5(x.shape[1:], num_classes=10)
    keras_dl.metrics.train_features(network, x, y, "lenet-digits", file, epochs=1)
    return file


@pytest.mark.full
def test_samples_are_measured_while_training(run, features, tmp_path):
    folder, small = tmp_path / "s", ["--set=network=mlp", "--set=hidden_units=16", "--set=hidden_layers=1"]
    options = ["--objective", "kid", "--features", features, "--trials", 1, "--epochs", 2, "--set=batch_size=512"]
    assert run(tune.main, "gan", "--out", folder, *options, *small) == 0
    best = results(folder)["trials"][0]
    model = keras.saving.load_model(folder / "best" / "model.keras")
    _, (x_test, _) = keras_dl.data.load("digits")
    kid = keras_dl.metrics.KID(keras_dl.metrics.Features.load(features))
    drawn = keras_dl.callbacks.draw_samples(model, len(x_test), seed=0)
    assert kid(x_test, drawn)["kid"].value == pytest.approx(best["val_kid"], rel=1e-4)
    assert results(folder)["direction"] == "min"
    assert json.loads((folder / "best" / "results.json").read_text())["test"]["kid"] == best["val_kid"]


@pytest.mark.full
def test_the_importance_weighted_bound_is_measured_while_training(run, tmp_path):
    folder = tmp_path / "s"
    options = ["--objective", "log_prob", "--trials", 1, "--epochs", 1]
    assert run(tune.main, "vae", "--out", folder, *options, *SMALL) == 0
    assert run(evaluate.main, folder / "best") == 0
    found = json.loads((folder / "best" / "evaluation.json").read_text())["log_prob"]
    assert found == pytest.approx(results(folder)["trials"][0]["val_log_prob"], rel=1e-6)


def test_help_answers_within_a_second_without_tensorflow():
    began = processor_seconds_of_children()
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "apps.tune", "--help"], cwd=ROOT, capture_output=True, text=True
    )
    assert processor_seconds_of_children() - began < 2 and done.returncode == 0
    assert "examples:" in done.stdout and "tensorflow" not in done.stderr and "numpy" not in done.stderr


def start(*command):
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    command = [sys.executable, "-m", *map(str, command)]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.full
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_process_resumes(searched, tmp_path, number):
    process = start("apps.tune", "vae", "--out", tmp_path / "s", *OPTIONS)
    for line in process.stdout:
        if line.startswith("trial 1: latent_size"):
            break
    family = processes(process.pid)
    assert len(family) == 3  # the search, and the one that trains, under the one that forks it
    # Ctrl-C reaches all of them, a kill the search alone.
    (os.kill if number == signal.SIGKILL else os.killpg)(process.pid, number)
    output, _ = process.communicate()
    assert process.returncode == (130 if number == signal.SIGINT else -number)
    assert ("stopped after 1 of 3 trials" in output) == (number == signal.SIGINT)
    end = time.monotonic() + 20
    while any(map(exists, family)) and time.monotonic() < end:
        time.sleep(0.1)
    assert not any(map(exists, family))
    assert number == signal.SIGKILL or not list((tmp_path / "s").rglob(".new*"))
    resumed = start("apps.tune", "vae", "--out", tmp_path / "s", "--resume")
    output, errors = resumed.communicate(timeout=300)
    assert resumed.returncode == 0 and "1 of 3 trials done" in output and errors == "", (output, errors)
    assert trials(tmp_path / "s") == trials(searched)


@pytest.mark.slow
@pytest.mark.full
def test_two_workers_share_a_search(searched, tmp_path):
    tuned = ["--", sys.executable, "-m", "apps.tune", "vae", "--out", tmp_path / "s", *OPTIONS]
    process = start("apps.launch", "--workers", 2, "--search", *tuned)
    output, errors = process.communicate(timeout=400)
    assert process.returncode == 0 and errors == "", (output, errors)
    workers = {line.split("]")[0] for line in output.splitlines() if "trial" in line and line.startswith("[worker")}
    assert workers == {"[worker 0", "[worker 1"}
    assert trials(tmp_path / "s") == trials(searched)
    assert_same_state(tmp_path / "s" / "best" / "model.keras", searched / "best" / "model.keras")
