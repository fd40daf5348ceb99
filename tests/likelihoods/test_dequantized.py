"""Dequantised integers against closed forms: every Jacobian, every convention."""

import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from keras_dl.likelihoods import Dequantized
from keras_dl.likelihoods.log_density import weigh

RNG = np.random.default_rng(0)
LEVELS = RNG.integers(0, 256, (3, 4))


def uniforms(shape):
    return RNG.uniform(size=shape).astype("float32")


@pytest.mark.parametrize("num_levels", [2, 17, 256])
def test_a_constant_density_gives_each_level_the_same_bits(num_levels):
    """p(y) = 1 on the unit interval: P(k) = n^-D whatever the noise, log2 n bits per dimension."""
    dequantized = Dequantized((4,), num_levels)
    _, log_weight = dequantized.forward_and_log_weight(LEVELS % num_levels, uniforms((3, 4)))
    np.testing.assert_allclose(log_weight, [-4 * math.log(num_levels)] * 3, rtol=1e-6)
    np.testing.assert_allclose(dequantized.bits_per_dim(log_weight), [math.log2(num_levels)] * 3, rtol=1e-6)


@pytest.mark.parametrize("value_range", [(0.0, 1.0), (-0.5, 0.5), (-1.0, 1.0)])
def test_the_range_of_values_does_not_change_the_bits(value_range):
    """A uniform density on (l, h) is 1 / (h - l): the offsets 8 and 7 of [0, 1] and [-1, 1] data are this Jacobian."""
    low, high = value_range
    dequantized = Dequantized((4,), value_range=value_range)
    y, log_weight = dequantized.forward_and_log_weight(LEVELS, uniforms((3, 4)))
    assert low < np.min(y) and np.max(y) < high
    nats = log_weight - 4 * math.log(high - low)
    np.testing.assert_allclose(dequantized.bits_per_dim(nats), [8.0] * 3, rtol=1e-6)


@pytest.mark.parametrize(("alpha", "form"), list(itertools.product([1e-6, 0.05], ["symmetric", "one_sided"])))
def test_a_standard_logistic_under_the_logit_is_constant(alpha, form):
    """y standard logistic means s uniform on (0, 1), so P(k) = (ds/dx) / n for each draw of the noise."""
    dequantized = Dequantized((5,), alpha=alpha, form=form)
    levels = np.array([[0, 1, 100, 254, 255]])
    for noise in (np.full((1, 5), 2.0**-24), np.full((1, 5), 0.5), np.full((1, 5), 1 - 2.0**-24)):
        y, log_weight = dequantized.forward_and_log_weight(levels, noise.astype("float32"))
        log_p = stats.logistic.logpdf(y.numpy().astype("float64")).sum(1) + log_weight
        slope = 1 - alpha * (2 if form == "symmetric" else 1)
        np.testing.assert_allclose(dequantized.bits_per_dim(log_p), [8 - math.log2(slope)], rtol=1e-5)


@pytest.mark.parametrize(
    "options", [{}, {"alpha": 0.05}, {"alpha": 1e-6, "form": "one_sided"}, {"value_range": (-1, 1)}]
)
def test_the_jacobian_is_that_of_finite_differences_in_float64(options):
    dequantized = Dequantized((1,), 16, **options)
    k, u, step = np.arange(16)[:, None], np.float32(0.5), np.float32(0.125)
    upper, lower = (dequantized.forward_and_log_weight(k, np.full((16, 1), u + s))[0] for s in (step, -step))
    _, log_weight = dequantized.forward_and_log_weight(k, np.full((16, 1), u))
    slope = (np.asarray(upper, "float64") - np.asarray(lower, "float64"))[:, 0] / (2 * step)
    inside = slice(1, -1)  # at the ends of a logit the slope itself changes too fast
    np.testing.assert_allclose(np.exp(log_weight[inside]), slope[inside], rtol=0.02)


def test_a_logistic_rounded_to_levels_has_its_probabilities():
    """Mean weights over the noise are P(k), the mass that a logistic puts on a level's bin; the bound lies below."""
    dequantized = Dequantized((1,), 8)
    levels, loc, scale = np.arange(8)[:, None], 0.4, 0.07
    noise = ((np.arange(2000) + 0.5) / 2000).astype("float32")  # the midpoint rule in place of draws

    def log_weights(index, count):
        u = tf.gather(noise, index * 500 + tf.range(count))
        y, log_weight = dequantized.forward_and_log_weight(tf.tile(levels, [count, 1]), tf.repeat(u, 8)[:, None])
        z = (y[:, 0] - loc) / scale
        return tf.reshape(-z - 2 * tf.math.softplus(-z) - math.log(scale) + log_weight, [count, 8])

    weighed = weigh(log_weights, 2000, 8, chunk=500)
    edges = stats.logistic.cdf(np.arange(9) / 8, loc, scale)
    np.testing.assert_allclose(weighed.estimate, np.log(np.diff(edges)), atol=1e-3)
    assert np.all(weighed.bound < weighed.estimate) and np.all(weighed.estimate_error < 0.05)


def test_padding_costs_but_is_no_dimension():
    """MNIST as Glow reads it, 32x32x3: the padded values are modelled, the bits are those of 784 dimensions."""
    dequantized = Dequantized((28, 28, 1), value_range=(-0.5, 0.5), padding=((2, 2), (2, 2), (0, 2)))
    assert dequantized.num_dims == 784 and dequantized.padded_shape == (32, 32, 3)
    x = RNG.integers(0, 256, (2, 28, 28, 1))
    y, log_weight = dequantized.forward_and_log_weight(x, uniforms((2, 32, 32, 3)))
    assert y.shape == (2, 32, 32, 3) and np.max(y[:, :2]) < -0.5 + 1 / 256
    np.testing.assert_allclose(dequantized.bits_per_dim(log_weight), [8 * 3072 / 784] * 2, rtol=1e-6)
    np.testing.assert_array_equal(np.rint(255 * dequantized.inverse(y)), x)
    assert dequantized.in_words().endswith("range [-0.5, 0.5], 784 dimensions (padded to 32x32x3)")


@pytest.mark.parametrize(
    "options", [{}, {"alpha": 0.05}, {"alpha": 1e-6, "form": "one_sided"}, {"value_range": (-1, 1)}]
)
def test_levels_come_back_and_floats_on_the_grid_are_levels(options):
    dequantized = Dequantized((4,), **options)
    noise = uniforms((3, 4)) * 0.9 + 0.05
    y, log_weight = dequantized.forward_and_log_weight(LEVELS, noise)
    np.testing.assert_array_equal(np.rint(255 * dequantized.inverse(y)), LEVELS)
    same = dequantized.forward_and_log_weight((LEVELS / 255).astype("float32"), noise)
    np.testing.assert_array_equal(same[0], y)
    np.testing.assert_array_equal(same[1], log_weight)


def variational(loc, log_scale):
    """A network of noise that is the same for each level."""
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(6, kernel_initializer="zeros")])
    network.layers[0].set_weights([np.zeros((3, 6)), np.repeat([loc, log_scale], 3)])
    return network


def test_variational_noise_is_weighed_by_its_density():
    """E[1 / q(u)] is 1, the length of the interval; E[-log q(u)] is q's entropy, here by quadrature."""
    loc, log_scale = 0.3, 0.8
    dequantized = Dequantized((3,), 2, noise=variational(loc, log_scale))
    epsilon = stats.norm.ppf((np.arange(20000) + 0.5) / 20000).astype("float32")
    x = np.zeros((20000, 3), "int32")
    y, log_weight = dequantized.forward_and_log_weight(x, np.repeat(epsilon[:, None], 3, 1))
    assert np.min(y) > 0 and np.max(y) < 0.5
    log_q = -log_weight / 3 - math.log(2)  # of one dimension
    assert np.exp(-log_q).mean() == pytest.approx(1.0, abs=2e-3)
    u = np.linspace(1e-6, 1 - 1e-6, 400001)
    v = np.log(u) - np.log1p(-u)
    density = stats.norm.pdf(v, loc, math.exp(log_scale)) / (u * (1 - u))
    entropy = -np.trapezoid(density * np.log(density), u)
    assert -np.mean(log_q) == pytest.approx(entropy, abs=2e-3) and entropy < 0


def test_variational_noise_is_saved_and_trains():
    dequantized = Dequantized((3,), 4, noise=variational(0.0, 0.0))
    config = keras.saving.serialize_keras_object(dequantized)
    copy = keras.saving.deserialize_keras_object(config)
    copy.noise.set_weights(dequantized.noise.get_weights())
    x, epsilon = np.array([[0, 1, 3]]), RNG.normal(size=(1, 3)).astype("float32")
    for found, expected in zip(*(d.forward_and_log_weight(x, epsilon) for d in (copy, dequantized)), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert len(dequantized.trainable_variables) == 2
    with tf.GradientTape() as tape:
        loss = -tf.reduce_sum(dequantized.forward_and_log_weight(x, epsilon, training=True)[1])
    assert np.abs(tape.gradient(loss, dequantized.trainable_variables)[1].numpy()).max() > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_levels": 1}, "`num_levels` should be an integer of at least 2.*Received: num_levels=1"),
        ({"alpha": 0.5}, "`alpha` should be a finite number above 0.0 and below 0.5.*Received"),
        ({"form": "both"}, "`form` should be 'symmetric' or 'one_sided'.*Received: form='both'"),
        ({"value_range": (1, 0)}, "`value_range` should be a pair.*Received"),
        ({"alpha": 0.1, "value_range": (-1, 1)}, "without a logit transform.*Received"),
        ({"padding": ((1, 1), (0, 0))}, "`padding` should be a pair per axis.*Received"),
        ({"noise": "uniform"}, "`noise` should be a built Keras model.*Received"),
        ({"noise": keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)])}, "`noise` should return.*Received"),
    ],
)
def test_bad_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Dequantized((3,), **options)


def test_data_that_are_no_levels_are_refused():
    dequantized = Dequantized((2,), 4)
    dequantized.check(np.array([[0, 3]]))
    dequantized.check(np.array([[0, 1 / 3]], "float32"))
    for x, message in (([[0, 4]], r"lie in \[0, 3\]"), ([[0.5, 0.1]], "on the grid k / 3"), ([[0]], "have shape")):
        with pytest.raises(ValueError, match=f"{message}.*Received"):
            dequantized.check(np.array(x))
