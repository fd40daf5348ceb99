"""The convolutional block: order of operations, paddings, groups, anti-aliasing, copied parts."""

import keras
import numpy as np
import pytest

from keras_dl import layers
from tests.layers.reference import assert_same_function


def test_convolution_normalization_activation():
    def reference(x):
        return keras.ops.relu(_norm(_conv(x, 5, 3, strides=2, padding="same", use_bias=False)))

    assert_same_function(layers.ConvBlock(5, strides=2), reference, (2, 8, 7, 4))


def test_preactivation():
    def reference(x):
        return _conv(keras.ops.relu(_norm(x)), 5, 3, padding="same", use_bias=False)

    assert_same_function(layers.ConvBlock(5, preactivation=True), reference, (2, 8, 7, 4))


@pytest.mark.parametrize(("padding", "zeros"), [("symmetric", 2), (3, 3), ("valid", 0)])
@pytest.mark.parametrize("strides", [1, 2])
def test_explicit_padding(padding, zeros, strides):
    """PyTorch's padding: the same number of zeros on either side, whatever the stride."""

    def reference(x):
        return _conv(keras.layers.ZeroPadding2D(zeros)(x), 3, 5, strides=strides)

    block = layers.ConvBlock(3, 5, strides=strides, padding=padding, normalization=None, activation=None)
    assert_same_function(block, reference, (2, 8, 9, 4))


def test_symmetric_padding_of_a_dilated_convolution():
    def reference(x):
        return _conv(keras.layers.ZeroPadding2D(2)(x), 3, 3, dilation_rate=2)

    block = layers.ConvBlock(3, dilation_rate=2, padding="symmetric", normalization=None, activation=None)
    assert_same_function(block, reference, (2, 8, 9, 4))


def test_groups_are_those_of_keras():
    def reference(x):
        return _conv(x, 6, 3, padding="same", groups=2)

    assert_same_function(layers.ConvBlock(6, groups=2, normalization=None, activation=None), reference, (2, 6, 6, 4))


def test_antialiased_stride():
    """Convolution at stride 1, activation, blur with the stride."""

    def reference(x):
        x = keras.ops.relu(_norm(_conv(x, 5, 3, padding="same", use_bias=False)))
        x = keras.ops.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)], mode="reflect")
        taps = np.repeat(np.outer([1, 2, 1], [1, 2, 1])[:, :, None, None] / 16, 5, axis=2)
        return keras.ops.depthwise_conv(x, taps.astype("float32"), 2, "valid")

    assert_same_function(layers.ConvBlock(5, strides=2, antialias=True), reference, (2, 8, 7, 4))


@pytest.mark.parametrize("rank", [1, 3])
def test_other_ranks(rank):
    def reference(x):
        convolution = (keras.layers.Conv1D, keras.layers.Conv3D)[rank // 2]
        return convolution(3, 3, padding="same", name="convolution")(x)

    block = layers.ConvBlock(3, normalization=None, activation=None)
    assert_same_function(block, reference, (2, 5, 6, 4, 2)[: rank + 1] + (2,))


@pytest.mark.parametrize(
    ("normalization", "use_bias", "expected"), [(None, None, True), ("batch", None, False), ("batch", True, True)]
)
def test_bias_is_there_where_no_normalization_is(normalization, use_bias, expected):
    block = layers.ConvBlock(3, normalization=normalization, use_bias=use_bias)
    block.build((None, 4, 4, 2))
    assert block.convolution.use_bias == expected


def test_every_copy_has_its_own_weights():
    """A layer given as normalization or activation is a pattern: it stays unbuilt and shares nothing."""
    activation, normalization = layers.PReLU(), keras.layers.GroupNormalization(groups=-1)
    block = layers.NetworkInNetwork((3, 3), normalization=normalization, activation=activation)
    block.build((None, 4, 4, 3))
    assert not activation.built and not normalization.built
    slopes = [weight for weight in block.trainable_weights if weight.name == "alpha"]
    assert len(slopes) == 2 and len([w for w in block.trainable_weights if w.name == "gamma"]) == 2


def test_kernels_that_share_an_initializer_differ():
    block = layers.FactorizedConv2D(4, kernel_initializer=keras.initializers.HeNormal())
    block.build((None, 6, 6, 4))
    first, second = (weight for weight in block.weights if weight.name == "kernel")
    assert np.abs(first.numpy() - second.numpy()).max() > 0.1


def test_frozen_before_it_is_built_stays_frozen():
    """Parts are made in `build`; a batch normalisation in a frozen block must not update its averages."""
    block = layers.ConvBlock(3, trainable=False)
    x = np.random.default_rng(0).standard_normal((2, 4, 4, 2)).astype("float32")
    block(x, training=True)
    assert block.trainable_weights == []
    assert all(not np.any(w.numpy()) for w in block.weights if w.name == "moving_mean")


@pytest.mark.parametrize(
    ("arguments", "input_shape"),
    [
        ({"padding": "full"}, (1, 4, 4, 2)),
        ({"padding": -1}, (1, 4, 4, 2)),
        ({"normalization": "instance"}, (1, 4, 4, 2)),
        ({"activation": "rleu"}, (1, 4, 4, 2)),
        ({"kernel_size": (3, 3, 3)}, (1, 4, 4, 2)),
        ({}, (1, 2)),
        ({}, (1, 4, 4, None)),
        ({"padding": "valid"}, (1, 2, 4, 2)),
    ],
)
def test_bad_arguments_are_refused(arguments, input_shape):
    with pytest.raises(ValueError, match="Received: "):
        layers.ConvBlock(3, **arguments).build(input_shape)


def _conv(x, *arguments, **options):
    return keras.layers.Conv2D(*arguments, name="convolution", **options)(x)


def _norm(x):
    return keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name="normalization")(x)
