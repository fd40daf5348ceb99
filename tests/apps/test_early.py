"""What programs answer before TensorFlow is imported: refusals that need none, and lists of hyperparameters."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: Runs programs one after another in a process in which TensorFlow and Keras cannot be imported.
WITHOUT = """
import contextlib, importlib, io, json, sys
sys.modules["tensorflow"] = sys.modules["keras"] = None
from apps import cli
answers = []
for program, *arguments in json.loads(sys.argv[1]):
    code, written = 0, io.StringIO()
    with contextlib.redirect_stderr(written), contextlib.redirect_stdout(written):
        try:
            cli.run(importlib.import_module(f"apps.{program}").main, arguments)
        except SystemExit as stop:
            code = stop.code
    answers.append([code, written.getvalue()])
print(json.dumps(answers))
"""
LONG = 300 * "x"
REFUSALS = [
    (["sample", "nowhere"], "nowhere holds no run: nowhere/config.json does not exist"),
    (["evaluate", "nowhere"], "nowhere holds no run"),
    (["export", "nowhere"], "nowhere holds no run"),
    (["segment", "nowhere", "--data", "d"], "nowhere holds no run"),
    (["translate", "nowhere", "--data", "d"], "nowhere holds no run"),
    (["export", "runs/x", "/tmp/y"], "unexpected argument '/tmp/y': where the model goes is --to /tmp/y"),
    (["sample", LONG], "File name too long"),
    (["train", "vae", "--resume", "--out", LONG], "File name too long"),
    (["train", f"{LONG}.py"], "unknown recipe"),
    (["report", "nowhere"], "nowhere holds no run"),
    (["compare", "--budget", "1x", "vae"], "expected a budget such as 30s"),
    (["train", "vae", "--resume", "--out", "nowhere"], "nowhere holds no run"),
    (["train", "unet", "--resume", "--folds", "--out", "nowhere"], "nowhere holds no run"),
    (["tune", "vae", "--resume", "--out", "nowhere"], "nowhere holds no search: nowhere/search.json does not exist"),
    (["train", "vae", "--set", "latent_sice=3"], "unknown hyperparameter 'latent_sice'. Did you mean latent_size?"),
    (["train", "vae", "--dataset", "digit"], "unknown dataset 'digit'. Did you mean digits?"),
]
LISTS = [[program, "vae", "--options", *own] for program in ("train", "tune") for own in ([], ["--dataset", "digits"])]


@pytest.fixture(scope="module")
def answers():
    commands = json.dumps([*(command for command, _ in REFUSALS), *LISTS])
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-c", WITHOUT, commands]
    done = subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("number", range(len(REFUSALS)), ids=[" ".join(command)[:60] for command, _ in REFUSALS])
def test_a_refusal_without_tensorflow(answers, number):
    code, written = answers[number]
    assert code == 2 and REFUSALS[number][1] in written, written


def test_hyperparameters_are_listed_without_tensorflow(answers):
    train, train_named, tune, tune_named = answers[-len(LISTS) :]
    for code, written in (train, tune):
        assert code == 0 and "size of the latent vector" in written, written
    assert train == train_named and tune == tune_named  # the recipe's data set, whether named or not
    assert "searched for val_elbo" in tune[1] and "objectives: elbo" in tune[1], tune[1]


def test_epochs_of_a_recipe_without_any(monkeypatch):
    from apps import catalogue, cli, train

    monkeypatch.setattr(catalogue, "hyperparameters", lambda recipe: ["latent_size"])
    arguments = train.parser(["vae"]).parse(["vae", "--epochs", "3"])
    with pytest.raises(cli.UserError, match="vae has no number of epochs, which --epochs would set"):
        cli.check_names(arguments)
