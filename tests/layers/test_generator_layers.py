"""Layers of generators and critics: equalized weights, modulation, minibatch deviation, pixel shuffle; PReLU."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import layers


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def test_equalized_dense():
    layer, x = layers.EqualizedDense(5, lr_multiplier=0.01, activation="relu"), normal(4, 7)
    layer.build(x.shape)
    layer.bias.assign(normal(5, seed=1) * 100)
    kernel, bias = layer.kernel.numpy(), layer.bias.numpy()
    expected = np.maximum(x @ kernel * 0.01 * np.sqrt(2 / 7) + 0.01 * bias, 0)
    np.testing.assert_allclose(layer(x), expected, atol=1e-5)


def test_equalized_conv():
    layer, x = layers.EqualizedConv2D(5, (3, 2), strides=2, padding="valid", gain=1.0), normal(2, 7, 6, 4)
    y = layer(x)
    expected = tf.nn.conv2d(x, layer.kernel.numpy() / np.sqrt(3 * 2 * 4), 2, "VALID")
    np.testing.assert_allclose(y, expected, atol=1e-5)


@pytest.mark.parametrize("lr_multiplier", [1.0, 0.01])
def test_equalized_layers_start_alike_and_learn_at_their_rate(lr_multiplier):
    """He's scale for every fan-in at the start; an Adam step changes all layers' outputs by the multiplier's share."""
    changes = []
    for fan_in in (16, 1024):
        keras.utils.set_random_seed(0)
        layer, x = layers.EqualizedDense(256, gain=1.0, lr_multiplier=lr_multiplier), normal(256, fan_in)
        before = layer(x).numpy()
        assert abs(before.std() - 1) < 0.05
        # One Adam step moves every weight by about the learning rate.
        layer.kernel.assign_add(0.01 * np.sign(normal(fan_in, 256, seed=1)))
        changes.append((layer(x).numpy() - before).std())
    assert abs(changes[0] / changes[1] - 1) < 0.05
    assert abs(changes[0] / (0.01 * lr_multiplier) - 1) < 0.05


def test_film():
    layer, x, condition = layers.FiLM(), normal(2, 3, 4, 5), normal(2, 6, seed=1)
    y = layer([x, condition])
    kernel, bias = (weight.numpy() for weight in layer.weights)
    scale, shift = np.split((condition @ kernel + bias)[:, None, None], 2, axis=-1)
    np.testing.assert_allclose(y, (1 + scale) * x + shift, atol=1e-5)


@pytest.mark.parametrize("equalized", [False, True])
def test_adaptive_instance_norm_of_a_style_vector(equalized):
    layer, x, style = layers.AdaptiveInstanceNorm(equalized=equalized), 3 * normal(2, 5, 4, 3) + 2, normal(2, 6, seed=1)
    y = layer([x, style])
    kernel, bias = layer.affine.kernel.numpy(), layer.affine.bias.numpy()
    if equalized:
        kernel = kernel * np.sqrt(2 / 6)
    scale, shift = np.split((style @ kernel + bias)[:, None, None], 2, axis=-1)
    normalized = (x - x.mean((1, 2), keepdims=True)) / np.sqrt(x.var((1, 2), keepdims=True) + 1e-5)
    np.testing.assert_allclose(y, (1 + scale) * normalized + shift, atol=1e-5)


def test_adaptive_instance_norm_of_style_features():
    """Huang and Belongie (2017): the output has the style's means and deviations."""
    x, style = 3 * normal(2, 8, 9, 3) + 2, 0.5 * normal(2, 6, 5, 3, seed=1) - 1
    layer = layers.AdaptiveInstanceNorm(epsilon=1e-9)
    y = np.asarray(layer([x, style]))
    assert layer.weights == []
    np.testing.assert_allclose(y.mean((1, 2)), style.mean((1, 2)), atol=1e-5)
    np.testing.assert_allclose(y.std((1, 2)), style.std((1, 2)), atol=1e-5)


@pytest.mark.parametrize(
    ("layer", "shape"), [(layers.FiLM, (2, 3)), (layers.FiLM, [(2, 3)]), (layers.FiLM, [(2, 3), (2, 4, 4)])]
)
def test_modulation_wants_a_pair(layer, shape):
    with pytest.raises(ValueError, match="Received: "):
        layer().build(shape)


def test_style_features_must_fit():
    with pytest.raises(ValueError, match="Received: "):
        layers.AdaptiveInstanceNorm().build([(2, 4, 4, 3), (2, 4, 4, 5)])


@pytest.mark.parametrize(("batch", "group_size"), [(8, 4), (4, 4), (7, 3), (5, 4), (3, 4), (1, 4), (6, None)])
@pytest.mark.parametrize("num_features", [1, 2])
def test_minibatch_deviation(batch, group_size, num_features):
    """The definition, group by group, in NumPy: samples i, i + M, i + 2 M, ... of M groups."""
    x = normal(batch, 3, 2, 4)
    groups = 1 if group_size is None else -(-batch // group_size)
    expected = np.zeros((batch, 3, 2, num_features))
    for group in range(groups):
        deviation = np.sqrt(x[group::groups].astype("float64").var(0) + 1e-8)
        for feature, channels in enumerate(np.split(deviation, num_features, axis=-1)):
            expected[group::groups, ..., feature] = channels.mean()
    y = layers.MinibatchStdDev(group_size, num_features)(x)
    np.testing.assert_allclose(y, np.concatenate([x, expected], axis=-1), atol=1e-5)


def test_minibatch_deviation_of_equal_samples():
    """Zero up to epsilon, with a finite gradient."""
    x = tf.Variable(np.ones((4, 2, 2, 1), "float32"))
    with tf.GradientTape() as tape:
        y = layers.MinibatchStdDev()(x)
    assert np.abs(y[..., 1]).max() <= 1.1e-4
    assert np.isfinite(tape.gradient(y, x)).all()


def test_pixel_shuffle():
    x = normal(2, 3, 4, 18)
    y = layers.PixelShuffle(3)(x)
    np.testing.assert_array_equal(y, tf.nn.depth_to_space(x, 3))


def test_pixel_shuffle_and_torch():
    """PyTorch reads channel c r^2 + r (h mod r) + (w mod r): the same after a permutation of the channels."""
    x, r, channels = normal(1, 2, 3, 8), 2, 2
    expected = np.empty((1, 4, 6, channels), "float32")
    for h, w, c in np.ndindex(4, 6, channels):
        expected[0, h, w, c] = x[0, h // r, w // r, c * r**2 + r * (h % r) + w % r]
    permuted = x.reshape(1, 2, 3, channels, r**2).swapaxes(3, 4).reshape(x.shape)
    np.testing.assert_array_equal(layers.PixelShuffle(2)(permuted), expected)


def test_pixel_shuffle_wants_enough_channels():
    with pytest.raises(ValueError, match="Received: "):
        layers.PixelShuffle(2).build((None, 4, 4, 6))


@pytest.mark.parametrize(("per_channel", "count"), [(False, 1), (True, 3)])
def test_prelu_starts_at_a_quarter(per_channel, count):
    """torch.nn.PReLU's start and number of slopes; the slope's gradient is the sum of the negative inputs."""
    layer = layers.PReLU(per_channel)
    x = normal(4, 5, 3)
    with tf.GradientTape() as tape:
        y = layer(x)
    np.testing.assert_allclose(y, np.where(x > 0, x, 0.25 * x), atol=1e-7)
    expected = np.minimum(x, 0).sum((0, 1)) if per_channel else np.minimum(x, 0).sum(keepdims=True).ravel()
    assert layer.alpha.shape == (count,)
    np.testing.assert_allclose(tape.gradient(y, layer.alpha.value), expected, rtol=1e-5)


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.EqualizedDense(0),
        lambda: layers.EqualizedDense(3, gain=0.0),
        lambda: layers.EqualizedConv2D(3, padding="symmetric"),
        lambda: layers.MinibatchStdDev(group_size=2.5),
        lambda: layers.MinibatchStdDev(num_features=3).build((None, 4, 4, 4)),
        lambda: layers.PixelShuffle(0),
        lambda: layers.PReLU(per_channel=True).build((None, None)),
    ],
)
def test_bad_arguments_are_refused(make):
    with pytest.raises(ValueError, match="Received: "):
        make()
