"""The kernel distance beside its double sum, and the promises of being unbiased and of its standard error."""

import numpy as np
import pytest

from keras_dl import metrics
from keras_dl.metrics import kernel


def double_sum(x, y):
    """The definition, pair by pair."""
    n, m, size = len(x), len(y), x.shape[1]

    def k(a, b):
        return (a @ b / size + 1) ** 3

    inside_x = sum(k(x[i], x[j]) for i in range(n) for j in range(n) if i != j)
    inside_y = sum(k(y[i], y[j]) for i in range(m) for j in range(m) if i != j)
    across = sum(k(a, b) for a in x for b in y)
    return inside_x / (n * (n - 1)) + inside_y / (m * (m - 1)) - 2 * across / (n * m)


def jackknife(x, y):
    """The two-sample jackknife, by leaving out each vector."""
    variance = 0.0
    for count, left in (
        (len(x), [double_sum(np.delete(x, i, 0), y) for i in range(len(x))]),
        (len(y), [double_sum(x, np.delete(y, i, 0)) for i in range(len(y))]),
    ):
        variance += (count - 1) / count * np.sum((np.array(left) - np.mean(left)) ** 2)
    return np.sqrt(variance)


def test_agrees_with_the_double_sum_and_the_jackknife(monkeypatch):
    monkeypatch.setattr(kernel, "ROWS", 4)  # several blocks, the last one not full
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((9, 3)), rng.standard_normal((7, 3)) * 2 + 1
    estimate = metrics.kernel_distance(x, y)
    assert estimate.value == pytest.approx(double_sum(x, y), rel=1e-10)
    assert estimate.standard_error == pytest.approx(jackknife(x, y), rel=1e-10)


def test_is_unbiased():
    """Over many draws of equal distributions the mean is 0 within three standard errors; FID's is not."""
    rng = np.random.default_rng(1)
    values = np.array([metrics.kernel_distance(*rng.standard_normal((2, 40, 5))).value for _ in range(600)])
    assert abs(values.mean()) < 3 * values.std(ddof=1) / np.sqrt(len(values))
    assert 0.3 < np.mean(values < 0) < 0.8
    several = [
        metrics.kernel_distance(rng.standard_normal((30, 5)), rng.standard_normal((60, 5)) + 0.5) for _ in values
    ]
    many = metrics.kernel_distance(rng.standard_normal((4000, 5)), rng.standard_normal((4000, 5)) + 0.5)
    found = np.array([e.value for e in several])
    assert abs(found.mean() - many.value) < 3 * np.hypot(found.std(ddof=1) / np.sqrt(len(found)), many.standard_error)


@pytest.mark.parametrize(("shift", "least", "most"), [(1.0, 0.8, 1.25), (0.0, 0.55, 1.25)])
def test_the_error_is_the_spread_of_repeated_distances(shift, least, most):
    """Where the distributions are the same the jackknife is conservative, by up to the root of 2."""
    rng = np.random.default_rng(2)
    pairs = [(rng.standard_normal((100, 4)), rng.standard_normal((80, 4)) + shift) for _ in range(200)]
    estimates = [metrics.kernel_distance(*pair) for pair in pairs]
    spread = np.std([e.value for e in estimates], ddof=1)
    assert least < spread / np.mean([e.standard_error for e in estimates]) < most


def test_degree():
    """A kernel of the first power compares the means alone."""
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal((4000, 2)), 5 * rng.standard_normal((4000, 2))
    linear, cubic = metrics.KID(degree=1)(x, y)["kid"], metrics.KID()(x, y)["kid"]
    assert abs(linear.value) < 4 * linear.standard_error
    assert cubic.value > 10 * cubic.standard_error


def test_bad_sets_are_refused():
    with pytest.raises(TypeError, match="`features` should be a .*Features, or None. Received: features='lenet'"):
        metrics.KID("lenet")
    with pytest.raises(ValueError, match="at least 3 rows.*Received"):
        metrics.kernel_distance(np.zeros((2, 2)), np.zeros((5, 2)))
    with pytest.raises(ValueError, match="should be finite.*Received: 1 of 5 rows"):
        metrics.kernel_distance(np.zeros((5, 1)), [[0.0], [1.0], [np.inf], [2.0], [3.0]])
