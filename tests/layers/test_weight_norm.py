"""Convolutions whose kernels have a direction and a length: against their formula, and in networks."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import layers, networks, objectives
from keras_dl.testing import randomize

X = np.random.default_rng(0).normal(size=(2, 6, 8, 3)).astype("float32")


def norms(kernel):
    return np.sqrt(np.square(np.asarray(kernel, "float64")).sum((0, 1, 2)))


def test_it_begins_as_the_convolution_of_its_direction():
    layer = layers.WeightNormConv2D(4, 3, padding="same")
    layer.build(X.shape)
    direction = layer._kernel.numpy()
    length = norms(direction)
    np.testing.assert_allclose(layer.kernel, direction * (length + 0.01) / (length + 1e-5), rtol=1e-5)


def test_its_formula():
    layer = layers.WeightNormConv2D(4, 3, strides=2, padding="same")
    layer.build(X.shape)
    randomize(layer)
    direction, bias, length = (weight.numpy() for weight in layer.weights)
    kernel = np.exp(length) * direction / (norms(direction) + 1e-5)
    np.testing.assert_allclose(norms(layer.kernel), np.exp(length), rtol=1e-4)
    np.testing.assert_allclose(layer(X), tf.nn.conv2d(X, kernel, 2, "SAME") + bias, atol=1e-4)


def test_the_gradient_is_across_the_direction_and_along_it_that_of_the_length():
    """The slope of V is orthogonal to V, and that of g is the slope of W along W (Salimans & Kingma, equation 3)."""
    layer = layers.WeightNormConv2D(4, 3, use_bias=False)
    layer(X)
    target = np.random.default_rng(1).normal(size=(3, 3, 3, 4)).astype("float32")
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer.kernel * target)
    of_direction, of_length = tape.gradient(loss, [weight.value for weight in layer.trainable_weights])
    along = np.sum(of_direction * layer._kernel, (0, 1, 2)) / norms(layer._kernel)
    np.testing.assert_allclose(along, 0.0, atol=1e-3)
    np.testing.assert_allclose(of_length, np.sum(layer.kernel * target, (0, 1, 2)), rtol=1e-4)


def test_kernels_of_zeros_and_half_precision():
    layer = layers.WeightNormConv2D(2, 1, dtype="mixed_float16", kernel_initializer="zeros")
    y = layer(np.float16(X))
    assert y.dtype == "float16" and np.isfinite(y).all() and layer.log_norm.dtype == "float32"
    half = layers.WeightNormConv2D(2, 3, dtype="mixed_float16")
    half.build(X.shape)
    full = layers.WeightNormConv2D(2, 3)
    full.build(X.shape)
    for weight, value in zip(full.weights, half.get_weights(), strict=True):
        weight.assign(value)
    np.testing.assert_allclose(half(X), full(X), atol=0.02)


def test_a_file_holds_direction_length_and_bias(tmp_path):
    network = keras.Sequential([keras.Input((6, 8, 3)), layers.WeightNormConv2D(4, 3, name="convolution")])
    randomize(network)
    network.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras")
    for ours, others in zip(network.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, others)
    np.testing.assert_array_equal(network(X), again(X))


def kinds(network):
    convolutions = [part for part in network._flatten_layers() if isinstance(part, keras.layers.Conv2D)]
    return [
        (type(part).__name__, part.name) for part in convolutions if not isinstance(part, keras.layers.DepthwiseConv2D)
    ]


@pytest.mark.parametrize("build", [networks.nvae_encoder, networks.nvae_decoder])
def test_networks_have_them_everywhere_but_in_separable_cells(build):
    options = {"groups": (1, 1), "filters": 4, "halvings": 0}
    network = build((4, 4, 1), weight_norm=True, **options)
    plain = {name for kind, name in kinds(network) if kind == "Conv2D"}
    assert plain <= {"expand", "project"} and any(kind == "WeightNormConv2D" for kind, _ in kinds(network))
    assert "WeightNormConv2D" not in dict(kinds(build((4, 4, 1), **options)))


def test_regularisation_charges_the_kernels_that_convolve():
    layer = layers.WeightNormConv2D(2, 3)
    layer.build((None, 8, 8, 3))
    layer.log_norm.assign([1.0, 2.0])
    charge = objectives.SpectralRegularization(1.0, iterations=50)
    _, largest, _ = charge([layer], charge.start([layer]), step=0)
    exact = np.linalg.svd(np.reshape(layer.kernel, (-1, 2)), compute_uv=False)[0]
    assert float(largest) == pytest.approx(exact, rel=1e-4)
