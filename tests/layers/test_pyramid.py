"""Levels of pyramids beside SciPy's filters, their exact reconstruction, and what they refuse."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from keras_dl import layers

TAPS = np.array([1, 4, 6, 4, 1]) / 16


def filtered(x, taps, mode):
    for axis in (1, 2):
        x = ndimage.correlate1d(x, taps, axis, mode=mode)
    return x


def upsampled(x):
    """Zeros between pixels, an image mirrored beyond its border, and the doubled filter, in float64."""
    padded = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)], mode="symmetric").astype("float64")
    spread = np.zeros((len(x), 2 * padded.shape[1], 2 * padded.shape[2], x.shape[-1]))
    spread[:, ::2, ::2] = padded
    return filtered(spread, 2 * TAPS, "constant")[:, 2:-2, 2:-2]


@pytest.mark.parametrize("shape", [(2, 8, 6, 3), (1, 2, 2, 1), (3, 4, 14, 2)])
def test_values(shape):
    x = np.random.default_rng(0).standard_normal(shape).astype("float32")
    expected = filtered(x.astype("float64"), TAPS, "reflect")[:, ::2, ::2]
    np.testing.assert_allclose(layers.PyramidDown()(x), expected, atol=1e-6)
    np.testing.assert_allclose(layers.PyramidUp()(x), upsampled(x), atol=1e-6)


def test_a_pyramid_sums_to_its_image():
    x = np.random.default_rng(0).standard_normal((4, 32, 32, 3)).astype("float32")
    down, up = layers.PyramidDown(), layers.PyramidUp()
    level, differences = x, []
    while level.shape[1] > 2:
        coarse = down(level)
        differences.append(level - up(coarse))
        level = coarse
    for difference in reversed(differences):
        level = up(level) + difference
    np.testing.assert_allclose(level, x, atol=1e-6)


def test_constants_stay():
    x = np.full((1, 4, 6, 2), 3.0, "float32")
    np.testing.assert_allclose(layers.PyramidDown()(x), x[:, :2, :3], atol=1e-6)
    np.testing.assert_allclose(layers.PyramidUp()(x), np.full((1, 8, 12, 2), 3.0), atol=1e-6)


HALVING = {"PyramidDown": layers.PyramidDown, "FactorizedReduction": lambda: layers.FactorizedReduction(4)}


@pytest.mark.parametrize("name", HALVING)
def test_odd_sides_are_refused(name):
    message = name + r" should get images of even sides; pad them\. Received: input_shape=\({}, {}, 8, 1\)"
    with pytest.raises(ValueError, match=message.format(None, 7)):
        HALVING[name]()(keras.Input((7, 8, 1)))
    layer = HALVING[name]()
    layer.build((None, None, None, 1))
    with pytest.raises(ValueError, match=message.format(2, 5)):
        layer(np.ones((2, 5, 8, 1), "float32"))


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("name", HALVING)
def test_odd_sides_that_no_shape_tells_end_a_graph(name, jit_compile):
    keras.utils.set_random_seed(0)
    network = keras.Sequential([keras.Input((None, None, 1)), HALVING[name]()])
    graph = tf.function(network, input_signature=[tf.TensorSpec([None, None, None, 1])], jit_compile=jit_compile)
    x = np.random.default_rng(0).standard_normal((9, 6, 4, 1)).astype("float32")
    np.testing.assert_allclose(graph(x), network(x), atol=1e-6)
    for odd in (x[:, :5], x[:, :, :3], x[:, :3, :3]):
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"{name}_should_get_images_of_even_sides"):
            graph(odd)
