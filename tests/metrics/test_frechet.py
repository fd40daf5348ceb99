"""The Frechet distance beside scipy's matrix square root, closed forms, and the spread that its error promises."""

import warnings

import numpy as np
import pytest
from scipy import linalg

from keras_dl import metrics

pytestmark = pytest.mark.filterwarnings("ignore:The Frechet distance of")


def by_square_root(real, generated):
    """The textbook formula, with a matrix square root."""
    shift = real.mean(0) - generated.mean(0)
    first, second = np.cov(real, rowvar=False), np.cov(generated, rowvar=False)
    root = np.real(linalg.sqrtm(first @ second))
    return shift @ shift + np.trace(first + second - 2 * root)


def with_moments(mean, covariance, count, rng):
    """Vectors whose sample mean and covariance are exactly these."""
    x = rng.standard_normal((count, len(mean)))
    x -= x.mean(0)
    white = np.linalg.solve(np.linalg.cholesky(np.cov(x, rowvar=False)), x.T).T
    return mean + white @ np.linalg.cholesky(covariance).T


@pytest.mark.parametrize("size", [2, 7, 30])
def test_agrees_with_a_matrix_square_root(size):
    rng = np.random.default_rng(size)
    real = rng.standard_normal((300, size)) @ rng.standard_normal((size, size))
    generated = rng.standard_normal((200, size)) @ rng.standard_normal((size, size)) + rng.standard_normal(size)
    found = metrics.frechet_distance(real, generated).value
    assert found == pytest.approx(by_square_root(real, generated), rel=1e-8)


def test_closed_form_of_gaussians():
    """Covariances that commute: |m1 - m2|^2 + sum (s1 - s2)^2 over the deviations along their common axes."""
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.standard_normal((4, 4))).Q
    first, second = np.array([1.0, 2.0, 0.5, 3.0]), np.array([2.0, 2.0, 1.5, 0.1])
    real = with_moments(np.zeros(4), axes @ np.diag(first**2) @ axes.T, 50, rng)
    generated = with_moments(np.array([1.0, 0.0, -2.0, 0.5]), axes @ np.diag(second**2) @ axes.T, 80, rng)
    expected = 5.25 + np.sum((first - second) ** 2)
    assert metrics.frechet_distance(real, generated).value == pytest.approx(expected, rel=1e-10)


def test_fewer_vectors_than_dimensions():
    """On a subspace the distance is that within it; turned into many dimensions nothing changes, not even a digit."""
    rng = np.random.default_rng(1)
    real, generated = rng.standard_normal((20, 3)), 2 * rng.standard_normal((15, 3)) + 1
    turn = np.linalg.qr(rng.standard_normal((200, 3))).Q.T
    found = metrics.frechet_distance(real @ turn, generated @ turn).value
    assert found == pytest.approx(by_square_root(real, generated), rel=1e-10)
    assert metrics.frechet_distance(real @ turn, real @ turn).value < 1e-10


def test_constant_vectors():
    assert metrics.frechet_distance(np.ones((5, 3)), np.ones((5, 3))).value == 0
    assert metrics.frechet_distance(np.ones((5, 3)), np.zeros((4, 3))).value == pytest.approx(3.0)


def test_the_error_is_the_spread_of_repeated_distances():
    rng = np.random.default_rng(2)
    turn = rng.standard_normal((5, 5))
    pairs = [(rng.standard_normal((400, 5)), rng.standard_normal((300, 5)) @ turn + 1) for _ in range(150)]
    estimates = [metrics.frechet_distance(*pair) for pair in pairs]
    spread = np.std([e.value for e in estimates], ddof=1)
    assert 0.8 < spread / np.mean([e.standard_error for e in estimates]) < 1.25


def test_few_samples_are_warned_of_and_many_are_not():
    x = np.random.default_rng(3).standard_normal((2049, 2))
    with pytest.warns(UserWarning, match="of 2,047 samples in 2 dimensions is biased"):
        metrics.frechet_distance(x, x[:2047])
    wide = np.random.default_rng(3).standard_normal((20, 2100))
    with pytest.warns(UserWarning, match="give at least 2,101"):
        metrics.FID()(wide, wide)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        metrics.frechet_distance(x, x)


@pytest.mark.parametrize(
    ("real", "generated", "message"),
    [
        (np.zeros((3, 2)), np.zeros((3, 4)), "one size.*Received: real of size 2, generated of size 4"),
        (np.zeros((1, 2)), np.zeros((3, 2)), "`real`.*at least 2 rows.*Received"),
        (np.zeros((3, 2)), np.zeros((3, 2, 1)), r"`generated`.*Received: generated of shape \(3, 2, 1\)"),
        (np.zeros((3, 2)), np.full((3, 2), np.nan), "`generated` should be finite. Received: 3 of 3 rows"),
        (np.array([["a", "b"]] * 3), np.zeros((3, 2)), "`real` should be numbers.*Received"),
    ],
)
def test_bad_sets_are_refused(real, generated, message):
    distances = (metrics.frechet_distance, metrics.sliced_wasserstein, metrics.wasserstein_2)
    for distance in distances[: 1 if len(real) == 1 else 3]:
        with pytest.raises(ValueError, match=message):
            distance(real, generated)
