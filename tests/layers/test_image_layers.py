"""Layers of networks that make images from images: mirrored borders, and kernels that start as nearest neighbour."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import layers


def normal(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


@pytest.mark.parametrize("padding", [1, (2, 3)])
def test_reflection_is_numpys(padding):
    x = normal(2, 4, 5, 3)
    rows, columns = padding if isinstance(padding, tuple) else (padding, padding)
    expected = np.pad(x, [(0, 0), (rows, rows), (columns, columns), (0, 0)], mode="reflect")
    np.testing.assert_array_equal(layers.ReflectionPadding2D(padding)(x), expected)


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_linear_interpolation_is_tensorflows(scale):
    x = normal(2, 4, 5, 3)
    expected = tf.image.resize(x, (4 * scale, 5 * scale), "bilinear")
    np.testing.assert_allclose(layers.BilinearUpsampling2D(scale)(x), expected, atol=1e-6)


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_repeated_pixels_are_keras(scale):
    x = normal(2, 4, 5, 3)
    np.testing.assert_array_equal(layers.NearestUpsampling2D(scale)(x), keras.layers.UpSampling2D(scale)(x))


@pytest.mark.parametrize("layer", [layers.BilinearUpsampling2D(2), layers.NearestUpsampling2D(2)])
def test_images_of_unknown_size_are_enlarged_in_graphs(layer):
    graph = tf.function(layer, input_signature=[tf.TensorSpec((None, None, None, 3))])
    assert graph.get_concrete_function().output_shapes[-1] == 3  # by which convolutions are prepared
    for height, width in ((1, 4), (5, 3)):
        x = normal(2, height, width, 3)
        np.testing.assert_allclose(graph(x), layer(x), atol=1e-6)


def test_images_of_unknown_size_are_reflected():
    inputs = keras.Input((None, None, 1))
    network = keras.Model(inputs, layers.ReflectionPadding2D(1)(inputs))
    assert network.output_shape == (None, None, None, 1)
    x = normal(1, 3, 4, 1)
    np.testing.assert_array_equal(network(x), tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], "REFLECT"))


@pytest.mark.parametrize("r", [2, 3])
def test_upsampling_starts_as_nearest_neighbour(r):
    """Aitken et al. 2017, section 3.1: every pixel of a small image becomes r x r equal ones."""
    conv = keras.layers.Conv2D(2 * r * r, 3, padding="same", kernel_initializer=layers.ICNR(r, "he_normal"))
    x = normal(1, 4, 5, 3)
    y = layers.PixelShuffle(r)(conv(x)).numpy()
    small = y[:, ::r, ::r]
    assert np.abs(small).max() > 0.1
    np.testing.assert_array_equal(y, small.repeat(r, 1).repeat(r, 2))


def test_the_start_is_that_of_one_sub_kernel():
    kernel = layers.ICNR(2, keras.initializers.HeNormal(seed=1))((3, 3, 4, 8))
    np.testing.assert_array_equal(kernel[..., 2:4], keras.initializers.HeNormal(seed=1)((3, 3, 4, 2)))
    again = keras.initializers.get(keras.initializers.serialize(layers.ICNR(2, "he_normal")))
    assert again.upscale_factor == 2


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.ReflectionPadding2D(0),
        lambda: layers.ReflectionPadding2D((1, 2, 3)).build((None, 4, 4, 1)),
        lambda: layers.ReflectionPadding2D(4).build((None, 4, 9, 1)),
        lambda: layers.BilinearUpsampling2D(0),
        lambda: layers.ICNR(0),
        lambda: layers.ICNR(2)((3, 3, 4, 6)),
    ],
)
def test_bad_arguments_are_refused(make):
    with pytest.raises(ValueError, match="Received: "):
        make()
