"""Factorised convolutions, network in network, and the convolution that replaces flatten and dense."""

import keras
import numpy as np
import pytest
from scipy import signal

from keras_dl import layers
from tests.layers.reference import assert_same_function, conv


def conv_relu(x, name, filters, kernel_size, strides=1, **options):
    return conv(x, name, filters, kernel_size, strides, use_bias=True, activation="relu", **options)


@pytest.mark.parametrize(("kernel_size", "padding"), [(5, "same"), (7, "valid")])
def test_factorized(kernel_size, padding):
    def reference(x):
        for i in range(1, kernel_size // 2):
            x = conv_relu(x, f"conv_{i}", 3, 3, padding=padding)
        return conv_relu(x, f"conv_{kernel_size // 2}", 3, 3, 2, padding=padding)

    layer = layers.FactorizedConv2D(3, kernel_size, strides=2, padding=padding)
    assert_same_function(layer, reference, (2, 9, 8, 4))


@pytest.mark.parametrize("kernel_size", [3, 5, 7])
def test_receptive_field_of_factorized_is_that_of_the_large_kernel(kernel_size):
    """An impulse through kernels of ones reaches exactly kernel_size pixels."""
    layer = layers.FactorizedConv2D(1, kernel_size, activation=None, kernel_initializer="ones")
    impulse = np.zeros((1, 11, 11, 1), "float32")
    impulse[:, 5, 5] = 1
    reached = np.argwhere(np.asarray(layer(impulse))[0, :, :, 0])
    assert np.all(reached.max(0) - reached.min(0) + 1 == kernel_size)


def test_spatially_separable():
    def reference(x):
        x = conv_relu(x, "vertical", 2, (5, 1), (2, 1))
        return conv(x, "horizontal", 3, (1, 5), (1, 3), use_bias=True)

    layer = layers.SpatiallySeparableConv2D(
        3, 5, strides=(2, 3), intermediate_filters=2, intermediate_activation="relu"
    )
    assert_same_function(layer, reference, (2, 9, 8, 4))


def test_separable_is_the_outer_product():
    layer = layers.SpatiallySeparableConv2D(1, 3, padding="valid", use_bias=False)
    image = np.random.default_rng(0).standard_normal((8, 9)).astype("float32")
    y = np.asarray(layer(image[None, :, :, None]))[0, :, :, 0]
    vertical, horizontal = (np.ravel(weight) for weight in layer.weights)
    expected = signal.correlate2d(image, np.outer(vertical, horizontal), mode="valid")
    np.testing.assert_allclose(y, expected, atol=1e-5)


def test_network_in_network():
    def reference(x):
        x = conv_relu(x, "conv_1", 4, 5, 2)
        return conv_relu(conv_relu(x, "conv_2", 3, 1), "conv_3", 2, 1)

    assert_same_function(layers.NetworkInNetwork((4, 3, 2), 5, strides=2), reference, (2, 9, 8, 4))


def test_conv_flatten_is_flatten_and_dense():
    x = np.random.default_rng(0).standard_normal((3, 4, 5, 2)).astype("float32")
    layer, dense = layers.ConvFlatten(6, activation="tanh"), keras.layers.Dense(6, activation="tanh")
    y = layer(x)
    dense.build((None, 40))
    dense.set_weights([layer.kernel.numpy().reshape(40, 6), layer.bias.numpy()])
    np.testing.assert_allclose(np.asarray(y)[:, 0, 0], dense(x.reshape(3, 40)), atol=1e-6)


def test_conv_flatten_slides_over_a_larger_image():
    rng = np.random.default_rng(0)
    layer = layers.ConvFlatten(6)
    layer.build((None, 4, 5, 2))
    x = rng.standard_normal((2, 6, 6, 2)).astype("float32")
    y = np.asarray(layer(x))
    assert y.shape == (2, 3, 2, 6)
    np.testing.assert_allclose(y[:, 2, 1], np.asarray(layer(x[:, 2:6, 1:6]))[:, 0, 0], atol=1e-5)


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.FactorizedConv2D(3, 4),
        lambda: layers.NetworkInNetwork(()),
        lambda: layers.NetworkInNetwork(3),
        lambda: layers.FactorizedConv2D(3).build((None, 5, 5, 5, 1)),
        lambda: layers.ConvFlatten(0),
        lambda: layers.ConvFlatten(3).build((None, None, 5, 1)),
        lambda: layers.ConvFlatten(3, kernel_size=(6, 6)).build((None, 5, 5, 1)),
    ],
)
def test_bad_arguments_are_refused(make):
    with pytest.raises(ValueError, match="Received: "):
        make()
