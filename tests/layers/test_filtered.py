"""Filtered up- and downsampling against the definition of StyleGAN 2, and pixel normalization."""

import numpy as np
import pytest
import tensorflow as tf

from keras_dl import layers
from keras_dl.layers.blur_pool import blur_plane
from keras_dl.layers.filtered import blurred


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def resample(x, up, down, padding, gain):
    """Zeros between pixels, zeros around, the filter [1, 3, 3, 1] / 8 along both axes, every `down`-th pixel."""
    batch, height, width, channels = x.shape
    spread = np.zeros((batch, height * up, width * up, channels))
    spread[:, ::up, ::up] = x
    padded = np.pad(spread, [(0, 0), padding, padding, (0, 0)])
    taps = np.array([1, 3, 3, 1]) / 8
    sizes = padded.shape[1] - 3, padded.shape[2] - 3
    filtered = np.zeros((batch, *sizes, channels))
    for i, j in np.ndindex(4, 4):
        filtered += taps[i] * taps[j] * padded[:, i : i + sizes[0], j : j + sizes[1]]
    return gain * filtered[:, ::down, ::down]


def test_upsampling():
    x = normal(2, 3, 5, 4)
    y = layers.FilteredUpsampling2D()(x)
    np.testing.assert_allclose(y, resample(x, 2, 1, (2, 1), 4.0), atol=1e-6)


def test_upsampling_is_bilinear_inside():
    x = normal(2, 6, 5, 3)
    bilinear = tf.image.resize(x, (12, 10))
    np.testing.assert_allclose(layers.FilteredUpsampling2D()(x)[:, 1:-1, 1:-1], bilinear[:, 1:-1, 1:-1], atol=1e-6)


@pytest.mark.parametrize("size", [(6, 4), (5, 7)])
def test_downsampling(size):
    x = normal(2, *size, 3)
    y = layers.FilteredDownsampling2D()(x)
    np.testing.assert_allclose(y, resample(x, 1, 2, (1, 2), 1.0), atol=1e-6)


def test_a_constant_stays_constant_inside():
    x = np.ones((1, 8, 8, 2), "float32")
    for layer in (layers.FilteredUpsampling2D(), layers.FilteredUpsampling2D(6), layers.FilteredDownsampling2D()):
        y = np.asarray(layer(x))
        np.testing.assert_allclose(y[:, 3:-3, 3:-3] if y.shape[1] > 8 else y[:, 1:-1, 1:-1], 1.0, atol=1e-6)


def test_derivatives_of_derivatives():
    """Penalties of gradients go through both layers a second time: linear maps, so the gradient knows no input."""
    x = tf.Variable(normal(1, 4, 4, 2))
    for layer in (layers.FilteredUpsampling2D(), layers.FilteredDownsampling2D()):
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                y = tf.reduce_sum(layer(x) ** 2)
            first = inner.gradient(y, x)
            penalty = tf.reduce_sum(first**2)
        # y = |A x|^2: the gradient is 2 A'A x and that of its square 8 (A'A)^2 x.
        with tf.GradientTape() as again:
            twice = tf.reduce_sum(layer(tf.identity(first)) * layer(x))
        np.testing.assert_allclose(outer.gradient(penalty, x), 4 * again.gradient(twice, x), rtol=1e-4, atol=1e-4)


def test_pixel_normalization():
    x = normal(2, 3, 4, 5)
    expected = x / np.sqrt((x.astype("float64") ** 2).mean(-1, keepdims=True) + 1e-8)
    np.testing.assert_allclose(layers.PixelNormalization()(x), expected, atol=1e-6)
    assert not np.asarray(layers.PixelNormalization()(np.zeros((2, 3), "float32"))).any()


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.FilteredUpsampling2D(0),
        lambda: layers.FilteredDownsampling2D().build((None, 4, 3)),
        lambda: layers.PixelNormalization(epsilon=-1.0),
        lambda: layers.PixelNormalization().build((None, None)),
    ],
)
def test_bad_arguments_are_refused(make):
    with pytest.raises(ValueError, match="Received: "):
        make()


@pytest.mark.parametrize(("kernel_size", "padding"), [(4, (2, 2)), (4, (1, 1)), (3, (0, 2)), (2, (3, 1))])
def test_gradients_of_filters_are_those_of_the_convolution(kernel_size, padding):
    """Of a cubed result up to the third derivative, in a graph of unknown sizes."""

    def plainly(x):
        padded = tf.pad(x, [(0, 0), padding, padding, (0, 0)])
        return 3.0 * blur_plane(padded, kernel_size, (1, 1))

    def derivatives(function, x):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y = value = tf.reduce_sum(function(x) ** 3)
            found = []
            for _ in range(3):
                gradient = tape.gradient(value, x)
                value = tf.reduce_sum(gradient**2)
                found.append(gradient)
        return y, *found

    x = tf.constant(normal(2, 6, 5, 3))
    sizes = [tf.TensorSpec([None, None, None, 3])]

    def graph(function):
        return tf.function(lambda x: derivatives(function, x), sizes, autograph=False)

    ours = graph(lambda x: blurred(x, kernel_size, padding, gain=3.0))
    for one, two in zip(ours(x), graph(plainly)(x), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-4 * float(tf.reduce_max(tf.abs(two))))
