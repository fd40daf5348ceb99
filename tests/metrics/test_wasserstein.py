"""Wasserstein distances beside scipy's on the line and in the plane, and beside known shifts."""

import builtins

import numpy as np
import pytest
from scipy import optimize, spatial, stats

from keras_dl import metrics


@pytest.mark.parametrize(("n", "m"), [(50, 50), (50, 70), (7, 3), (1, 4)])
def test_agrees_with_scipy_on_the_line(n, m):
    rng = np.random.default_rng(n * m)
    x, y = rng.standard_normal((n, 1)), rng.exponential(size=(m, 1))
    found = metrics.sliced_wasserstein(x, y, num_projections=3, order=1)
    assert found.value == pytest.approx(stats.wasserstein_distance(x[:, 0], y[:, 0]), rel=1e-10)
    assert found.standard_error < 1e-12


@pytest.mark.parametrize(("order", "count"), [(1, 100), (2, 100)])
def test_directions_are_averaged(order, count):
    """Each direction's distance by scipy's assignment; more directions than one block."""
    rng = np.random.default_rng(4)
    x, y = rng.standard_normal((12, 3)), rng.standard_normal((12, 3)) + 1
    directions = np.random.default_rng(7).standard_normal((3, count))
    directions /= np.linalg.norm(directions, axis=0)
    powers = []
    for direction in directions.T:
        costs = np.abs((x @ direction)[:, None] - y @ direction) ** order
        powers.append(costs[optimize.linear_sum_assignment(costs)].mean())
    found = metrics.sliced_wasserstein(x, y, num_projections=count, order=order, seed=7)
    assert found.value == pytest.approx(np.mean(powers) ** (1 / order), rel=1e-10)


def test_a_shift_of_many_dimensions():
    """SW_2 of a shift by s in d dimensions: |s| / sqrt(d), within the error of the random directions."""
    x = np.random.default_rng(0).random((40, 8, 8, 1))
    found = metrics.SlicedWasserstein(num_projections=4000)(x, x + 0.5)["sliced_wasserstein"]
    assert abs(found.value - 0.5) < 4 * found.standard_error < 0.05
    same = metrics.SlicedWasserstein()(x, x[::-1])["sliced_wasserstein"]
    assert same == (0.0, 0.0)


def test_the_seed_fixes_the_directions():
    x, y = np.random.default_rng(1).standard_normal((2, 30, 5))
    a, b, c = (metrics.sliced_wasserstein(x, y, num_projections=8, seed=seed) for seed in (1, 1, 2))
    assert a == b != c


def test_sliced_arguments_are_checked():
    x = np.zeros((4, 2))
    with pytest.raises(ValueError, match="`order` should be 1 or 2. Received: order=3"):
        metrics.sliced_wasserstein(x, x, order=3)
    with pytest.raises(ValueError, match="`num_projections`.*Received: num_projections=1"):
        metrics.sliced_wasserstein(x, x, num_projections=1)
    with pytest.raises(ValueError, match="should be finite.*Received"):
        metrics.sliced_wasserstein(x, x * np.nan)


def test_transport_agrees_with_an_assignment_and_with_a_shift():
    pytest.importorskip("ot")
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((60, 2)), rng.exponential(size=(60, 2))
    costs = spatial.distance.cdist(x, y, "sqeuclidean")
    expected = np.sqrt(costs[optimize.linear_sum_assignment(costs)].mean())
    assert metrics.wasserstein_2(x, y).value == pytest.approx(expected, rel=1e-9)
    assert metrics.wasserstein_2(x, x[::-1] + [3.0, -4.0]).value == pytest.approx(5.0, rel=1e-9)
    assert metrics.wasserstein_2(x, x[::-1]).value == pytest.approx(0.0, abs=1e-6)


def test_transport_of_other_numbers_and_of_the_first_rows():
    pytest.importorskip("ot")
    x = np.array([[0.0], [2.0]])
    # Half of 0's mass stays at 0 and so on: thirds against halves, W2^2 = 1/3 (0) + 1/6 (1) + 1/6 (1) + 1/3 (0).
    assert metrics.wasserstein_2(x, np.array([[0.0], [1.0], [2.0]])).value == pytest.approx(np.sqrt(1 / 3))
    far = np.array([[1.0], [3.0], [1000.0]])
    assert metrics.wasserstein_2(x, far, max_samples=2).value == pytest.approx(1.0)


def test_transports_error_is_the_spread_of_repeated_distances():
    pytest.importorskip("ot")
    rng = np.random.default_rng(3)
    pairs = [(rng.standard_normal((80, 2)), 1.5 * rng.standard_normal((60, 2)) + 2) for _ in range(120)]
    estimates = [metrics.wasserstein_2(*pair) for pair in pairs]
    spread = np.std([e.value for e in estimates], ddof=1)
    assert 0.75 < spread / np.mean([e.standard_error for e in estimates]) < 1.3


def test_without_pot_it_says_what_to_install(monkeypatch):
    load = builtins.__import__

    def without(name, *arguments, **options):
        if name == "ot":
            raise ImportError(name)
        return load(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match="pip install pot"):
        metrics.Wasserstein2()(np.zeros((3, 2)), np.zeros((3, 2)))
