"""Precision, recall, density and coverage: by hand, beside loops over all pairs, and their known means."""

import numpy as np
import pytest

from keras_dl import metrics
from keras_dl.metrics import neighbours


def by_loops(real, generated, k):
    """The definitions, pair by pair: precision, recall, density, coverage."""

    def distance(a, b):
        return np.sqrt(((a - b) ** 2).sum())

    def radii(x):
        return [sorted(distance(a, b) for j, b in enumerate(x) if j != i)[k - 1] for i, a in enumerate(x)]

    real_radii, generated_radii = radii(real), radii(generated)
    inside = np.array(
        [[distance(r, g) <= radius for g in generated] for r, radius in zip(real, real_radii, strict=True)]
    )
    back = np.array(
        [[distance(r, g) <= radius for r in real] for g, radius in zip(generated, generated_radii, strict=True)]
    )
    return inside.any(0).mean(), back.any(0).mean(), inside.sum(0).mean() / k, inside.any(1).mean()


def values(real, generated, k):
    found = (*metrics.precision_recall(real, generated, k), *metrics.density_coverage(real, generated, k))
    return [float(estimate.value) for estimate in found]


def test_by_hand():
    """Real points 0, 1, 3 reach 1, 1, 2; generated points 1.5, 4.5, 9 reach 3, 3, 4.5."""
    real, generated = np.array([[0.0], [1.0], [3.0]]), np.array([[1.5], [4.5], [9.0]])
    # 1.5 lies in the balls of 1 and 3, 4.5 in that of 3, 9 in none; 0, 1 and 3 lie in that of 1.5.
    np.testing.assert_allclose(values(real, generated, 1), [2 / 3, 1.0, 1.0, 2 / 3])
    precision, recall = metrics.precision_recall(real, generated, 1)
    assert precision.standard_error == pytest.approx(np.sqrt(2 / 9 / 2)) and recall.standard_error == 0
    assert metrics.density_coverage(real, generated, 1).density.standard_error == pytest.approx(1 / np.sqrt(3))


@pytest.mark.parametrize("k", [1, 3, 5])
def test_agrees_with_loops(k, monkeypatch):
    monkeypatch.setattr(neighbours, "ROWS", 8)  # several blocks, the last one not full
    rng = np.random.default_rng(k)
    real, generated = rng.standard_normal((30, 2)) + 100, 1.3 * rng.standard_normal((21, 2)) + 101
    np.testing.assert_allclose(values(real, generated, k), by_loops(real, generated, k), rtol=1e-12)
    swapped = metrics.precision_recall(generated, real, k)
    assert swapped == metrics.precision_recall(real, generated, k)[::-1]


def test_points_on_a_lattice_lie_on_the_balls_edges():
    """Closed balls: rounding must not decide."""
    points = np.stack(np.meshgrid(*[np.arange(8)] * 2), -1).reshape(-1, 2) * 0.1
    assert values(points + 37.7, points + [37.8, 37.7], 1)[0] == 1.0
    assert values(np.ones((6, 40)) / 3, np.ones((7, 40)) / 3, 2) == [1.0, 1.0, 3.0, 1.0]


def test_means_for_equal_distributions():
    """Density 1 and coverage 1 - prod (n - j) / (n + m - j), whatever the distribution (Naeem et al., lemma 2)."""
    rng = np.random.default_rng(0)
    n, m, k, draws = 40, 30, 3, 400
    found = np.array([values(rng.standard_normal((n, 4)), rng.standard_normal((m, 4)), k) for _ in range(draws)])
    j = np.arange(1, k + 1)
    expected = [1.0, 1 - np.prod((n - j) / (n + m - j))]
    errors = found[:, 2:].std(0, ddof=1) / np.sqrt(draws)
    assert np.all(np.abs(found[:, 2:].mean(0) - expected) < 3.5 * errors)
    assert errors.max() < 0.02


def test_what_they_tell_apart():
    """A dropped mode costs recall and coverage; samples in the void cost precision and density."""
    rng = np.random.default_rng(1)
    real = rng.standard_normal((400, 2)) * 0.1 + 4 * rng.integers(0, 2, (400, 1))
    dropped, noisy = real[real[:, 0] < 2] + 1e-3, np.concatenate([real[:200], rng.uniform(20, 40, (200, 2))])
    precision, recall, density, coverage = values(real, dropped, 5)
    assert precision > 0.98 and recall < 0.6 and coverage < 0.6
    precision, recall, density, coverage = values(real, noisy, 5)
    assert precision == pytest.approx(0.5) and density < 0.8 and coverage > 0.9


@pytest.mark.parametrize("measure", [metrics.precision_recall, metrics.density_coverage])
def test_bad_arguments_are_refused(measure):
    x = np.zeros((4, 2))
    with pytest.raises(ValueError, match="at least 5 rows.*Received"):
        measure(x, x, k=4)
    with pytest.raises(ValueError, match="`k` should be.*Received: k=0"):
        measure(x, x, k=0)
    with pytest.raises(ValueError, match="one size.*Received"):
        measure(x, np.zeros((4, 3)), k=2)
