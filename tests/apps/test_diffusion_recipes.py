"""Recipes of diffusion and flow matching: models, what they refuse, the program, and pictures of the plane."""

import numpy as np
import pytest

import keras_dl
from apps import catalogue, evaluate, sample, train
from keras_dl.runs import space

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


def test_images_are_trained_drawn_and_sampled(tmp_path):
    assert train.main(["ddpm", "--out", str(tmp_path / "run"), *SMALL]) in (0, None)
    pictures = {path.name for path in (tmp_path / "run" / "pictures").iterdir()}
    assert {"steps.png", "samples_epoch_0001.png", "loss_curves.png"} <= pictures
    out = tmp_path / "samples.npy"
    assert sample.main([str(tmp_path / "run"), "--num-samples", "3", "--to", str(out)]) in (0, None)
    samples = np.load(out)
    assert samples.shape == (3, 8, 8, 1) and samples.min() >= 0 and samples.max() <= 1


@pytest.mark.parametrize("path", ["cosine", "straight"])
@pytest.mark.grid("cosine")
def test_points_have_a_density(tmp_path, path, capsys):
    run = tmp_path / "run"
    options = ["--set=width=8", "--set=num_blocks=1", "--epochs=1", f"--set=path={path}", "--set=batch_size=512"]
    assert train.main(["score2d", "--out", str(run), *options]) in (0, None)
    assert {"density.png", "paths.png"} <= {item.name for item in (run / "pictures").iterdir()}
    assert evaluate.main([str(run)]) in (0, None)
    assert "KL divergence" in capsys.readouterr().out
