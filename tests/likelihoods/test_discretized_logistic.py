"""Discretised logistic likelihood against scipy's logistic distribution and sums over all levels."""

import numpy as np
import pytest
import scipy.special
import scipy.stats
import tensorflow as tf

from keras_dl.likelihoods import DiscretizedLogistic
from keras_dl.testing import check_likelihood


def grid(shape, num_levels=256, seed=0):
    levels = np.random.default_rng(seed).integers(0, num_levels, shape)
    return (levels / (num_levels - 1)).astype("float32")


def parameters(shape, seed=1, log_scale=-2.0):
    rng = np.random.default_rng(seed)
    loc, log_scale = rng.uniform(-0.2, 1.2, shape), log_scale + rng.standard_normal(shape)
    return np.concatenate([loc, log_scale], axis=-1).astype("float32")


def table(theta, num_levels=256):
    """Log-probabilities of all levels, one row a level, one column a pair of parameters."""
    levels = np.arange(num_levels, dtype="float32")[:, None, None] / np.float32(num_levels - 1)
    return DiscretizedLogistic(num_levels).values(tf.constant(theta)).log_prob(levels).numpy()[..., 0]


def reference(x, loc, log_scale, num_levels=256):
    """log[F(x + h) - F(x - h)] in float64, by upper tails right of the centre and by lower tails left of it."""
    x, loc, scale = np.float64(x), np.float64(loc), np.exp(np.float64(log_scale))
    half = 0.5 / (num_levels - 1)
    deviation = np.abs(x - loc)
    far = scipy.stats.logistic.logsf(deviation + half, scale=scale)
    near = scipy.stats.logistic.logsf(deviation - half, scale=scale)
    inside = near + np.log1p(-np.exp(far - near))
    lowest = scipy.stats.logistic.logcdf(x + half, loc, scale)
    highest = scipy.stats.logistic.logsf(x - half, loc, scale)
    return np.where(x < half, lowest, np.where(x > 1 - half, highest, inside))


@pytest.mark.parametrize("shape", [(3, 5), (2, 4, 3, 2)])
def test_contract(shape):
    check_likelihood(DiscretizedLogistic(), grid(shape), parameters(shape))
    check_likelihood(DiscretizedLogistic(num_levels=5), grid(shape, 5), parameters(shape))


@pytest.mark.parametrize("seed", [0, 1])
def test_matches_scipy(seed):
    x, theta = grid((6, 8, 8, 3), seed=seed), parameters((6, 8, 8, 3), seed=seed + 5)
    expected = reference(x, *np.split(theta, 2, axis=-1)).sum((1, 2, 3))
    np.testing.assert_allclose(DiscretizedLogistic()(theta).log_prob(x), expected, rtol=1e-5)


@pytest.mark.parametrize("num_levels", [2, 3, 256])
def test_sums_to_one_over_the_levels(num_levels):
    theta = [[loc, log_scale] for loc in (-0.5, 0.0, 0.3, 0.5, 0.5019, 1.0, 3.0) for log_scale in (-15, -6, 0, 14)]
    total = scipy.special.logsumexp(np.float64(table(np.float32(theta), num_levels)), axis=0)
    np.testing.assert_allclose(total, 0.0, atol=2e-5)


def test_far_tails():
    """Probabilities of e^-360 and e^-97000 underflow, their logarithms do not."""
    theta = np.float32([[0.1, -6.0], [0.9, -6.0], [0.4, -12.0], [0.0, -7.0]])
    levels = np.arange(256)[:, None] / 255
    expected = reference(levels, theta[:, 0], theta[:, 1])
    assert expected.min() < -5e4
    np.testing.assert_allclose(table(theta), expected, rtol=2e-5, atol=1e-4)


def test_gradient_in_the_tail_points_to_the_data():
    theta = tf.constant([[0.1, -6.0]])
    with tf.GradientTape() as tape:
        tape.watch(theta)
        log_prob = DiscretizedLogistic()(theta).log_prob([[0.8]])
    inverse_scale = np.exp(6.0)
    expected = [[inverse_scale, (0.8 - 0.1 - 0.5 / 255) * inverse_scale - 1 / np.expm1(inverse_scale / 255) / 255]]
    np.testing.assert_allclose(tape.gradient(log_prob, theta), expected, rtol=1e-2)


@pytest.mark.parametrize("log_scale", [-15.0, 0.0, 14.0, 14.6, 15.0])
def test_gradients_are_numbers_at_all_scales(log_scale):
    parameters = tf.constant([[0.3, log_scale]])
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        log_prob = DiscretizedLogistic(17)(parameters).log_prob([[0.5]])
    gradient = tape.gradient(log_prob, parameters).numpy()
    assert np.isfinite(gradient).all()
    if 0 < log_scale < 15:  # of a scale that holds all levels: the bin's width over four times the scale
        assert gradient[0, 1] == pytest.approx(-1.0, abs=1e-3)


def test_mean_and_mode_by_summing_over_the_levels():
    theta = np.float32([[loc, s] for loc in (-0.3, 0.0, 0.27, 0.5, 0.9013, 1.4) for s in (-14, -8, -6, -4, -1, 3)])
    probabilities = np.exp(np.float64(table(theta)))
    levels = np.arange(256)[:, None] / 255
    expected = (levels * probabilities).sum(0)
    likelihood = DiscretizedLogistic()
    np.testing.assert_allclose(likelihood(theta).mean()[:, 0], expected, atol=2e-5)
    shown = likelihood.mean(theta).numpy()[:, 0]
    assert np.abs(shown - expected).max() <= 0.5 / 255 + 1e-6
    a_level_wide = theta[:, 1] >= np.log(1 / 255)
    np.testing.assert_allclose(shown[a_level_wide], expected[a_level_wide], atol=2e-5)
    mode = likelihood.mode(theta).numpy()[:, 0]
    chosen = probabilities[np.rint(mode * 255).astype(int), np.arange(len(theta))]
    np.testing.assert_allclose(chosen, probabilities.max(0), rtol=1e-4)


def test_mean_of_enormous_scales():
    np.testing.assert_allclose(DiscretizedLogistic().mean([[0.2, 14.0], [1e4, 14.0]]), [[0.5], [0.502079]], atol=1e-5)


def test_draws_follow_the_probabilities():
    theta = np.float32([[0.4, -1.5]])
    draws = DiscretizedLogistic(8)(theta).sample(20_000, seed=[5, 6]).numpy().ravel()
    observed = np.bincount(np.rint(draws * 7).astype(int), minlength=8)
    expected = np.exp(np.float64(table(theta, 8)))[:, 0]
    assert scipy.stats.chisquare(observed, 20_000 * expected / expected.sum()).pvalue > 1e-3


def test_check_wants_the_grid():
    levels = np.arange(256)
    for dtype in ("float16", "float32", "float64"):
        DiscretizedLogistic().check((levels / 255).astype(dtype))
    with pytest.raises(ValueError, match="`x` should lie on the grid k / 255.*Received: a value 0.5"):
        DiscretizedLogistic().check(np.append(levels / 255, 100.5 / 255))
    with pytest.raises(ValueError, match=r"`x` should lie in \[0.0, 1.0\]"):
        DiscretizedLogistic().check(levels.astype("uint8"))
    many = np.zeros((3000, 2), "float32")
    many[-1, -1] = 0.3
    with pytest.raises(ValueError, match="grid k / 7"):
        DiscretizedLogistic(8).check(many)


@pytest.mark.parametrize("num_levels", [1, 0, -256, 2.0, True, None])
def test_refuses_other_numbers_of_levels(num_levels):
    with pytest.raises(ValueError, match="`num_levels` should be an integer of at least 2. Received: "):
        DiscretizedLogistic(num_levels)
