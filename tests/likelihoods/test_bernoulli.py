"""Bernoulli likelihood against scipy and the cross-entropy's closed form."""

import numpy as np
import pytest
import scipy.special
import scipy.stats
import tensorflow as tf

from keras_dl.likelihoods import Bernoulli
from keras_dl.testing import check_likelihood


def binary(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 2, shape).astype("float32")


def normal(shape, seed=1, scale=2.0):
    return (scale * np.random.default_rng(seed).standard_normal(shape)).astype("float32")


@pytest.mark.parametrize("shape", [(3, 5), (4, 6, 5, 2)])
def test_contract(shape):
    check_likelihood(Bernoulli(), binary(shape), normal(shape))


@pytest.mark.parametrize("seed", [0, 1])
def test_matches_scipy(seed):
    x, logits = binary((7, 4, 4, 1), seed), normal((7, 4, 4, 1), seed + 10, scale=4.0)
    expected = scipy.stats.bernoulli.logpmf(x, scipy.special.expit(logits.astype("float64"))).sum((1, 2, 3))
    np.testing.assert_allclose(Bernoulli()(logits).log_prob(x), expected, rtol=1e-5)


def test_intensities_give_the_cross_entropy():
    x, logits = np.random.default_rng(0).random((5, 9)), normal((5, 9)).astype("float64")
    expected = (x * scipy.special.log_expit(logits) + (1 - x) * scipy.special.log_expit(-logits)).sum(1)
    np.testing.assert_allclose(Bernoulli()(logits).log_prob(x), expected, rtol=1e-5)


def test_large_logits_are_exact():
    distribution = Bernoulli()(tf.constant([[1e4], [-1e4], [1e4], [-1e4]]))
    np.testing.assert_array_equal(distribution.log_prob([[1.0], [0.0], [0.0], [1.0]]), [0.0, 0.0, -1e4, -1e4])


def test_gradient_is_data_minus_probability():
    logits = tf.constant([[0.0, 0.0, -3.0, 5.0, 1e4, -1e4]])
    x = tf.constant([[0.0, 1.0, 1.0, 0.25, 0.0, 1.0]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        log_prob = Bernoulli()(logits).log_prob(x)
    expected = x - scipy.special.expit(logits.numpy())
    np.testing.assert_allclose(tape.gradient(log_prob, logits), expected, atol=1e-6)


def test_draws_and_moments():
    logits = tf.constant([[-2.0, 0.3, 3.0]])
    probabilities = scipy.special.expit(logits.numpy())
    draws = Bernoulli()(logits).sample(20_000, seed=[3, 4])
    np.testing.assert_allclose(tf.reduce_mean(draws, 0), probabilities, atol=5 * 0.5 / np.sqrt(20_000))
    np.testing.assert_allclose(Bernoulli().mean(logits), probabilities, rtol=1e-6)
    np.testing.assert_array_equal(Bernoulli().mode(logits), [[0.0, 1.0, 1.0]])


@pytest.mark.parametrize("value", [-0.01, 1.01, 255.0])
def test_refuses_values_outside_the_unit_interval(value):
    with pytest.raises(ValueError, match=r"`x` should lie in \[0.0, 1.0\].* Received: minimum"):
        Bernoulli().check(np.array([0.5, value]))
