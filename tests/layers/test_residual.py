"""Residual blocks beside the same blocks written out in plain Keras, and the published parameter counts."""

import keras
import numpy as np
import pytest

from keras_dl import layers
from tests.layers.reference import assert_same_function, conv, conv_norm_relu, norm

relu = keras.ops.relu


def test_basic():
    def reference(x):
        y = conv_norm_relu(x, "conv_1", 4, 3)
        return relu(norm(conv(y, "conv_2", 4, 3), "conv_2") + x)

    assert_same_function(layers.ResidualBlock(4), reference, (2, 6, 7, 4))


def test_projection_by_zero_channels():
    def reference(x):
        y = conv_norm_relu(x, "conv_1", 7, 3, 2)
        shortcut = keras.ops.pad(x[:, ::2, ::2], [(0, 0)] * 3 + [(1, 2)])
        return relu(norm(conv(y, "conv_2", 7, 3), "conv_2") + shortcut)

    assert_same_function(layers.ResidualBlock(7, strides=2, projection="A"), reference, (2, 6, 7, 4))


@pytest.mark.parametrize("projection", ["B", "C"])
def test_projection_by_convolution(projection):
    strides = 2 if projection == "B" else 1

    def reference(x):
        y = conv_norm_relu(x, "conv_1", 4, 3, strides)
        shortcut = norm(conv(x, "shortcut", 4, 1, strides), "shortcut")
        return relu(norm(conv(y, "conv_2", 4, 3), "conv_2") + shortcut)

    assert_same_function(layers.ResidualBlock(4, strides=strides, projection=projection), reference, (2, 6, 7, 4))


@pytest.mark.parametrize("stride_in_1x1", [False, True])
@pytest.mark.parametrize("padding", ["same", "symmetric"])
def test_bottleneck(stride_in_1x1, padding):
    first, second = (2, 1) if stride_in_1x1 else (1, 2)

    def reference(x):
        y = conv_norm_relu(x, "conv_1", 3, 1, first)
        if padding == "symmetric":
            y = keras.layers.ZeroPadding2D(1)(y)
        y = conv_norm_relu(y, "conv_2", 3, 3, second, padding="same" if padding == "same" else "valid")
        y = norm(conv(y, "conv_3", 12, 1), "conv_3")
        return relu(y + norm(conv(x, "shortcut", 12, 1, 2), "shortcut"))

    options = {"kind": "bottleneck", "strides": 2, "stride_in_1x1": stride_in_1x1, "padding": padding}
    assert_same_function(layers.ResidualBlock(3, **options), reference, (2, 8, 6, 4))


def test_preactivation():
    """He et al. (2016): the projection takes the activated input, nothing follows the sum."""

    def reference(x):
        y = relu(keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name="normalization")(x))
        z = conv_norm_relu(y, "conv_1", 6, 3, 2)
        return conv(z, "conv_2", 6, 3) + conv(y, "shortcut", 6, 1, 2)

    assert_same_function(layers.ResidualBlock(6, strides=2, preactivation=True), reference, (2, 6, 7, 4))


def test_preactivation_keeps_the_identity():
    """The shortcut is the input itself, not activated: with zero kernels the block is the identity."""
    block = layers.ResidualBlock(4, preactivation=True, kernel_initializer="zeros")
    x = np.random.default_rng(0).standard_normal((2, 5, 5, 4)).astype("float32")
    np.testing.assert_array_equal(block(x), x)


def test_the_first_block_behind_an_activated_stem():
    """He et al. (2016), appendix: the activation comes before the split, so that the shortcut is activated too."""

    def reference(x):
        return x + conv(conv_norm_relu(x, "conv_1", 4, 3), "conv_2", 4, 3)

    block = layers.ResidualBlock(4, preactivation=True, activated_input=True)
    assert_same_function(block, reference, (2, 6, 7, 4))


def test_squeeze_excitation_before_the_sum():
    def reference(x):
        y = conv_norm_relu(x, "conv_1", 4, 3)
        y = norm(conv(y, "conv_2", 4, 3), "conv_2")
        gate = keras.layers.GlobalAveragePooling2D(keepdims=True)(y)
        gate = keras.layers.Dense(2, activation="relu", name="squeeze_excite.squeeze")(gate)
        gate = keras.layers.Dense(4, activation="sigmoid", name="squeeze_excite.excite")(gate)
        return relu(y * gate + x)

    assert_same_function(layers.ResidualBlock(4, squeeze_excite=2), reference, (2, 6, 7, 4))


def test_antialiased_block_blurs_before_each_stride():
    def blur(x):
        x = keras.ops.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)], mode="reflect")
        taps = np.repeat(np.outer([1, 2, 1], [1, 2, 1])[:, :, None, None] / 16, 4, axis=2)
        return keras.ops.depthwise_conv(x, taps.astype("float32"), 2, "valid")

    def reference(x):
        y = blur(conv_norm_relu(x, "conv_1", 4, 3))
        shortcut = norm(conv(blur(x), "shortcut", 4, 1), "shortcut")
        return relu(norm(conv(y, "conv_2", 4, 3), "conv_2") + shortcut)

    assert_same_function(layers.ResidualBlock(4, strides=2, antialias=True), reference, (2, 6, 7, 4))


def test_volumes():
    block = layers.ResidualBlock(4, strides=(1, 2, 2))
    assert block(np.zeros((1, 3, 6, 6, 2), "float32")).shape == (1, 3, 3, 3, 4)


STAGES = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
COUNTS = {(18, None): 11_689_512, (34, None): 21_797_672, (50, None): 25_557_032, (50, 16): 28_088_024}


@pytest.mark.parametrize(("depth", "squeeze_excite"), COUNTS)
def test_published_parameter_counts(depth, squeeze_excite):
    """Stem (7x7 convolution, norm), blocks, dense layer of 1000 classes: torchvision's and timm's counts."""
    kind = "bottleneck" if depth >= 50 else "basic"
    channels, count = 64, 7 * 7 * 3 * 64 + 2 * 64
    for stage, blocks in enumerate(STAGES[depth]):
        for i in range(min(blocks, 2)):
            block = layers.ResidualBlock(
                64 * 2**stage,
                kind,
                strides=2 if stage and not i else 1,
                squeeze_excite=squeeze_excite,
                kernel_initializer="zeros",
            )
            block.build((None, 8, 8, channels))
            channels = block.output_filters
            # All blocks of a stage but the first are equal.
            count += _trainable(block) * (blocks - 1 if i else 1)
    assert count + channels * 1000 + 1000 == COUNTS[depth, squeeze_excite]


@pytest.mark.parametrize(
    "arguments", [{"kind": "wide"}, {"projection": "D"}, {"padding": "valid"}, {"projection": "A", "filters": 2}]
)
def test_bad_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match="Received: "):
        layers.ResidualBlock(**{"filters": 4, **arguments}).build((None, 4, 4, 4))


def _trainable(layer):
    return sum(weight.shape.num_elements() for weight in layer.trainable_weights)
