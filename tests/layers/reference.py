"""Blocks beside the same blocks written as plain Keras functional models, with all weights copied."""

import keras
import numpy as np

from keras_dl.testing import random_inputs, randomize


def assert_same_function(layer, build_reference, input_shape, atol=1e-5):
    """Checks that a layer and a functional model compute the same in inference and in training, weight for weight.

    Args:
        layer: The layer, not built.
        build_reference: Function from a `keras.Input` to the outputs, made of Keras layers whose names are the paths of
            the layer's parts, joined by dots: `"conv_1.convolution"`.
        input_shape: Tuple of ints with the batch.
        atol: Float, tolerance of the outputs.
    """
    x = random_inputs(input_shape)
    layer.build(input_shape)
    randomize(layer)
    inputs = keras.Input(input_shape[1:])
    reference = keras.Model(inputs, build_reference(inputs))
    ours = {weight.path.split("/", 1)[1]: weight for weight in layer.weights}
    theirs = {weight.path.replace(".", "/"): weight for weight in reference.weights}
    assert set(ours) == set(theirs)
    for path, weight in theirs.items():
        weight.assign(ours[path])
    assert layer.count_params() == reference.count_params()
    for training in (False, True):
        np.testing.assert_allclose(layer(x, training=training), reference(x, training=training), atol=atol)


def conv(x, name, filters, kernel_size, strides=1, **options):
    """A convolution without bias unless it is asked for, padded as Keras pads."""
    options = {"padding": "same", "use_bias": False, **options}
    return keras.layers.Conv2D(filters, kernel_size, strides, name=f"{name}.convolution", **options)(x)


def norm(x, name):
    return keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}.normalization")(x)


def conv_norm_relu(x, name, filters, kernel_size, strides=1, **options):
    return keras.ops.relu(norm(conv(x, name, filters, kernel_size, strides, **options), name))


def norm_relu_conv(x, name, filters, kernel_size, **options):
    return conv(keras.ops.relu(norm(x, name)), name, filters, kernel_size, **options)
