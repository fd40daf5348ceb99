"""Spectral normalization: NumPy's singular values, gradients beside finite differences, kernels left alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl.layers import SpectralNormConv2D, SpectralNormDense

LAYERS = {
    "dense": (lambda: SpectralNormDense(4), (3, 6)),
    "conv": (lambda: SpectralNormConv2D(5, 3, strides=2), (2, 6, 5, 3)),
}


def converged(name):
    """A layer after 200 steps of power iteration, its inputs, and its kernel as a matrix."""
    keras.utils.set_random_seed(3)
    make, shape = LAYERS[name]
    layer, x = make(), tf.constant(np.random.default_rng(0).standard_normal(shape).astype("float32"))
    for _ in range(200):
        layer(x, training=True)
    kernel = layer.kernel.numpy()
    return layer, x, kernel.reshape(-1, kernel.shape[-1])


@pytest.mark.parametrize("name", LAYERS)
def test_divides_by_the_largest_singular_value(name):
    layer, x, matrix = converged(name)
    kernel = layer.kernel.numpy() / np.linalg.svd(matrix, compute_uv=False)[0]
    expected = layer._apply(x, tf.constant(kernel))
    np.testing.assert_allclose(layer(x), expected, atol=1e-5)


@pytest.mark.parametrize("name", LAYERS)
def test_calls_leave_the_kernel_alone_and_inference_leaves_everything_alone(name):
    layer, x, _ = converged(name)
    layer.u.assign(layer.u + 1.0)
    kernel, u = layer.kernel.numpy(), layer.u.numpy()
    layer(x)
    np.testing.assert_array_equal(layer.u, u)
    layer(x, training=True)
    np.testing.assert_array_equal(layer.kernel, kernel)
    assert np.abs(layer.u - u).max() > 0.1


@pytest.mark.parametrize("name", LAYERS)
def test_gradient_passes_through_the_norm(name):
    """Scaling the kernel changes nothing, so its gradient is orthogonal to it; and it is that of W / sigma_1(W)."""
    layer, x, matrix = converged(name)
    weights = np.random.default_rng(1).standard_normal(layer(x).shape).astype("float32")

    def value(kernel):
        sigma = np.linalg.svd(kernel.reshape(matrix.shape), compute_uv=False)[0]
        return np.sum(layer._apply(tf.cast(x, "float64"), tf.constant(kernel / sigma)) * weights)

    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(x) * weights)
    gradient = tape.gradient(loss, layer.kernel.value).numpy()
    kernel = layer.kernel.numpy().astype("float64")
    assert abs(np.sum(gradient * kernel)) < 1e-4
    direction = np.random.default_rng(2).standard_normal(kernel.shape)
    slope = (value(kernel + 1e-5 * direction) - value(kernel - 1e-5 * direction)) / 2e-5
    np.testing.assert_allclose(np.sum(gradient * direction), slope, rtol=1e-3, atol=1e-3)


def test_lipschitz_constant_of_a_chain_is_one():
    network = keras.Sequential([keras.Input((6,))])
    for _ in range(3):
        network.add(SpectralNormDense(16))
        network.add(keras.layers.LeakyReLU(0.2))
    x = np.random.default_rng(0).standard_normal((500, 6)).astype("float32")
    for _ in range(100):
        network(x, training=True)
    y = network(x).numpy()
    slopes = np.linalg.norm(y[1:] - y[:-1], axis=1) / np.linalg.norm(x[1:] - x[:-1], axis=1)
    assert slopes.max() < 1.001


@pytest.mark.parametrize("arguments", [{"units": 0}, {"units": "4"}])
def test_refuses_bad_units(arguments):
    with pytest.raises(ValueError, match="`units` should be a positive integer. Received: "):
        SpectralNormDense(**arguments)


def test_refuses_bad_padding():
    with pytest.raises(ValueError, match="`padding` should be.*Received: "):
        SpectralNormConv2D(3, padding="full")
