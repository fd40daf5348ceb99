"""Networks that may take a condition: which do, and how data, conditions and shapes are checked."""

import keras
import numpy as np
import tensorflow as tf

from keras_dl.data.checks import as_array, check_finite
from keras_dl.models.base.conditions import check_classes, unpack
from keras_dl.models.base.step import pad_empty
from keras_dl.models.base.structure import check_network, inputs_of, outputs_of
from keras_dl.networks.conditions import num_classes

__all__ = ["unpack"]


def is_symbolic(x):
    """Whether `x` is a tensor without a value yet, in a graph under construction."""
    return tf.is_tensor(x) and not hasattr(x, "numpy")


def takes_condition(network):
    """Whether a network's input is a dict with a condition in it."""
    inputs = getattr(network, "input", None) if isinstance(network, keras.Model) else None
    return isinstance(inputs, dict) and "condition" in inputs


def apply(network, name, value, condition=None, training=False):
    """Calls a network on `value`, with the condition beside it under its names where it takes one."""
    inputs = {name: value, "condition": condition} if takes_condition(network) else value
    return network(inputs, training=training)


def input_shape(network, name):
    """The shape of a network's data input without the batch axis; `None` where the network does not say."""
    inputs = inputs_of(network)
    if isinstance(inputs, dict):
        inputs = inputs[name]
    return None if inputs is None else tuple(inputs.shape[1:])


def output_shape(network):
    """The shape of a network's output without the batch axis; `None` where the network does not say."""
    outputs = outputs_of(network)
    return None if outputs is None else tuple(outputs.shape[1:])


def check_condition(networks, condition, rows):
    """Refuses a condition that the networks cannot take.

    Raises:
        ValueError: If one is missing or not wanted, has another number of rows or another shape, or labels are out
            of range.
    """
    conditional = [network for network in networks if takes_condition(network)]
    if not conditional:
        if condition is not None:
            raise ValueError("condition should be None: the networks take none. Received: a condition")
        return
    if condition is None:
        raise ValueError("condition should be given: the networks are conditional. Received: None")
    condition = as_array(condition, "condition")
    if condition.ndim == 0 or len(condition) != rows:
        raise ValueError(f"condition should have {rows} rows, one a sample. Received: shape {condition.shape}")
    for network in conditional:
        _check_against(network, condition)


def _check_against(network, condition):
    expected = tuple(network.input["condition"].shape[1:])
    if condition.shape[1:] != expected:
        shape = ", ".join(map(str, ("rows", *expected)))
        raise ValueError(f"condition should have shape ({shape}{'' if expected else ','}). Received: {condition.shape}")
    check_finite(condition, "condition")
    check_classes(condition, num_classes(network))


def as_condition(networks, condition):
    """The condition as a tensor of the dtype that the networks expect; `None` stays `None`."""
    for network in networks:
        if condition is not None and takes_condition(network):
            return tf.cast(condition, network.input["condition"].dtype)
    return None


def condition_spec(networks):
    """The condition's `tf.TensorSpec` as a dict to be merged into a signature's inputs; empty where there is none."""
    for network in networks:
        if takes_condition(network):
            tensor = network.input["condition"]
            return {"condition": tf.TensorSpec([None, *tensor.shape[1:]], tf.as_dtype(tensor.dtype))}
    return {}


def condition_for_rows(condition, rows):
    """In a graph: a condition of one row repeated for all rows; any other must have as many."""
    given = tf.shape(condition)[0]
    check = tf.debugging.Assert((given == 1) | (given == rows), ["condition should have 1 row, or num_samples", given])
    with tf.control_dependencies([check]):
        return tf.repeat(condition, tf.where(given == 1, rows, 1), axis=0)


def repeat_condition(networks, condition, rows):
    """A condition for `rows` samples: a single one is repeated, whether it has an axis of rows or not."""
    if condition is None:
        return None
    condition = as_array(condition, "condition")
    ranks = [len(network.input["condition"].shape) - 1 for network in networks if takes_condition(network)]
    condition = condition[None] if condition.ndim == (ranks or [0])[0] else condition
    return np.repeat(condition, rows, 0) if condition.shape[:1] == (1,) else condition


def check_x(x, expected, name="x"):
    """Refuses data whose samples have not the `expected` shape (`None`s in it, or for it, fit anything)."""
    shape = np.shape(x)
    fits = expected is None or (
        len(shape) == len(expected) + 1 and all(e in (None, s) for s, e in zip(shape[1:], expected, strict=True))
    )
    if not fits:
        raise ValueError(f"{name} should have shape (rows, {', '.join(map(str, expected))}). Received: {shape}")


def as_rows(x, expected, name="x"):
    """Returns data as a float32 tensor, or refuses them: of other shapes than `check_x` takes, not numbers, or NaN."""
    if not is_symbolic(x):
        x = as_array(x, name)
        check_finite(x, name)
    check_x(x, expected, name)
    return tf.cast(x, tf.float32)


def by_rows(function, x, condition=None):
    """`function(x, condition)`; of no rows, which convolutions refuse, what it makes of one row of zeros, cut off."""
    if len(x):
        return function(x, condition)
    return function(*[None if tensor is None else pad_empty(tensor) for tensor in (x, condition)])[:0]


def as_latents(latents, size):
    """Returns latents as a float32 tensor of shape `(rows, size)`, or refuses them."""
    return as_rows(latents, (size,), "latents")


def latent_size(encoder, decoder, posterior):
    """The number of latents that encoder and decoder agree on.

    Raises:
        ValueError: If they do not.
    """
    check_network("encoder", encoder)
    check_network("decoder", decoder)
    parameters, latents = output_shape(encoder), input_shape(decoder, "latents")
    per_latent = posterior.parameters_per_value
    if parameters is None or len(parameters) != 1 or parameters[0] % per_latent:
        raise ValueError(
            f"encoder should return {per_latent} parameters a latent, shape (batch, {per_latent} * latent_size). "
            f"Received: output shape {parameters}"
        )
    size = parameters[0] // per_latent
    if latents is not None and latents != (size,):
        raise ValueError(
            f"decoder should take {size} latents, as many as the encoder gives parameters of. Received: shape {latents}"
        )
    return size


def check_prior(prior, size):
    """Refuses a prior over another number of latents, or a distribution that is no prior of `keras_dl.likelihoods`."""
    if not isinstance(prior, keras.layers.Layer):
        raise TypeError(f"prior should be a Keras layer, like likelihoods.StandardNormal. Received: {prior!r}")
    shape = tuple(prior().event_shape)
    if shape != (size,):
        raise ValueError(f"prior should be over {size} latents, event shape ({size},). Received: event shape {shape}")


def check_output(encoder, decoder, likelihood):
    """Refuses a decoder whose output does not hold the likelihood's parameters of the encoder's data."""
    data, parameters = input_shape(encoder, "x"), output_shape(decoder)
    if data is None or parameters is None:
        return
    expected = (*data[:-1], data[-1] and data[-1] * likelihood.parameters_per_value)
    if len(expected) != len(parameters) or any(e not in (None, p) for e, p in zip(expected, parameters, strict=True)):
        raise ValueError(
            f"decoder should return {likelihood.parameters_per_value} parameters a value for data of shape {data}: "
            f"shape {expected}. Received: {parameters}"
        )
