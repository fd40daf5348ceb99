"""The variational bound of diffusion models beside closed forms, and bits per dimension."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import models, networks, processes
from keras_dl.models.diffusion_bound import BoundTerms, _log_normal_interval

MEAN, SCALE, STEPS = 0.3, 0.6, 8


class Optimum(keras.layers.Layer):
    """The expected data of one normal distribution on the path of `Cosine`, told the time."""

    def call(self, inputs):
        x, t = inputs["x"], inputs["time"]
        t = keras.ops.reshape(t, (-1, *[1] * (len(x.shape) - 1)))
        alpha, sigma = keras.ops.cos(0.5 * np.pi * t), keras.ops.sin(0.5 * np.pi * t)
        gain = alpha * SCALE**2 / (keras.ops.square(alpha * SCALE) + keras.ops.square(sigma))
        return MEAN + gain * (x - alpha * MEAN)


def optimal(shape=(2,), **options):
    inputs = {"x": keras.Input(shape, name="x"), "time": keras.Input((), name="time")}
    network = keras.Model(inputs, Optimum()(inputs))
    return models.Diffusion(network, processes.Cosine(), "data", seed=0, ema_momentum=None, **options)


def moments(times):
    """Of the optimum: alpha, sigma, and the expected squared error per value, at each time."""
    alpha, sigma = np.cos(0.5 * np.pi * times), np.sin(0.5 * np.pi * times)
    return alpha, sigma, SCALE**2 * sigma**2 / (alpha**2 * SCALE**2 + sigma**2)


def closed_form(model, size):
    """L_0, L_1 to L_{T-1} and L_T, each in expectation over data and noise."""
    times = model.process.times(STEPS).numpy()[:-1].astype("float64")
    alpha, sigma, error = moments(times)
    snr = np.square(alpha / sigma)
    steps = 0.5 * (snr[1:] - snr[:-1]) * error[:-1] * size
    variance = 1.0 / snr[-1]
    reconstruction = 0.5 * size * (error[-1] / variance + np.log(2 * np.pi * variance))
    return reconstruction, steps[::-1], 0.5 * snr[0] * size * (SCALE**2 + MEAN**2)


def test_every_term_is_the_closed_form_on_gaussian_data():
    model, size = optimal(), 2
    x = np.random.default_rng(0).normal(MEAN, SCALE, (40_000, size)).astype("float32")
    terms = model.bound_terms(x, steps=STEPS)
    reconstruction, steps, prior = closed_form(model, size)
    assert isinstance(terms, BoundTerms) and terms.steps.shape == (STEPS - 1, len(x))
    np.testing.assert_allclose(np.mean(terms.reconstruction), reconstruction, atol=0.02)
    np.testing.assert_allclose(np.mean(terms.steps, 1), steps, rtol=0.03)
    np.testing.assert_allclose(np.mean(terms.prior), prior, rtol=0.03)
    np.testing.assert_allclose(np.mean(terms.total), reconstruction + steps.sum() + prior, atol=0.04)
    np.testing.assert_array_equal(terms.total, terms.reconstruction + tf.reduce_sum(terms.steps, 0) + terms.prior)


def test_many_steps_cost_what_their_last_ones_do():
    """The sum over k of (SNR_k / SNR_{k+1} - 1) / 2 exceeds its integral, log((k + 1) / k), by gamma + pi^2 / 12."""
    model = optimal()
    x = np.random.default_rng(1).normal(MEAN, SCALE, (10_000, 2)).astype("float32")
    truth = np.log(SCALE * np.sqrt(2 * np.pi)) * 2 + 0.5 * np.square((x - MEAN) / SCALE).sum(-1).mean()
    gap = float(np.mean(model.bound_terms(x, steps=200).total)) - truth
    assert gap == pytest.approx(2 * (np.euler_gamma + np.pi**2 / 12), abs=0.1)


def test_a_range_of_values_counts_its_jacobian():
    model, scaled = optimal(), optimal(value_range=(0.0, 4.0))
    x = np.random.default_rng(0).uniform(0.5, 3.5, (50, 2)).astype("float32")
    expected = model.bound_terms(x * 0.5 - 1.0, steps=4).total - 2 * np.log(0.5)
    np.testing.assert_allclose(scaled.bound_terms(x, steps=4).total, expected, rtol=1e-4)


def test_probabilities_of_levels_sum_to_one():
    """L_0 of every level of one value, given the same samples of the least noise."""
    model = optimal((1,), value_range=(0.0, 1.0))
    levels = np.linspace(0.0, 1.0, 9, dtype="float32")

    def field(x, t, kind):
        return tf.fill(tf.shape(x), 0.2)  # whatever the level

    x = model.scaled(tf.constant(levels[:, None]))
    nats = model._reconstruction(x, field, tf.constant(0.2), tf.zeros_like(x), 9)
    assert np.exp(-nats).sum() == pytest.approx(1.0, abs=1e-5)
    far = _log_normal_interval(tf.constant([5.0, -5.1]), tf.constant([5.1, -5.0]))
    np.testing.assert_allclose(far, np.log(2.8665157e-07 - 1.6982674e-07), rtol=1e-4)


def test_bits_per_dimension_are_those_of_the_density():
    """Of a density that is nearly even over the levels, log2 of their number; else that of the dequantised numbers."""
    model = optimal((2, 2, 1))
    model.value_range = (0.0, 1.0)
    x = np.random.default_rng(0).integers(0, 16, (300, 2, 2, 1)) / np.float32(15)
    bits = model.bits_per_dim(x, num_levels=16, seed=0)
    centres = (2.0 * (np.round(x * 15) + 0.5) / 16 - 1.0 - MEAN) / SCALE
    nats = 0.5 * np.square(centres).mean() + np.log(SCALE * np.sqrt(2 * np.pi)) - np.log(2 / 16)
    assert bits.shape == (300,)
    assert float(np.mean(bits)) == pytest.approx(nats / np.log(2), abs=0.02)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model: model.bound_terms(np.zeros((2, 2)), steps=1), "`steps` should be an integer of at least 2"),
        (lambda model: model.bound_terms(np.zeros((2, 2)), num_levels=4), "`num_levels` should be None for data"),
        (lambda model: model.bound_terms(np.zeros((2, 3))), "x should have shape"),
        (lambda model: model.bits_per_dim(np.zeros((2, 2))), "bits_per_dim should be of data with a `value_range`"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call(optimal())


def test_data_that_are_no_levels_are_refused():
    model = models.Diffusion(networks.denoising_mlp((2, 2, 1), 8, 8, 1), seed=0)
    with pytest.raises(ValueError, match="x"):
        model.bits_per_dim(np.full((1, 2, 2, 1), 0.3), num_levels=4)
