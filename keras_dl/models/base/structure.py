"""What goes into a network and what comes out, for every kind of Keras model."""

import tensorflow as tf


def inputs_of(network):
    """The network's symbolic inputs as it takes them, a tensor or a nest; `None` where it does not say."""
    return _structure(network, "input")


def outputs_of(network):
    """The network's symbolic outputs as it returns them, a tensor or a nest; `None` where it does not say."""
    return _structure(network, "output")


def _structure(network, name):
    try:
        return getattr(network, name)
    except AttributeError:  # a Sequential model that was never called knows its tensors all the same
        tensors = tf.nest.flatten(getattr(network, name + "s", None) or [])
    if not tensors:
        return None
    return tensors[0] if len(tensors) == 1 else tensors
