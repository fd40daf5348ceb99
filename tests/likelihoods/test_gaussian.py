"""Gaussian likelihood and posterior against scipy and closed forms."""

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
import tensorflow_probability as tfp

from keras_dl.likelihoods import Gaussian, StandardNormal
from keras_dl.testing import check_likelihood


def normal(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def learned(log_scale):
    likelihood = Gaussian(scale="learned")
    likelihood.set_weights([np.float32(log_scale)])
    return likelihood


@pytest.mark.parametrize("shape", [(3, 5), (2, 4, 3, 2)])
def test_contract(shape):
    x, loc = normal(shape), normal(shape, seed=1)
    check_likelihood(Gaussian(), x, np.concatenate([loc, normal(shape, seed=2)], axis=-1))
    check_likelihood(Gaussian(scale=0.5), x, loc)
    check_likelihood(learned(-0.7), x, loc)


@pytest.mark.parametrize("seed", [0, 1])
def test_matches_scipy(seed):
    x, loc, log_scale = (normal((6, 4, 3, 2), 3 * seed + i) for i in range(3))

    def expected(scale):
        return scipy.stats.norm.logpdf(x.astype("float64"), loc, scale).sum((1, 2, 3))

    parameters = np.concatenate([loc, log_scale], axis=-1)
    np.testing.assert_allclose(Gaussian()(parameters).log_prob(x), expected(np.exp(log_scale)), rtol=1e-5)
    np.testing.assert_allclose(Gaussian(scale=0.3)(loc).log_prob(x), expected(0.3), rtol=1e-5)
    np.testing.assert_allclose(learned(0.4)(loc).log_prob(x), expected(np.exp(0.4)), rtol=1e-5)


def test_small_scales_are_exact():
    """Dividing before subtracting would lose all digits here: (1 + 1e-5) / e^-13 is 4.4e5, an ulp of which is 0.03."""
    loc, x = np.float32(1.0), np.float32(1.00001)
    expected = scipy.stats.norm.logpdf(np.float64(x), np.float64(loc), np.exp(-13.0))
    np.testing.assert_allclose(Gaussian()([[loc, -13.0]]).log_prob([[x]]), [expected], rtol=1e-5)


def test_log_scales_are_clipped():
    posterior = Gaussian()([[0.0, 0.0, 0.0, 0.0, -100.0, -15.0, 14.0, 100.0]])
    np.testing.assert_allclose(posterior.stddev(), np.exp([[-15.0, -15.0, 14.0, 15.0]]), rtol=1e-6)
    np.testing.assert_allclose(learned(100.0)([[0.0]]).stddev(), [[np.exp(15.0)]], rtol=1e-6)


def test_learned_scale_is_one_trainable_weight():
    likelihood, x, loc = learned(0.4), normal((6, 5)), normal((6, 5), seed=1)
    assert [tuple(weight.shape) for weight in likelihood.trainable_weights] == [()]
    with tf.GradientTape() as tape:
        log_prob = tf.reduce_sum(likelihood(loc).log_prob(x))
    gradient = tape.gradient(log_prob, likelihood.log_scale.value)
    np.testing.assert_allclose(gradient, ((x - loc) ** 2 / np.exp(0.8) - 1).sum(), rtol=1e-5)
    assert not Gaussian().weights
    assert not Gaussian(scale=1.0).weights


def test_learned_scale_starts_at_one():
    np.testing.assert_array_equal(Gaussian(scale="learned")([[0.0]]).stddev(), [[1.0]])


def test_kl_to_the_standard_normal():
    loc, log_scale = normal((6, 5)), normal((6, 5), seed=1)
    posterior = Gaussian()(np.concatenate([loc, log_scale], axis=-1))
    expected = (0.5 * (loc**2 + np.exp(2 * log_scale.astype("float64")) - 1) - log_scale).sum(1)
    np.testing.assert_allclose(tfp.distributions.kl_divergence(posterior, StandardNormal(5)()), expected, rtol=1e-5)


def test_kl_of_draws_and_of_two_gaussians():
    a, b = normal((3, 4, 10)), normal((4, 10), seed=1)
    kl = tfp.distributions.kl_divergence(Gaussian()(a, event_rank=1), Gaussian()(b))
    (loc_a, log_a), (loc_b, log_b) = (np.split(p.astype("float64"), 2, axis=-1) for p in (a, b))
    ratio = np.exp(2 * (log_a - log_b)) + ((loc_a - loc_b) / np.exp(log_b)) ** 2
    np.testing.assert_allclose(kl, (0.5 * (ratio - 1) - log_a + log_b).sum(-1), rtol=1e-5)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_kl_stays_finite(jit_compile):
    def kl(parameters):
        with tf.GradientTape() as tape:
            tape.watch(parameters)
            kl = tfp.distributions.kl_divergence(Gaussian()(parameters), StandardNormal(1)())
        return kl, tape.gradient(kl, parameters)

    extremes = tf.constant([[loc, log_scale] for loc in (-1e4, 0.0, 1e4) for log_scale in (-1e4, -20.0, 20.0, 1e4)])
    for result in tf.function(kl, jit_compile=jit_compile)(extremes):
        assert np.isfinite(result).all()


def test_kl_agrees_with_its_monte_carlo_estimate():
    posterior, prior = Gaussian()([[0.5, -1.0, 0.3, -0.4]]), StandardNormal(2)()
    z = posterior.sample(40_000, seed=[1, 2])
    terms = (posterior.log_prob(z) - prior.log_prob(z)).numpy()[:, 0]
    exact = float(tfp.distributions.kl_divergence(posterior, prior)[0])
    assert abs(terms.mean() - exact) < 4 * terms.std() / np.sqrt(len(terms))


def test_reparameterize():
    parameters, noise = normal((4, 6)), normal((2, 4, 3), seed=1)
    loc, log_scale = np.split(parameters, 2, axis=-1)
    expected = loc + np.exp(log_scale) * noise
    np.testing.assert_allclose(Gaussian().reparameterize(Gaussian()(parameters), noise), expected, rtol=1e-5)
    np.testing.assert_allclose(Gaussian().reparameterize(parameters, noise), expected, rtol=1e-5)
    np.testing.assert_allclose(Gaussian(scale=2.0).reparameterize(loc, noise), loc + 2 * noise, rtol=1e-5)
    assert Gaussian().reparameterize(tf.cast(parameters, tf.float16), tf.cast(noise, tf.float16)).dtype == tf.float32


def test_gradient_passes_through_reparameterize():
    parameters, noise = tf.constant([[0.5, -0.3]]), tf.constant([[1.7]])
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        z = Gaussian().reparameterize(parameters, noise)
    np.testing.assert_allclose(tape.gradient(z, parameters), [[1.0, 1.7 * np.exp(-0.3)]], rtol=1e-6)


def test_float64_parameters_and_numpy_scales():
    likelihood = Gaussian(scale=np.float32(0.5))
    assert likelihood.get_config()["scale"] == 0.5
    assert likelihood(np.zeros((2, 3))).log_prob(np.zeros((2, 3))).dtype == tf.float32


@pytest.mark.parametrize("scale", [0, -1.0, np.nan, np.inf, True, "learn", [1.0, 2.0]])
def test_refuses_other_scales(scale):
    with pytest.raises(ValueError, match="`scale` should be.*Received: "):
        Gaussian(scale=scale)


def test_standard_normal():
    prior = StandardNormal(3)
    z = normal((5, 3))
    np.testing.assert_allclose(prior().log_prob(z), scipy.stats.norm.logpdf(z).sum(1), rtol=1e-5)
    assert prior().event_shape == (3,)
    assert prior().batch_shape == ()
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(prior))
    assert copy.get_config() == prior.get_config()


@pytest.mark.parametrize("latent_size", [0, -2, 1.5, True, None])
def test_refuses_other_latent_sizes(latent_size):
    with pytest.raises(ValueError, match="`latent_size` should be a positive integer. Received: "):
        StandardNormal(latent_size)
