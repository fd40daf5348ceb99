"""A family with its recipe, picture and measure in one file of one's own, through all programs."""

import json
import shutil
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from apps import catalogue, evaluate, export, sample, train, tune
from tests.runtime.saved_models import run_in_tensorflow

SOURCE = Path(__file__).with_name("scratch") / "flow.py"
SMALL = ["--set=hidden_units=4", "--epochs", 1]


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    """The file, in a folder that is on no path."""
    return shutil.copy(SOURCE, tmp_path_factory.mktemp("mine") / "flow.py")


@pytest.fixture(scope="module")
def flow(run, recipe, tmp_path_factory):
    """The folder of a run of an epoch."""
    folder = tmp_path_factory.mktemp("runs") / "flow"
    assert run(train.main, recipe, "--out", folder, *SMALL) == 0
    return folder


@pytest.fixture(autouse=True)
def forgotten():
    """As in a new process: the recipe's module has not been imported."""
    sys.modules.pop("recipe_flow", None)


def test_a_run_draws_its_own_picture(flow, recipe):
    pictures = {path.name for path in (flow / "pictures").glob("[!.]*")}
    assert pictures == {"loss_curves.png", "plane.png", "samples_epoch_0001.png"}
    config = json.loads((flow / "config.json").read_text())
    assert config["recipe"] == str(recipe) and config["condition"] is None
    assert config["hyperparameters"] == {"hidden_units": 4, "learning_rate": 0.01, "batch_size": 8192, "epochs": 1}


def test_an_evaluation_has_its_own_measure(run, flow, capsys):
    assert run(evaluate.main, flow, "--limit", 50) == 0
    found, printed = json.loads((flow / "evaluation.json").read_text()), capsys.readouterr().out
    assert found["log_prob"] == pytest.approx(-found["loss"], abs=1e-3) and found["log_prob_standard_error"] > 0
    assert found["spread"] > 0 and "spread of samples" in printed and "log p(x)" in printed
    assert found["log_prob_kind"] == "exact"
    assert not {"num_samples", "log_prob_monte_carlo_error", "bits_per_dimension"} & set(found)


@pytest.mark.full
def test_a_resumed_run_is_an_uninterrupted_one(run, flow, recipe, tmp_path):
    shutil.copytree(flow, tmp_path / "resumed")
    assert run(train.main, recipe, "--out", tmp_path / "resumed", "--epochs", 2, "--resume") == 0
    assert run(train.main, recipe, "--out", tmp_path / "whole", *SMALL[:1], "--epochs", 2) == 0
    models = [keras.saving.load_model(tmp_path / name / "model.keras") for name in ("resumed", "whole")]
    for resumed, whole in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(resumed, whole)


def test_samples_follow_the_density(run, flow, tmp_path):
    assert run(sample.main, flow, "--num-samples", 4000, "--seed", 1, "--to", tmp_path / "x.npy") == 0
    x = np.load(tmp_path / "x.npy")
    sys.modules.pop("recipe_flow", None)
    catalogue.module(json.loads((flow / "config.json").read_text())["recipe"])
    density = keras.saving.load_model(flow / "model.keras").log_prob
    line = np.linspace(-12, 12, 241, dtype="float32")
    grid = np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)
    mass = np.exp(np.asarray(density(grid), "float64")) * (line[1] - line[0]) ** 2
    assert mass.sum() == pytest.approx(1.0, abs=0.01)
    np.testing.assert_allclose(x.mean(0), (mass[:, None] * grid).sum(0), atol=0.1)


@pytest.mark.full
def test_a_server_gives_the_models_numbers(run, flow, tmp_path):
    """The SavedModel in a fresh process with TensorFlow alone: nothing there knows the recipe's file."""
    assert run(export.main, flow, "--to", tmp_path / "flow") == 0
    x = np.random.default_rng(0).normal(0, 4, (5, 2)).astype("float32")
    calls = {
        "density": ("log_prob", {"x": x}),
        "default": ("serving_default", {"x": x[:1]}),
        "empty": ("log_prob", {"x": x[:0]}),
        "sample": ("sample", {"num_samples": np.int32(7), "seed": np.int64(3)}),
    }
    served = run_in_tensorflow(tmp_path / "flow" / "1", calls, tmp_path)
    catalogue.module(json.loads((flow / "config.json").read_text())["recipe"])
    model = keras.saving.load_model(flow / "model.keras")
    expected = np.asarray(model.log_prob(x))
    np.testing.assert_allclose(served["density/log_prob"], expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(served["default/log_prob"], expected[:1], rtol=1e-5, atol=1e-5)
    assert served["empty/log_prob"].shape == (0,)
    np.testing.assert_allclose(served["sample/x"], model.sample(7, seed=3), rtol=1e-4, atol=1e-4)


@pytest.mark.full
def test_export_and_tune(run, flow, recipe, tmp_path, capsys):
    assert run(export.main, flow, "--to", tmp_path / "flow") == 0
    card = (tmp_path / "flow" / "README.md").read_text()
    assert "`log_prob` | `x`: float32 ?x2" in card and "Normalizing flow of two coupling layers" in card
    given = ["--trials", 2, "--epochs", 1, "--set=batch_size=8192", "--out", tmp_path / "search"]
    assert run(tune.main, recipe, *given) == 0
    assert "objective: val_log_prob, larger is better" in capsys.readouterr().out
    assert (tmp_path / "search" / "best" / "pictures" / "plane.png").is_file()


def test_its_options_say_what_they_mean(run, recipe, capsys):
    assert run(train.main, recipe, "--options") == 0
    assert "width of the layers" in capsys.readouterr().out
    assert run(train.main, Path(recipe).with_name("missing.py")) == 2
    assert "unknown recipe" in capsys.readouterr().err
