"""What evaluations and searches say of likelihoods: a model of each kind."""

import json
import math
import shutil
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_dl
from apps import evaluate, train, tune

SCRATCH = Path(__file__).with_name("scratch")


def evaluation(run, folder, *arguments):
    assert run(evaluate.main, folder, *arguments) == 0
    return json.loads((folder / "evaluation.json").read_text())


@pytest.fixture(scope="module")
def logistic(run, tmp_path_factory):
    """The folder of a run of dequantised digits."""
    file = shutil.copy(SCRATCH / "logistic.py", tmp_path_factory.mktemp("mine") / "logistic.py")
    folder = tmp_path_factory.mktemp("runs") / "logistic"
    assert run(train.main, file, "--out", folder, "--epochs", 1) == 0
    yield folder
    sys.modules.pop("recipe_logistic", None)


def test_a_bound_says_so_and_counts_bits(run, logistic, capsys):
    found = evaluation(run, logistic, "--num-samples", 20)
    printed = " ".join(capsys.readouterr().out.split())
    assert found["log_prob_kind"] == "bound" and found["num_samples"] == 20
    assert found["bits_per_dimension"] == pytest.approx(-found["log_prob"] / (64 * math.log(2)), rel=1e-6)
    ratio = found["bits_per_dimension_standard_error"] / found["log_prob_standard_error"]
    assert ratio == pytest.approx(1 / (64 * math.log(2)), rel=1e-6)
    assert 0 < found["log_prob_monte_carlo_error"] < found["log_prob_standard_error"]
    assert "log p(x), lower bound, 20 samples" in printed and "17 levels with uniform noise, logit with" in printed


def test_a_bound_is_no_more_than_the_closed_form(run, logistic):
    """log P(k) of independent logistics by their distribution function, above the bound by the noise's gap alone."""
    found = evaluation(run, logistic)
    model = keras.saving.load_model(logistic / "model.keras")
    loc, log_scale = np.split(model.network(np.ones((1, 1))).numpy()[0].astype("float64"), 2)
    edges = 0.05 + 0.9 * np.arange(18) / 17
    z = ((np.log(edges) - np.log1p(-edges))[:, None] - loc) / np.exp(log_scale)
    log_mass = np.log(np.diff(1 / (1 + np.exp(-z)), axis=0))
    x = keras_dl.data.load("digits")[1][0].reshape(-1, 64)
    exact = log_mass[np.rint(16 * x).astype(int), np.arange(64)].sum(1).mean()
    assert exact - 1.0 < found["log_prob"] < exact


@pytest.mark.full
def test_a_search_compares_by_the_same_figure(run, logistic, tmp_path):
    recipe = json.loads((logistic / "config.json").read_text())["recipe"]
    options = ["--objective", "log_prob", "--trials", 1, "--epochs", 1, "--out", tmp_path / "search"]
    assert run(tune.main, recipe, *options) == 0
    assert run(evaluate.main, tmp_path / "search" / "best") == 0
    found = json.loads((tmp_path / "search" / "best" / "evaluation.json").read_text())
    trial = json.loads((tmp_path / "search" / "results.json").read_text())["trials"][0]
    assert found["log_prob"] == pytest.approx(trial["val_log_prob"], rel=1e-6) and found["log_prob_kind"] == "bound"
