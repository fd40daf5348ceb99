"""Recipes of diffusion and flow matching: models, what they refuse, the program, and pictures of the plane."""

import numpy as np
import pytest

import keras_dl
from apps import catalogue, evaluate, sample, train
from apps.recipes import cddpm, ddpm
from keras_dl.data import points
from keras_dl.runs import space
from keras_dl.tasks import flow_drawing

SMALL = ["--set=filters=4", "--set=sampling_steps=2", "--epochs=1"]


@pytest.mark.parametrize(
    ("recipe", "kind", "process", "prediction"),
    [
        ("ddpm", "Diffusion", "Cosine", "noise"),
        ("edm", "Diffusion", "EDM", "edm"),
        ("flow_matching", "FlowMatching", "RectifiedFlow", "velocity"),
    ],
)
def test_models_of_images(recipe, kind, process, prediction):
    recipe = catalogue.module(recipe)
    spec = keras_dl.data.DataSpec((8, 8, 1), 10, 100)
    model = space.build(recipe, spec, {"filters": "4"}, seed=0)[0]
    assert type(model) is getattr(keras_dl.models, kind)
    assert type(model.process).__name__ == process and model.prediction == prediction
    with pytest.raises(ValueError, match="data should be images"):
        space.build(recipe, keras_dl.data.DataSpec((2,), None, 100), {}, seed=0)


def test_images_are_trained_drawn_and_sampled(tmp_path, monkeypatch):
    monkeypatch.setattr(ddpm, "STEPS", (1, 2))
    assert train.main(["ddpm", "--out", str(tmp_path / "run"), *SMALL]) in (0, None)
    pictures = {path.name for path in (tmp_path / "run" / "pictures").iterdir()}
    assert {"steps.png", "samples_epoch_0001.png", "loss_curves.png"} <= pictures
    out = tmp_path / "samples.npy"
    assert sample.main([str(tmp_path / "run"), "--num-samples", "3", "--to", str(out)]) in (0, None)
    samples = np.load(out)
    assert samples.shape == (3, 8, 8, 1) and samples.min() >= 0 and samples.max() <= 1


@pytest.mark.full
def test_classes_are_drawn_with_guidance(tmp_path, monkeypatch):
    monkeypatch.setattr(cddpm, "GUIDANCE", (0.0, 2.0))
    run = tmp_path / "run"
    options = ["--set=filters=4", "--set=network=dit", "--set=sampler=euler", "--set=batch_size=512"]
    assert train.main(["cddpm", "--out", str(run), *options, "--set=sampling_steps=1", "--epochs=1"]) in (0, None)
    assert {"guidance.png", "classes.png"} <= {path.name for path in (run / "pictures").iterdir()}


@pytest.fixture
def few_points(monkeypatch):
    """Points and density maps of which an adaptive solver has little to do."""

    def load(name):
        return tuple(points.sample_points(name, count, seed) for seed, count in enumerate((1000, 100)))

    monkeypatch.setattr(points, "load", load)
    monkeypatch.setattr(flow_drawing, "_SIDE", 10)


@pytest.mark.parametrize("name", ["score2d", "cnf", "score2d-cosine"])
@pytest.mark.grid("score2d", "cnf")
def test_points_have_a_density(tmp_path, name, few_points, capsys):
    run = tmp_path / "run"
    recipe, *path = name.split("-")
    own = {"score2d": f"--set=path={(path or ['straight'])[0]}", "cnf": "--set=solver_steps=1"}[recipe]
    options = ["--set=width=8", "--set=num_blocks=1", "--epochs=1", own, "--set=batch_size=512"]
    assert train.main([recipe, "--out", str(run), *options]) in (0, None)
    assert {"density.png", "paths.png"} <= {item.name for item in (run / "pictures").iterdir()}
    assert evaluate.main([str(run)]) in (0, None)
    assert "KL divergence" in capsys.readouterr().out
