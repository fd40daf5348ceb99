"""What denoising networks share: their inputs, and the features of time and condition."""

import keras

from keras_dl.layers import TimeEmbedding
from keras_dl.networks import condition_inputs


def inputs(shape, num_classes, condition_shape):
    """Makes the inputs of a network that is told the time.

    Returns:
        `(inputs, x, time, condition)`: a dict of `"x"`, `"time"` and, for a conditional network, `"condition"`; the
        data tensor; the times, shape `(batch,)`; and the condition as vectors, or `None`.
    """
    named, x, condition = condition_inputs.inputs("x", shape, num_classes, condition_shape)
    named = named if isinstance(named, dict) else {"x": named}
    time = keras.Input((), dtype="float32", name="time")
    return {"x": x, "time": time, **named}, x, time, condition


def embedding(time, condition, width, features=None):
    """Returns features of time, by two dense layers, plus a linear map of the condition; shape `(batch, width)`."""
    embedded = TimeEmbedding(features or width + width % 2, name="time_embedding")(time)
    embedded = keras.layers.Dense(width, activation="silu", name="time_hidden")(embedded)
    embedded = keras.layers.Dense(width, name="time_features")(embedded)
    if condition is None:
        return embedded
    # Without a bias: a condition of zeros, one that was dropped, adds nothing.
    of_condition = keras.layers.Dense(width, use_bias=False, name="condition_features")(condition)
    return keras.layers.Add(name="features")([embedded, of_condition])
