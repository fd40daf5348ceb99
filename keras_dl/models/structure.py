"""What goes into a network and what comes out, for every kind of Keras model."""

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.networks.condition_inputs import num_classes


def inputs_of(network):
    """The network's symbolic inputs as it takes them, a tensor or a nest; `None` where it does not say.

    Of `keras.Model([x], y)` it is the tensor, which such a model takes as well as a list of one. A subclassed model
    says by the shape with which it was built; it then takes one float32 tensor.
    """
    inputs = _structure(network, "input")
    if isinstance(inputs, list) and len(inputs) == 1:
        return inputs[0]
    if inputs is not None:
        return inputs
    shape = (network.get_build_config() or {}).get("input_shape")
    if not isinstance(shape, (tuple, list)) or not all(n is None or isinstance(n, int) for n in shape):
        return None
    return keras.KerasTensor((None, *shape[1:]))


def outputs_of(network):
    """The network's symbolic outputs as it returns them, a tensor or a nest; `None` where it does not say."""
    outputs = _structure(network, "output")
    inputs = inputs_of(network) if outputs is None else None
    return outputs if inputs is None else network.compute_output_spec(inputs)


def input_shape(network, name):
    """The shape of a network's data input without the batch axis; `None` where the network does not say."""
    inputs = inputs_of(network)
    if isinstance(inputs, dict):
        inputs = inputs[name]
    return None if inputs is None else tuple(inputs.shape[1:])


def output_shape(network):
    """The shape of a network's output without the batch axis; `None` where the network does not say."""
    outputs = outputs_of(network)
    if isinstance(outputs, (tuple, list, dict)):
        raise refusal(
            f"{network.name} should return one tensor; parameters of a distribution lie side by side on its last "
            "axis: keras.layers.Concatenate()([mean, log_scale])",
            f"{len(outputs)} outputs",
        )
    return None if outputs is None else tuple(outputs.shape[1:])


def takes_conditions(networks):
    """Whether any of the networks takes a condition beside its data."""
    inputs = map(inputs_of, networks)
    return any(isinstance(names, dict) and "condition" in names for names in inputs)


def condition_classes(networks):
    """The classes of the labels that the first conditional network takes, as `num_classes` gives them, or `None`."""
    for network in networks:
        inputs = inputs_of(network)
        if isinstance(inputs, dict) and "condition" in inputs:
            return num_classes(network)
    return None


def check_network(key, network):
    """Refuses what is not a built network; `key` is its name in the model."""
    if not isinstance(network, keras.layers.Layer):
        raise refusal(
            f"{key} should be a Keras layer or model", f"{network!r}, {type(network).__name__}", error=TypeError
        )
    if not network.built:
        raise refusal(f"{key} should be built: give its input shape, or call it", f"{network.name}")


def _structure(network, name):
    try:
        return getattr(network, name)
    except AttributeError:  # a Sequential model that was never called knows its tensors all the same
        tensors = tf.nest.flatten(getattr(network, name + "s", None) or [])
    if not tensors:
        return None
    return tensors[0] if len(tensors) == 1 else tensors


def mixes_rows(network):
    """Whether batch normalization lets the rows of a batch see one another in training."""
    return any(isinstance(layer, keras.layers.BatchNormalization) for layer in network._flatten_layers())


def changing_states(network):
    """Paths of the variables that a network itself changes when it is called in training, as random layers do."""
    states = network.non_trainable_variables
    inputs = tf.nest.map_structure(lambda t: tf.zeros((1, *t.shape[1:]), t.dtype), inputs_of(network))
    before = [keras.ops.convert_to_numpy(variable) for variable in states]
    weights = [keras.ops.convert_to_numpy(variable) for variable in network.trainable_variables]
    after = network.stateless_call(weights, before, inputs, training=True)[1]
    changed = [not np.array_equal(old, keras.ops.convert_to_numpy(new)) for old, new in zip(before, after, strict=True)]
    return [variable.path for variable, moved in zip(states, changed, strict=True) if moved]
