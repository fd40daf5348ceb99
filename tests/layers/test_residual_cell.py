"""Residual cells and factorised reduction against their formulas; recomputation changes nothing but memory."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import layers
from keras_dl.testing import randomize

X = np.random.default_rng(0).normal(size=(3, 4, 6, 5)).astype("float32")


def swish(x):
    return x / (1 + np.exp(-x))


def test_factorised_reduction_is_one_convolution_of_two_by_two_pixels():
    layer = layers.FactorizedReduction(6)
    y = layer(X)
    randomize(layer)
    kernel, start = np.zeros((2, 2, 5, 6), "float32"), 0
    for (i, j), part in zip(((0, 0), (1, 1), (0, 1), (1, 0)), layer.convolutions, strict=True):
        kernel[i, j, :, start : start + part.filters] = part.kernel.numpy()[0, 0]
        start += part.filters
    bias = np.concatenate([part.bias.numpy() for part in layer.convolutions])
    expected = tf.nn.conv2d(swish(X), kernel, 2, "VALID") + bias
    assert y.shape == (3, 2, 3, 6)
    np.testing.assert_allclose(layer(X), expected, atol=1e-5)


def gates(x, squeeze):
    weights = [w.numpy() for w in squeeze.weights]
    hidden = np.maximum(x.mean((1, 2)) @ weights[0] + weights[1], 0)
    return 1 / (1 + np.exp(-(hidden @ weights[2] + weights[3])))[:, None, None]


def test_a_separable_cell_is_its_formula():
    cell = layers.ResidualCell(5, kind="separable", expansion=2)
    cell.build(X.shape)
    randomize(cell)
    parts = {layer.name: layer for layer in cell.residual}

    def normalized(x, name):
        gamma, beta, mean, variance = (w.numpy() for w in parts[name].weights)
        return gamma * (x - mean) / np.sqrt(variance + 1e-5) + beta

    x = normalized(X, "norm_1") @ parts["expand"].kernel.numpy()[0, 0]
    x = swish(normalized(x, "norm_2"))
    kernel = parts["depthwise"].kernel.numpy()
    assert kernel.shape == (5, 5, 10, 1)
    x = tf.nn.depthwise_conv2d(x, kernel, (1, 1, 1, 1), "SAME").numpy()
    x = swish(normalized(x, "norm_3")) @ parts["project"].kernel.numpy()[0, 0]
    x = normalized(x, "norm_4")
    np.testing.assert_allclose(cell(X), X + 0.1 * x * gates(x, parts["squeeze_excite"]), atol=1e-5)


def test_a_regular_cell_is_its_formula():
    cell = layers.ResidualCell(4)  # the number of channels changes: a projection
    cell.build(X.shape)
    randomize(cell)
    parts = {layer.name: layer for layer in cell.residual}
    x = tf.nn.conv2d(swish(parts["norm_1"](X).numpy()), parts["convolution_1"].kernel, 1, "SAME")
    x = tf.nn.conv2d(swish(parts["norm_2"](x).numpy()), parts["convolution_2"].kernel, 1, "SAME")
    x = x.numpy() + parts["convolution_2"].bias.numpy()
    shortcut = X @ cell.shortcut[0].kernel.numpy()[0, 0] + cell.shortcut[0].bias.numpy()
    np.testing.assert_allclose(cell(X), shortcut + 0.1 * x * gates(x, parts["squeeze_excite"]), atol=1e-5)
    assert parts["squeeze_excite"].weights[0].shape == (4, 4)  # at least 4 channels
    assert layers.ResidualCell(128).compute_output_shape(X.shape) == (3, 4, 6, 128)


@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
def test_recomputation_gives_the_same_gradients_and_moves_averages_once(mode):
    results = []
    for recompute in (False, True):
        keras.utils.set_random_seed(0)
        cell = layers.ResidualCell(5, kind="separable", kernel_size=3, expansion=2, recompute=recompute)
        cell.build(X.shape)
        randomize(cell)

        def step(x, cell=cell):
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                weights = [w.value for w in cell.trainable_weights]
                tape.watch([x, *weights])
                loss = tf.reduce_sum(tf.square(cell(x, training=True)))
            return loss, tape.gradient(loss, [x, *weights])

        if mode != "eager":
            step = tf.function(step, jit_compile=mode == "xla", autograph=False)
        results.append(tf.nest.flatten([*step(tf.constant(X)), [w.numpy() for w in cell.weights]]))
    for plain, again in zip(*results, strict=True):
        np.testing.assert_allclose(plain, again, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: layers.ResidualCell(4, kind="other"), "`kind` should be one of"),
        (lambda: layers.ResidualCell(4, resize="left"), "`resize` should be one of"),
        (lambda: layers.ResidualCell(4, resize="down")(X[:, :3]), "should get images of even sides"),
        (lambda: layers.FactorizedReduction(3), "`filters` should be at least 4"),
        (lambda: layers.ResidualCell(4, recompute="yes"), "`recompute` should be True or False"),
    ],
)
def test_refusals(build, message):
    with pytest.raises(ValueError, match=message):
        build()
