"""Evaluate, sample and export, on small trained runs."""

import json
import shutil

import numpy as np
import pytest

from apps import evaluate, export, sample
from keras_dl.tasks import drawing


def test_evaluate_writes_a_bound_above_the_elbo(run, finished, capsys):
    assert run(evaluate.main, finished, "--num-samples", 50) == 0
    found = json.loads((finished / "evaluation.json").read_text())
    assert found["rows"] == 360 and found["log_prob"] > found["elbo"] and found["log_prob_kind"] == "estimate"
    assert 0 < found["log_prob_monte_carlo_error"] < found["log_prob_standard_error"]
    assert found["elbo"] == pytest.approx(json.loads((finished / "results.json").read_text())["test"]["elbo"])
    assert run(evaluate.main, finished, "--limit", 20, "--num-samples", 0) == 0
    assert json.loads((finished / "evaluation.json").read_text())["rows"] == 20
    assert "log_prob" not in json.loads((finished / "evaluation.json").read_text())


def test_evaluate_estimates_a_conditional_density(run, finished_conditional, capsys):
    assert run(evaluate.main, finished_conditional, "--num-samples", 4) == 0
    found = json.loads((finished_conditional / "evaluation.json").read_text())
    assert found["log_prob_kind"] == "estimate" and found["num_samples"] == 4
    assert "log p(x | y), 4 samples" in " ".join(capsys.readouterr().out.split())


def test_evaluate_refuses_data_of_another_shape(run, finished, real_data, capsys):
    real_data("mnist")
    assert run(evaluate.main, finished, "--dataset", "mnist") == 2
    assert "[8, 8, 1]" in capsys.readouterr().err


def test_sample_as_array_repeats_with_a_seed(run, finished, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        path = tmp_path / f"{name}.npy"
        assert run(sample.main, finished, "--num-samples", 5, "--seed", seed, "--to", path) == 0
    a, b, c = (np.load(tmp_path / f"{name}.npy") for name in "abc")
    assert a.shape == (5, 8, 8, 1) and (a == b).all() and (a != c).any()


def test_sample_from_a_mixture_of_latents(run, finished, tmp_path):
    options = ["--num-samples", 5, "--seed", 1, "--to"]
    assert run(sample.main, finished, "--latent-mixture", 3, *options, tmp_path / "mixture.npy") == 0
    assert run(sample.main, finished, *options, tmp_path / "prior.npy") == 0
    mixture, prior = (np.load(tmp_path / f"{name}.npy") for name in ("mixture", "prior"))
    assert mixture.shape == (5, 8, 8, 1) and np.abs(mixture - prior).max() > 1e-3


def test_a_picture_of_samples_shows_real_data_where_they_are_at_hand(run, finished, tmp_path, capsys, monkeypatch):
    drawn = []
    monkeypatch.setattr(drawing, "save_samples", lambda path, *_, real=None, **__: drawn.append(real))
    assert run(sample.main, finished, "--to", tmp_path / "with.png") == 0
    config = json.loads((finished / "config.json").read_text())
    gone = shutil.copytree(finished, tmp_path / "gone")
    (gone / "config.json").write_text(json.dumps(config | {"folder": str(tmp_path / "no_such_folder")}))
    assert run(sample.main, gone, "--to", tmp_path / "without.png") == 0
    assert drawn[0].shape == (drawing.REAL, 8, 8, 1) and drawn[1] is None
    assert "drawn without real data" in capsys.readouterr().out


def test_sample_of_classes(run, finished_conditional, tmp_path, capsys):
    assert (finished_conditional / "pictures" / "classes.png").is_file()
    assert run(sample.main, finished_conditional, "--to", tmp_path / "all.npy") == 0
    assert np.load(tmp_path / "all.npy").shape == (80, 8, 8, 1)
    some = ["--condition", "3,7", "--num-samples", 5, "--to", tmp_path / "x.npy"]
    assert run(sample.main, finished_conditional, *some) == 0
    assert np.load(tmp_path / "x.npy").shape == (5, 8, 8, 1)
    assert run(sample.main, finished_conditional, "--condition", "10") == 2
    assert "from 0 to 9" in capsys.readouterr().err


def test_sample_refuses_a_condition_where_there_is_none(run, finished, capsys):
    assert run(sample.main, finished, "--condition", "3") == 2
    assert "takes no condition" in capsys.readouterr().err


def test_export_writes_versions_cards_and_the_server_config(run, finished, finished_conditional, tmp_path, capsys):
    assert run(export.main, finished, "--to", tmp_path / "vae_digits") == 0
    assert run(export.main, finished, "--to", tmp_path / "vae_digits") == 0
    assert run(export.main, finished_conditional, "--to", tmp_path / "cvae_digits", "--version", 7) == 0
    assert run(export.main, finished, "--to", tmp_path / "vae_digits", "--version", 2) == 2
    assert "cannot export" in capsys.readouterr().err
    models = {str(path.parent.relative_to(tmp_path)) for path in tmp_path.glob("*/*/saved_model.pb")}
    assert models == {"vae_digits/1", "vae_digits/2", "cvae_digits/7"}
    card = (tmp_path / "cvae_digits" / "README.md").read_text()
    assert "`condition`: int32 ?" in card and "elbo" in card and "digits, 1,437 samples of 8x8x1" in card
    assert (tmp_path / "cvae_digits" / "samples.png").is_file()
    config = (tmp_path / "models.config").read_text()
    assert config.count("config {") == 2 and 'base_path: "/models/cvae_digits"' in config
