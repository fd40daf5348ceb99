"""Recipes of energy models: models, what they refuse, the program, and pictures."""

import numpy as np
import pytest

import keras_dl
from apps import catalogue, evaluate, sample, train
from apps.recipes import ebm
from apps.recipes.ebm2d import OBJECTIVES
from benchmarks import energy2d
from keras_dl.data import points
from keras_dl.objectives import quadrature
from keras_dl.runs import space

SMALL = ["--set=filters=4", "--set=chain_steps=1", "--set=capacity=512"]


@pytest.mark.parametrize("name", ["ebm", "jem", "rbm", "ebm2d"])
def test_other_data_are_refused(name):
    with pytest.raises(ValueError, match="data should be images|ebm2d expects points"):
        space.build(catalogue.module(name), keras_dl.data.DataSpec((3,), None, 100), {}, seed=0)


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.grid("noise_contrastive")
def test_points_have_an_energy(tmp_path, objective, capsys):
    run = tmp_path / "run"
    options = ["--set=width=8", "--set=num_layers=1", "--epochs=1", "--set=batch_size=4096", "--set=chain_steps=2"]
    options += ["--set=sample_steps=20"]
    assert train.main(["ebm2d", "--out", str(run), f"--set=objective={objective}", *options]) in (0, None)
    assert {"density.png", "chains.png"} <= {item.name for item in (run / "pictures").iterdir()}
    assert evaluate.main([str(run)]) in (0, None)
    shown = capsys.readouterr().out
    assert "KL divergence" in shown and "log Z by annealed importance sampling" in shown


@pytest.mark.parametrize(
    ("name", "picture", "options"),
    [
        ("rbm", "filters.png", ["--set=num_hidden=8", "--set=gibbs_steps=1"]),
        pytest.param("jem", "langevin.png", SMALL, marks=pytest.mark.full),
        pytest.param("ebm", "langevin.png", SMALL, marks=pytest.mark.full),
    ],
)
def test_images_are_trained_drawn_and_sampled(tmp_path, name, picture, options, monkeypatch):
    monkeypatch.setattr(ebm, "STEPS", (1, 2))
    run, out = tmp_path / "run", tmp_path / "samples.npy"
    assert train.main([name, "--out", str(run), "--epochs=1", *options]) in (0, None)
    assert picture in {path.name for path in (run / "pictures").iterdir()}
    assert sample.main([str(run), "--num-samples", "3", "--to", str(out)]) in (0, None)
    samples = np.load(out)
    assert samples.shape == (3, 8, 8, 1) and samples.min() >= 0 and samples.max() <= 1


def test_the_benchmark_measures_the_truth_as_nothing():
    grid = quadrature.nodes(energy2d.BOX, energy2d.CELLS, 2)
    truth = points.log_density("eight_gaussians", grid)
    figures = energy2d.measured("eight_gaussians", truth)
    assert figures["kl"] == pytest.approx(0.0, abs=1e-6) and figures["least_mode"] == pytest.approx(1.0, abs=1e-3)
    narrow = energy2d.measured("eight_gaussians", np.where(grid[:, 0] > 0.5, truth, truth - 3.0))
    assert narrow["least_mode"] < 0.1 and narrow["kl"] > 1.0
