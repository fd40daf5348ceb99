"""Networks whose dropout is the noise of a result: run with masks that a `Draw` gives, row by row."""

import functools
import inspect

import keras
import tensorflow as tf


def layers_that_drop(network):
    """The dropout layers of a network, those of functional models in it too."""
    dropping = []
    for layer in getattr(network, "layers", []):
        if type(layer) is keras.layers.Dropout and layer.rate > 0:
            dropping.append(layer)
        dropping += layers_that_drop(layer)
    return dropping


def with_dropout(network, x, draw):
    """What a functional network makes of inputs while its dropout is on, and nothing else is as in training.

    A row's masks depend on the noise and on its number alone, not on the rows beside it.

    Args:
        network: Functional model.
        x: Its inputs, all sizes but the first known.
        draw: `Draw` of the masks.

    Example:

    >>> from keras_dl.models.base import Draw
    >>> inputs = keras.Input((1000,))
    >>> network = keras.Model(inputs, keras.layers.Dropout(0.25)(inputs))
    >>> draw = Draw.for_sampling(tf.constant(0, tf.int64), tf.constant(0, tf.int64), tf.constant(2))
    >>> y = with_dropout(network, tf.ones((2, 1000)), draw)
    >>> [round(float(value), 3) for value in np.unique(y)], 0.7 < float(tf.reduce_mean(tf.sign(y))) < 0.8
    ([0.0, 1.333], True)
    """
    return network._run_through_graph(x, functools.partial(_operation, draw=draw))


def _operation(operation, draw):
    """How one operation of the network runs; what its node says of training does not count."""
    if type(operation) is keras.layers.Dropout and operation.rate > 0:
        return lambda x, **_: _dropped(x, operation.rate, draw)
    if isinstance(operation, keras.Function):  # a functional model among the layers
        return lambda x, **_: with_dropout(operation, x, draw)
    if isinstance(operation, keras.layers.Layer) and "training" in inspect.signature(operation.call).parameters:
        return lambda *x, **options: operation(*x, **{**options, "training": False})
    return operation


def _dropped(x, rate, draw):
    """Values of which a share is zero and the others are larger for it, as `keras.layers.Dropout` trains."""
    remain = draw.uniform(x.shape[1:]) >= rate
    return tf.where(remain, x / (1.0 - rate), tf.zeros_like(x))
