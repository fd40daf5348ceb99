"""Convolution arithmetic beside Keras' own layers."""

import itertools

import keras
import pytest

from keras_dl import layers
from keras_dl.layers import conv_cost, conv_output_size


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_sizes_are_those_of_keras(padding):
    for n, k, s, d in itertools.product((5, 8, 13), (1, 2, 3, 5), (1, 2, 3), (1, 2)):
        if (s > 1 and d > 1) or (padding == "valid" and d * (k - 1) + 1 > n):
            continue
        layer = keras.layers.Conv1D(1, k, s, padding, dilation_rate=d)
        assert conv_output_size(n, k, s, padding, d) == layer.compute_output_shape((1, n, 1))[1]


def test_explicit_padding_is_a_larger_input():
    for n, k, s, p in itertools.product((5, 8), (2, 3), (1, 2), (0, 1, 3)):
        assert conv_output_size(n, k, s, p) == conv_output_size(n + 2 * p, k, s)
        assert conv_output_size(n, k, s, (p, 0)) == conv_output_size(n + p, k, s)


def test_unknown_size_stays_unknown():
    assert conv_output_size(None, 3, 2, 1) is None


@pytest.mark.parametrize(
    "arguments",
    [
        (2, 3),
        (-5, 1),
        (8, 0),
        (8, 3, -1),
        (8, 3, 1, "full"),
        (8, 3, 1, -1),
        (8, 3, 1, (1, 2, 3)),
        (8, 3, 1, 0, 0),
        (8, 2.5),
    ],
)
def test_bad_sizes_are_refused(arguments):
    with pytest.raises(ValueError, match="Received: "):
        conv_output_size(*arguments)


@pytest.mark.parametrize(
    "options",
    [
        {"filters": 6, "kernel_size": 3},
        {"filters": 6, "kernel_size": (1, 5), "padding": "valid", "use_bias": False},
        {"filters": 8, "kernel_size": 3, "strides": 2, "groups": 2},
        {"filters": 2, "kernel_size": 3, "dilation_rate": 2, "padding": "valid"},
    ],
)
def test_cost_is_that_of_the_layer(options):
    layer = keras.layers.Conv2D(**{"padding": "same", **options})
    layer.build((None, 9, 11, 4))
    cost = conv_cost((9, 11, 4), options)
    assert cost.output_shape == layer.compute_output_shape((None, 9, 11, 4))[1:]
    assert cost.parameters == layer.count_params()
    outputs = cost.output_shape[0] * cost.output_shape[1]
    assert cost.multiply_adds == outputs * layer.kernel.shape.num_elements()


def test_cost_of_an_inception_path():
    """Inception (3a): a 1x1 reduction to 16 channels makes the 5x5 path 9.7 times cheaper."""
    direct = conv_cost((28, 28, 192), {"filters": 32, "kernel_size": 5})
    path = conv_cost((28, 28, 192), [{"filters": 16, "kernel_size": 1}, {"filters": 32, "kernel_size": 5}])
    assert path.output_shape == direct.output_shape == (28, 28, 32)
    assert path.parameters == (192 * 16 + 16) + (25 * 16 * 32 + 32)
    assert direct.multiply_adds == 28 * 28 * 25 * 192 * 32
    assert path.multiply_adds == 28 * 28 * (192 * 16 + 25 * 16 * 32)


@pytest.mark.parametrize(
    ("layer", "path"),
    [
        (layers.FactorizedConv2D(8, 7), [{"filters": 8, "kernel_size": 3}] * 3),
        (
            layers.SpatiallySeparableConv2D(8, 5),
            [{"filters": 8, "kernel_size": (5, 1)}, {"filters": 8, "kernel_size": (1, 5)}],
        ),
        (
            layers.NetworkInNetwork((8, 6, 4), 5),
            [{"filters": 8, "kernel_size": 5}, {"filters": 6, "kernel_size": 1}, {"filters": 4, "kernel_size": 1}],
        ),
    ],
)
def test_cost_of_factorised_layers(layer, path):
    layer.build((None, 6, 6, 8))
    assert conv_cost((6, 6, 8), path).parameters == layer.count_params()


@pytest.mark.parametrize(
    "options",
    [{"filters": 6}, {"filters": 6, "kernel_size": 3, "stride": 2}, {"filters": 6, "kernel_size": 3, "groups": 4}],
)
def test_bad_convolutions_are_refused(options):
    with pytest.raises(ValueError, match="Received: "):
        conv_cost((8, 8, 4), options)
