"""Dense blocks and transitions beside plain Keras, and DenseNet's parameter counts."""

import keras
import numpy as np
import pytest

from keras_dl import layers
from tests.layers.reference import assert_same_function, norm_relu_conv

concatenate = keras.ops.concatenate


def test_dense_block():
    def reference(x):
        features = [x]
        for i in (1, 2, 3):
            y = norm_relu_conv(concatenate(features, -1), f"bottleneck_{i}", 8, 1)
            features.append(norm_relu_conv(y, f"conv_{i}", 2, 3))
        return concatenate(features, -1)

    assert_same_function(layers.DenseBlock(3, 2), reference, (2, 6, 7, 3))


def test_dense_block_of_new_features_only():
    def reference(x):
        first = norm_relu_conv(x, "conv_1", 2, 3)
        return concatenate([first, norm_relu_conv(concatenate([x, first], -1), "conv_2", 2, 3)], -1)

    block = layers.DenseBlock(2, 2, bottleneck=None, include_input=False)
    assert_same_function(block, reference, (2, 6, 7, 3))


@pytest.mark.parametrize("pooling", ["average", "max"])
def test_transition_down(pooling):
    def reference(x):
        pool = {"average": keras.layers.AveragePooling2D, "max": keras.layers.MaxPooling2D}[pooling]
        return pool(2)(norm_relu_conv(x, "convolution", 2, 1))

    assert_same_function(layers.TransitionDown(pooling=pooling), reference, (2, 6, 7, 5))


def test_transition_up():
    """U-Net's up-convolution; Keras crops the skip about its centre as `Cropping2D` does."""

    def reference(x):
        return keras.layers.Conv2DTranspose(3, 2, 2, padding="same", name="convolution")(x)

    assert_same_function(layers.TransitionUp(3, kernel_size=2), reference, (2, 3, 4, 5))


@pytest.mark.parametrize(("skip_size", "size"), [((6, 8), (6, 8)), ((9, 8), (6, 8)), ((5, 7), (5, 7))])
def test_transition_up_crops_about_the_centre(skip_size, size):
    rng = np.random.default_rng(0)
    x, skip = (rng.standard_normal((2, *s, 2)).astype("float32") for s in ((3, 4), skip_size))
    up = layers.TransitionUp(3)
    y = up([x, skip]).numpy()
    start = [(a - b) // 2 for a, b in zip(skip_size, size, strict=True)]
    np.testing.assert_array_equal(y[..., :2], skip[:, start[0] : start[0] + size[0], start[1] : start[1] + size[1]])
    alone = up(x).numpy()
    start = [(a - b) // 2 for a, b in zip((6, 8), size, strict=True)]
    np.testing.assert_array_equal(y[..., 2:], alone[:, start[0] : start[0] + size[0], start[1] : start[1] + size[1]])


COUNTS = {121: (64, 32, (6, 12, 24, 16), 7_978_856)}


@pytest.mark.parametrize("depth", COUNTS)
def test_published_parameter_counts(depth):
    """Stem, dense blocks and transitions, last norm, dense layer of 1000 classes: torchvision's counts."""
    channels, growth_rate, blocks, expected = COUNTS[depth]
    count = 7 * 7 * 3 * channels + 2 * channels
    for i, num_layers in enumerate(blocks):
        block = layers.DenseBlock(num_layers, growth_rate, kernel_initializer="zeros")
        block.build((None, 8, 8, channels))
        count, channels = count + _trainable(block), channels + num_layers * growth_rate
        if i < 3:
            transition = layers.TransitionDown(kernel_initializer="zeros")
            transition.build((None, 8, 8, channels))
            count, channels = count + _trainable(transition), channels // 2
    assert count + 2 * channels + channels * 1000 + 1000 == expected


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.DenseBlock(0, 4),
        lambda: layers.DenseBlock(2, 4, bottleneck=1.5),
        lambda: layers.DenseBlock(2, 4, bottleneck=True),
        lambda: layers.DenseBlock(2, 4, bottleneck=0),
        lambda: layers.TransitionDown(compression=0.0),
        lambda: layers.TransitionDown(pooling="mean"),
        lambda: layers.TransitionUp(3).build([(1, 4, 4, 2)] * 3),
    ],
)
def test_bad_arguments_are_refused(make):
    with pytest.raises(ValueError, match="Received: "):
        make()


def _trainable(layer):
    return sum(weight.shape.num_elements() for weight in layer.trainable_weights)
