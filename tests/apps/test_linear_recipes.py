"""Recipes of components and mixtures through the programs: measures, pictures and longer runs."""

import json

import numpy as np
import pytest

from apps import evaluate, train
from keras_dl.data import load, points
from keras_dl.tasks import linear_drawing


def pictures_in(folder):
    return {path.name for path in (folder / "pictures").iterdir()}


@pytest.mark.parametrize("recipe", ["pca", "ppca"])
def test_components_of_images_are_solved_drawn_and_measured(recipe, run, tmp_path):
    folder = tmp_path / recipe
    assert run(train.main, recipe, "--out", folder, "--set=num_components=5", "--set=batch_size=1024") == 0
    assert {"components.png", "scree.png", "reconstructions.png"} <= pictures_in(folder)
    assert run(evaluate.main, folder, "--limit", 200) == 0
    figures = json.loads((folder / "evaluation.json").read_text())
    (x, _), (x_test, _) = load("digits")
    x, x_test = x.reshape(len(x), -1).astype("float64"), x_test[:200].reshape(200, -1)
    _, values, directions = np.linalg.svd(x - x.mean(0), full_matrices=False)
    centred, directions = x_test - x.mean(0), directions[:5]
    share = 1 - np.square(centred - centred @ directions.T @ directions).sum() / np.square(centred).sum()
    assert figures["explained_variance"] == pytest.approx(share, abs=1e-4)
    variances = np.square(values) / len(x)
    modelled = np.r_[variances[:5], np.full(59, variances[5:].mean())]
    expected = -0.5 * (64 * np.log(2 * np.pi) + np.log(modelled).sum() + 64)
    last = (folder / "history.csv").read_text().splitlines()
    losses = dict(zip(last[0].split(","), last[-1].split(","), strict=True))
    assert float(losses["loss"]) == pytest.approx(-expected, abs=1e-2)


def test_components_of_points_are_axes(run, tmp_path):
    folder = tmp_path / "pca"
    options = ("--set=num_components=2", "--set=batch_size=4096")
    assert run(train.main, "pca", "--dataset", "moons", "--out", folder, *options) == 0
    assert {"components_in_plane.png", "scree.png"} <= pictures_in(folder)


def test_a_mixture_of_points_reaches_the_density_and_goes_on(run, tmp_path):
    folder = tmp_path / "gmm"
    arguments = ("gmm", "--dataset", "eight_gaussians", "--out", folder)
    assert run(train.main, *arguments, "--epochs", 2, "--set=batch_size=4096") == 0
    assert {"ellipses.png", "density.png"} <= pictures_in(folder)
    assert run(train.main, *arguments, "--epochs", 3, "--resume") == 0
    assert run(evaluate.main, folder, "--limit", 500) == 0
    figures = json.loads((folder / "evaluation.json").read_text())
    expected = points.log_density("eight_gaussians", points.load("eight_gaussians")[1][0][:500]).mean()
    assert figures["log_prob"] == pytest.approx(expected, abs=0.02)
    assert figures["adjusted_rand_index"] > 0.99 and figures["normalized_mutual_information"] > 0.99


def test_a_mixture_of_images_shows_its_means(run, tmp_path):
    options = ("--set=num_components=3", "--set=starts=1", "--set=batch_size=2048", "--epochs", 1)
    assert run(train.main, "gmm", "--out", tmp_path / "gmm", *options) == 0
    assert "clusters.png" in pictures_in(tmp_path / "gmm")


def test_outlines_lie_at_two_deviations():
    mean, covariance = np.array([1.0, -2.0]), np.array([[2.0, 0.7], [0.7, 0.5]])
    centred = linear_drawing.outline(mean, covariance) - mean
    distances = np.einsum("nd,de,ne->n", centred, np.linalg.inv(covariance), centred)
    np.testing.assert_allclose(distances, 4.0)
    assert linear_drawing.counts_up_to(1) == [1] and linear_drawing.counts_up_to(10) == [1, 2, 4, 8, 10]
