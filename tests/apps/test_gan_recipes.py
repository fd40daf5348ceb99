"""The adversarial recipes: built from their defaults, and small runs through the programs."""

import json

import numpy as np
import pytest

import keras_dl
from apps import catalogue, export, sample, train
from keras_dl.runs import space

DIGITS = keras_dl.data.DataSpec((8, 8, 1), 10, 1437, 17)
MNIST = keras_dl.data.DataSpec((28, 28, 1), 10, 60_000, 256)
POINTS = keras_dl.data.DataSpec((2,), 8, 50_000)
CASES = [
    ("gan", DIGITS, {}, keras_dl.models.GAN),
    ("gan", MNIST, {"network": "resnet", "filters": "8", "spectral_norm": "true"}, keras_dl.models.GAN),
    ("cgan", DIGITS, {"hidden_units": "16"}, keras_dl.models.ConditionalGAN),
    ("cgan", MNIST, {"network": "dcgan", "filters": "4"}, keras_dl.models.ConditionalGAN),
    ("wgan", DIGITS, {"clip": "0.02"}, keras_dl.models.WGAN),
    ("wgan_gp", DIGITS, {"critic_steps": "3"}, keras_dl.models.WGANGP),
    ("wgan_gp", MNIST, {"network": "dcgan", "filters": "4", "critic_normalization": "layer"}, keras_dl.models.WGANGP),
    ("dcgan", DIGITS, {"filters": "4"}, keras_dl.models.DCGAN),
    ("dcgan", MNIST, {"filters": "4"}, keras_dl.models.DCGAN),
    ("stylegan", DIGITS, {"filters": "4", "max_filters": "8"}, keras_dl.models.StyleGAN),
    ("cgan", POINTS, {"hidden_units": "16"}, keras_dl.models.ConditionalGAN),
    ("gan2d", POINTS, {}, keras_dl.models.GAN),
    ("gan2d", POINTS, {"game": "wgan_gp"}, keras_dl.models.WGANGP),
]


@pytest.mark.parametrize(("name", "spec", "values", "kind"), CASES)
def test_recipes_build(name, spec, values, kind):
    recipe = catalogue.module(name)
    model, options, hyperparameters = space.build(recipe, spec, values, seed=0)
    assert type(model) is kind and model.compiled
    assert options["batch_size"] == hyperparameters["batch_size"] * model.critic_steps
    # No batch, the last of an epoch included, leaves a critic update without rows.
    assert (spec.num_samples % options["batch_size"] or options["batch_size"]) >= model.critic_steps
    x = np.full((2, *spec.shape), -2.0 if spec is POINTS else 0.0)
    model.check_data((x, np.zeros(2)) if name == "cgan" else x)
    for value in values:
        assert value in hyperparameters


@pytest.mark.parametrize("game", keras_dl.objectives.GAMES)
def test_the_game_is_a_hyperparameter(game):
    values = {"objective": game, "hidden_units": "16", "hidden_layers": "1"}
    model, _, hyperparameters = space.build(catalogue.module("gan"), DIGITS, values, seed=0)
    assert type(model.objective) is keras_dl.objectives.GAMES[game]
    smoothing = {"label_smoothing": "0.2"}
    if game in ("non_saturating", "minimax"):
        model, _, _ = space.build(catalogue.module("gan"), DIGITS, {**values, **smoothing}, seed=0)
        assert model.objective.label_smoothing == 0.2
    else:
        assert "label_smoothing" not in hyperparameters


def test_points_have_no_convolutions():
    recipe = catalogue.module("gan")
    with pytest.raises(ValueError, match="network takes one of mlp"):
        space.build(recipe, POINTS, {"network": "dcgan"}, seed=0)
    recipe = catalogue.module("dcgan")
    with pytest.raises(ValueError, match="data should be images, for a dcgan network"):
        space.build(recipe, POINTS, {}, seed=0)


def test_a_run_on_digits(run, tmp_path):
    small = ["--set=hidden_units=16", "--set=latent_size=2", "--set=batch_size=256", "--set=critic_steps=2"]
    folder = tmp_path / "wgan_gp"
    assert run(train.main, "wgan_gp", "--out", folder, "--epochs", 2, *small) == 0
    assert json.loads((folder / "config.json").read_text())["fit"] == {"batch_size": 512, "epochs": 2}
    found = json.loads((folder / "results.json").read_text())
    assert {"critic_loss", "critic_penalty", "generator_loss"} <= set(found["test"])
    pictures = {path.name for path in (folder / "pictures").glob("[!.]*")}
    assert {"loss_curves.png", "manifold.png", "samples_epoch_0002.png"} <= pictures
    assert run(train.main, "wgan_gp", "--out", folder, "--epochs", 3, "--resume") == 0
    assert run(sample.main, folder, "--num-samples", 5, "--to", tmp_path / "x.npy") == 0
    x = np.load(tmp_path / "x.npy")
    assert x.shape == (5, 8, 8, 1) and 0 <= x.min() < x.max() <= 1
    assert run(export.main, folder, "--to", tmp_path / "wgan_gp_digits") == 0
    card = (tmp_path / "wgan_gp_digits" / "README.md").read_text()
    assert "`discriminate` | `x`: float32 ?x8x8x1" in card and "`latents`: float32 ?x2" in card


@pytest.mark.full
def test_a_conditional_run(run, tmp_path):
    folder = tmp_path / "cgan"
    small = ["--set=hidden_units=16", "--set=batch_size=256"]
    assert run(train.main, "cgan", "--out", folder, "--epochs", 1, *small) == 0
    assert (folder / "pictures" / "classes.png").is_file()
    assert run(sample.main, folder, "--condition", "3,7", "--num-samples", 4, "--to", tmp_path / "x.npy") == 0
    assert np.load(tmp_path / "x.npy").shape == (4, 8, 8, 1)


@pytest.mark.full
def test_a_conditional_run_in_the_plane(run, tmp_path):
    folder = tmp_path / "cgan"
    small = ["--dataset=eight_gaussians", "--set=hidden_units=16", "--set=batch_size=512"]
    assert run(train.main, "cgan", "--out", folder, "--epochs", 1, *small) == 0
    assert (folder / "pictures" / "classes.png").is_file()


def test_a_run_in_the_plane(run, tmp_path):
    folder = tmp_path / "gan2d"
    small = ["--set=hidden_units=16", "--set=batch_size=512"]
    assert run(train.main, "gan2d", "--out", folder, "--dataset", "ring", "--epochs", 1, *small) == 0
    assert (folder / "pictures" / "critic_field.png").is_file()
    assert run(sample.main, folder, "--to", tmp_path / "points.png") == 0
    assert (tmp_path / "points.png").stat().st_size > 1000
