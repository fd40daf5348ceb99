"""Mixture of discretised logistics against a float64 sum over components, and sums over all levels and colours."""

import numpy as np
import pytest
import scipy.special
import scipy.stats
import tensorflow as tf

from keras_dl import models, networks
from keras_dl.likelihoods import DiscretizedLogistic, DiscretizedLogisticMixture
from keras_dl.testing import check_likelihood
from tests.likelihoods.test_discretized_logistic import grid, reference


def parameters(likelihood, shape, seed=1):
    return np.random.default_rng(seed).standard_normal((*shape, likelihood.num_parameters(likelihood.num_channels)))


def float64_log_prob(likelihood, x, theta):
    """The definition, component by component and channel by channel, in float64."""
    components, channels = likelihood.num_components, likelihood.num_channels
    sizes = np.cumsum([components, components * channels, components * channels])
    logits, loc, log_scale, gamma = np.split(np.float64(theta), sizes, -1)
    loc, log_scale = (part.reshape(*part.shape[:-1], components, channels) for part in (loc, log_scale))
    gamma = np.tanh(gamma.reshape(*gamma.shape[:-1], components, -1))
    log_scale = np.maximum(log_scale, likelihood.min_log_scale)
    total = scipy.special.log_softmax(logits, -1)
    pair = 0
    for channel in range(channels):
        mean = loc[..., channel]
        for earlier in range(channel):
            mean = mean + gamma[..., pair] * (x[..., None, earlier] - 0.5)
            pair += 1
        total = total + reference(x[..., None, channel], mean, log_scale[..., channel], likelihood.num_levels)
    return scipy.special.logsumexp(total, -1)


@pytest.mark.parametrize(("components", "channels", "levels"), [(1, 1, 256), (3, 2, 5), (10, 3, 256)])
@pytest.mark.grid("3-2-5")
def test_contract_and_definition(components, channels, levels):
    likelihood = DiscretizedLogisticMixture(components, channels, levels)
    x, theta = grid((3, 2, channels), levels), parameters(likelihood, (3, 2)).astype("float32")
    check_likelihood(likelihood, x, theta)
    expected = float64_log_prob(likelihood, np.float64(x), theta).sum(1)
    np.testing.assert_allclose(likelihood(theta).log_prob(x), expected, rtol=2e-5)


def test_one_component_of_one_channel_is_a_discretized_logistic():
    likelihood = DiscretizedLogisticMixture(1, min_log_scale=-15.0)
    theta = np.random.default_rng(0).standard_normal((4, 5, 3)).astype("float32")
    x = grid((4, 5, 1))
    single = DiscretizedLogistic()
    np.testing.assert_allclose(likelihood(theta).log_prob(x), single(theta[..., 1:]).log_prob(x), rtol=1e-6)
    np.testing.assert_allclose(likelihood.mean(theta), single(theta[..., 1:]).mean(), atol=1e-6)
    np.testing.assert_allclose(likelihood.mode(theta), single.mode(theta[..., 1:]))


@pytest.mark.parametrize("log_scale", [-7.0, -4.0, -1.0, 2.0, 5.0])
def test_sums_to_one_over_the_levels(log_scale):
    """Scales from e^-7 to e^5, locations inside, at and beyond both ends; exact to float64 level by level."""
    likelihood = DiscretizedLogisticMixture(3)
    locs = np.float32([[-0.5, 0.3, 2.0], [0.0, 0.5, 1.0], [0.1, 0.1019, 0.9]])
    theta = np.concatenate([np.tile([[0.3, -1.0, 0.5]], (3, 1)), locs, np.full((3, 3), log_scale)], -1)
    levels = np.arange(256, dtype="float32")[:, None, None] / np.float32(255)
    log_prob = likelihood.values(tf.constant(theta, tf.float32)).log_prob(levels).numpy()
    np.testing.assert_allclose(scipy.special.logsumexp(np.float64(log_prob), 0), 0.0, atol=2e-5)
    exact = float64_log_prob(likelihood, np.arange(256)[:, None, None] / 255.0, np.float32(theta)[None])
    np.testing.assert_allclose(log_prob, exact, rtol=5e-5, atol=1e-4)


def test_sums_to_one_over_all_colours():
    """Of 16 levels per channel all 4,096 colours."""
    likelihood = DiscretizedLogisticMixture(4, 3, num_levels=16)
    theta = parameters(likelihood, (2,)).astype("float32")
    theta[:, 4 + 12 : 4 + 24] -= 2.0
    colours = np.stack(np.meshgrid(*[np.arange(16) / 15.0] * 3, indexing="ij"), -1).reshape(-1, 1, 3)
    log_prob = likelihood.values(tf.constant(theta)).log_prob(colours).numpy()
    np.testing.assert_allclose(scipy.special.logsumexp(np.float64(log_prob), 0), 0.0, atol=2e-5)


def test_256_levels_of_three_channels_sum_to_one_channel_by_channel():
    """The sum over the last channel is that of the two before, whose sum is the first's: ratios of sampled colours."""
    likelihood = DiscretizedLogisticMixture(2, 3)
    theta = tf.constant(parameters(likelihood, (1,)), tf.float32)
    distribution = likelihood.values(theta)
    levels = np.arange(256, dtype="float32") / np.float32(255)
    first = likelihood_of_first_channels(theta, 1, levels[:, None])
    np.testing.assert_allclose(scipy.special.logsumexp(first), 0.0, atol=2e-5)
    for red in levels[::51]:
        pairs = np.stack([np.full(256, red), levels], -1)
        total = scipy.special.logsumexp(likelihood_of_first_channels(theta, 2, pairs))
        np.testing.assert_allclose(total, first[round(float(red) * 255)], atol=5e-5)
        triples = np.stack([np.full(256, red), np.full(256, levels[77]), levels], -1).astype("float32")
        total = scipy.special.logsumexp(np.float64(distribution.log_prob(triples[:, None])))
        pair = likelihood_of_first_channels(theta, 2, triples[:1, :2])
        np.testing.assert_allclose(total, pair[0], atol=5e-5)


def likelihood_of_first_channels(theta, channels, x):
    """The marginal of the first channels, in float64: the same mixture without the parameters of the others."""
    logits, loc, log_scale, gamma = np.split(np.float64(theta[0]), [2, 8, 14])
    first = [part.reshape(2, 3)[:, :channels].ravel() for part in (loc, log_scale)]
    pairs = gamma.reshape(2, 3)[:, : channels * (channels - 1) // 2].ravel()
    return float64_log_prob(DiscretizedLogisticMixture(2, channels), x, np.concatenate([logits, *first, pairs]))


def test_draws_follow_the_probabilities():
    likelihood = DiscretizedLogisticMixture(3, 2, num_levels=4)
    theta = parameters(likelihood, (1,), seed=3).astype("float32")
    draws = np.rint(likelihood(theta).sample(20_000, seed=[5, 6]).numpy()[:, 0] * 3).astype(int)
    observed = np.bincount(draws[:, 0] * 4 + draws[:, 1], minlength=16)
    colours = np.stack(np.meshgrid(np.arange(4) / 3, np.arange(4) / 3, indexing="ij"), -1).reshape(-1, 1, 2)
    expected = np.exp(float64_log_prob(likelihood, colours, theta))[:, 0]
    assert scipy.stats.chisquare(observed, 20_000 * expected / expected.sum()).pvalue > 1e-3


def test_mean_and_mode_of_separate_components():
    likelihood = DiscretizedLogisticMixture(2)
    theta = np.float32([[np.log(0.7), np.log(0.3), 0.2, 0.8, -6.0, -6.5]])
    np.testing.assert_allclose(likelihood.mean(theta), [[0.7 * 0.2 + 0.3 * 0.8]], atol=2e-3)
    np.testing.assert_allclose(likelihood.mode(theta), [[51 / 255]], atol=1e-6)
    np.testing.assert_allclose(likelihood(theta).mean(), likelihood.mean(theta), atol=1e-6)


def test_a_vae_of_colours():
    likelihood = DiscretizedLogisticMixture(2, 3)
    decoder = networks.mlp_decoder(2, (4, 4, likelihood.num_parameters(3)), hidden=(8,))
    vae = models.VAE(networks.mlp_encoder((4, 4, 3), 2, hidden=(8,)), decoder, likelihood=likelihood, seed=0)
    vae.compile("adam", jit_compile=False)
    x = grid((8, 4, 4, 3))
    assert np.isfinite(vae.fit(x, epochs=1, batch_size=4, verbose=0).history["loss"][0])
    assert vae.sample(2).shape == (2, 4, 4, 3)
    grey = networks.mlp_decoder(2, (4, 4, 12), hidden=(8,))
    with pytest.raises(ValueError, match="decoder should return the parameters of a DiscretizedLogisticMixture"):
        models.VAE(networks.mlp_encoder((4, 4, 3), 2, hidden=(8,)), grey, likelihood=likelihood)
    with pytest.raises(ValueError, match="Data should have 3 channels under .*Received: num_channels=1"):
        models.VAE(networks.mlp_encoder((4, 4, 1), 2, hidden=(8,)), decoder, likelihood=likelihood)


def test_data_of_other_channels_are_refused():
    likelihood = DiscretizedLogisticMixture(2, 3)
    with pytest.raises(ValueError, match=r"x should have 3 channels. Received: shape \(2, 1\)"):
        likelihood(np.zeros((2, 20), "float32")).log_prob(np.zeros((2, 1), "float32"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_components": 0}, "`num_components` should be an integer of at least 1. Received: num_components=0"),
        ({"num_channels": 1.0}, "`num_channels` should be an integer"),
        ({"num_levels": 1}, "`num_levels` should be an integer of at least 2"),
        ({"min_log_scale": 16.0}, "`min_log_scale` should lie in"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        DiscretizedLogisticMixture(**arguments)
