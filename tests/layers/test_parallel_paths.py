"""Inception blocks, fire modules and squeeze-excitation beside plain Keras, and published parameter counts."""

import keras
import numpy as np
import pytest

from keras_dl import layers
from tests.layers.reference import assert_same_function, conv

concatenate, relu = keras.ops.concatenate, keras.ops.relu


def conv_relu(x, name, filters, kernel_size):
    return conv(x, name, filters, kernel_size, use_bias=True, activation="relu")


def pool(x):
    return keras.layers.MaxPooling2D(3, 1, padding="same")(x)


def test_inception_block():
    def reference(x):
        small = conv_relu(x, "conv_1x1", 2, 1)
        middle = conv_relu(conv_relu(x, "reduce_3x3", 3, 1), "conv_3x3", 4, 3)
        large = conv_relu(conv_relu(x, "reduce_5x5", 2, 1), "conv_5x5", 3, 5)
        return concatenate([small, middle, large, conv_relu(pool(x), "conv_pool", 2, 1)], -1)

    assert_same_function(layers.InceptionBlock(2, 3, 4, 2, 3, 2), reference, (2, 6, 7, 5))


def test_naive_inception_block():
    def reference(x):
        paths = [conv_relu(x, f"conv_{k}x{k}", f, k) for k, f in ((1, 2), (3, 4), (5, 3))]
        return concatenate([*paths, pool(x)], -1)

    assert_same_function(layers.InceptionBlock(2, None, 4, None, 3), reference, (2, 6, 7, 5))


def test_fire_module():
    def reference(x):
        s = conv_relu(x, "squeeze", 3, 1)
        return concatenate([conv_relu(s, "expand_1x1", 2, 1), conv_relu(s, "expand_3x3", 4, 3)], -1)

    assert_same_function(layers.FireModule(3, 2, 4), reference, (2, 6, 7, 5))


@pytest.mark.parametrize("shape", [(2, 7, 8), (2, 5, 6, 8), (2, 3, 4, 5, 8)])
def test_squeeze_excite(shape):
    """Equations 2 to 4 of Hu et al. (2018) in NumPy, on sequences, images and volumes."""
    layer = layers.SqueezeExcite(ratio=4)
    x = np.random.default_rng(0).standard_normal(shape).astype("float32")
    y = layer(x)
    w1, b1, w2, b2 = (weight.numpy() for weight in layer.weights)
    z = x.reshape(shape[0], -1, 8).mean(1)
    gate = 1 / (1 + np.exp(-(np.maximum(z @ w1 + b1, 0) @ w2 + b2)))
    np.testing.assert_allclose(y, x * gate.reshape(2, *(1,) * (len(shape) - 2), 8), atol=1e-6)
    assert layer.count_params() == 2 * 8 * 8 // 4 + 8 // 4 + 8


def test_squeeze_excite_keeps_a_unit():
    layer = layers.SqueezeExcite(ratio=16, use_bias=False)
    layer.build((None, 4, 4, 3))
    assert layer.count_params() == 2 * 3


GOOGLENET = {  # Szegedy et al. (2015), table 1: input channels, the block's numbers, parameters (weights alone)
    "3a": (192, (64, 96, 128, 16, 32, 32)),
    "3b": (256, (128, 128, 192, 32, 96, 64)),
    "4a": (480, (192, 96, 208, 16, 48, 64)),
    "4b": (512, (160, 112, 224, 24, 64, 64)),
    "4c": (512, (128, 128, 256, 24, 64, 64)),
    "4d": (512, (112, 144, 288, 32, 64, 64)),
    "4e": (528, (256, 160, 320, 32, 128, 128)),
    "5a": (832, (256, 160, 320, 32, 128, 128)),
    "5b": (832, (384, 192, 384, 48, 128, 128)),
}


def test_torchvision_googlenet_count():
    """With 3x3 in place of 5x5 and batch norm: stem, nine blocks and the dense layer have 6,624,904 parameters."""
    count = (49 * 3 + 64 + 9 * 64 * 3) * 64 + 2 * (64 + 64 + 192)
    for channels, numbers in GOOGLENET.values():
        block = layers.InceptionBlock(*numbers, large_kernel=3, normalization="batch", kernel_initializer="zeros")
        block.build((None, 7, 7, channels))
        count += sum(weight.shape.num_elements() for weight in block.trainable_weights)
    assert count + 1024 * 1000 + 1000 == 6_624_904


SQUEEZE = (16, 16, 32, 32, 48, 48, 64, 64)


@pytest.mark.parametrize(("stem", "channels", "expected"), [(7, 96, 1_248_424), (3, 64, 1_235_496)])
def test_squeezenet_counts(stem, channels, expected):
    """SqueezeNet 1.0 and 1.1: stem, eight fire modules, a 1x1 convolution to 1000 classes."""
    count = stem * stem * 3 * channels + channels
    for squeeze in SQUEEZE:
        fire = layers.FireModule(squeeze, 4 * squeeze, 4 * squeeze, kernel_initializer="zeros")
        fire.build((None, 7, 7, channels))
        count, channels = count + fire.count_params(), 8 * squeeze
    assert count + 512 * 1000 + 1000 == expected
