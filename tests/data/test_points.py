import numpy as np
import pytest
from scipy import stats

import keras_dl
from keras_dl.data import centres, sample_points
from keras_dl.data.points import NAMES
from keras_dl.data.points import log_density as log_density_of


@pytest.mark.parametrize(("name", "count"), [("eight_gaussians", 8), ("grid", 25)])
def test_mixtures(name, count):
    x, y = sample_points(name, 20_000, seed=3)
    assert x.shape == (20_000, 2) and x.dtype == np.float32 and y.dtype == np.int32
    assert centres(name).shape == (count, 2)
    assert stats.chisquare(np.bincount(y, minlength=count)).pvalue > 1e-3
    noise = ((x - centres(name)[y]) / 0.05).ravel()
    assert stats.kstest(noise, "norm").pvalue > 1e-3


def test_eight_gaussians_lie_on_the_circle_of_radius_2():
    middle = centres("eight_gaussians")
    np.testing.assert_allclose(np.linalg.norm(middle, axis=1), 2.0)
    distances = np.linalg.norm(middle - np.roll(middle, 1, axis=0), axis=1)
    np.testing.assert_allclose(distances, 4 * np.sin(np.pi / 8))


def test_ring():
    x, y = sample_points("ring", 20_000)
    assert y is None
    angle = np.arctan2(x[:, 1], x[:, 0])
    assert stats.kstest(angle, stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue > 1e-3
    radius = np.linalg.norm(x, axis=1)
    assert abs(radius.mean() - 2) < 0.01 and abs(radius.std() - 0.05) < 0.002


def test_load_draws_the_same_points_and_others_to_hold_out():
    (x, y), (x_test, y_test) = keras_dl.data.load("grid")
    assert x.shape == (50_000, 2) and x_test.shape == (10_000, 2) and y.shape == (50_000,) and y_test.shape == (10_000,)
    np.testing.assert_array_equal(x[:9], sample_points("grid", 50_000, seed=0)[0][:9])
    assert not set(map(tuple, x.tolist())) & set(map(tuple, x_test.tolist()))
    assert keras_dl.data.load("ring")[0][1] is None


@pytest.mark.parametrize("name", ["ring", "triangle"])
def test_refuses_names_without_components(name):
    with pytest.raises(ValueError, match="name should be.*Received: "):
        centres(name)
    if name != "ring":
        with pytest.raises(ValueError, match="name should be.*Received: "):
            sample_points(name, 5)


@pytest.mark.parametrize("name", NAMES)
def test_densities_of_points_integrate_to_one_and_are_those_of_the_draws(name):
    """Their entropy by draws is that by the grid."""
    line = np.linspace(-3, 3, 151) + 1e-3
    grid, cell = np.stack(np.meshgrid(line, line), -1).reshape(-1, 2), (line[1] - line[0]) ** 2
    log_density = log_density_of(name, grid)
    mass = np.exp(log_density) * cell
    assert mass.sum() == pytest.approx(1.0, abs=2e-3)
    by_grid = np.where(mass > 0, mass * np.where(mass > 0, log_density, 0.0), 0.0).sum()
    assert log_density_of(name, sample_points(name, 2000)[0]).mean() == pytest.approx(by_grid, abs=0.08)
