"""What a model offers to be exported."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from keras_dl.models.base.structure import inputs_of


class Signature(NamedTuple):
    """A function to export, with named inputs and outputs.

    Attributes:
        function: Takes one tensor an input, in order, and returns a dict of tensors.
        inputs: Dict of `tf.TensorSpec`s by name; the first axis of a batch is unknown.
    """

    function: Callable
    inputs: dict[str, tf.TensorSpec]


def fresh_seed(seed):
    """`seed` where it is not negative, else a new one at every call and in every process."""
    # Operations seeded (0, 0) seed themselves from the operating system, whatever the global seed was at export.
    fresh = tf.raw_ops.RandomUniformInt(
        shape=tf.constant([], tf.int32), minval=tf.constant(0, tf.int64), maxval=tf.constant(2**62, tf.int64)
    )
    return tf.where(seed < 0, fresh, seed)


def predict_signature(model):
    """The signature `predict` of a model that holds one network: its inputs by name, the first axis unknown."""
    inputs = inputs_of(model.network)
    if inputs is None:
        raise ValueError(
            "The network should be functional, or built with one shape, so that its inputs are known to export. "
            f"Received: {type(model.network).__name__}"
        )
    named = inputs if isinstance(inputs, dict) else {t.name: t for t in tf.nest.flatten(inputs)}
    if len(named) == 1 and not isinstance(inputs, dict):
        named = {"x": next(iter(named.values()))}
    specs = {name: tf.TensorSpec([None, *t.shape[1:]], tf.as_dtype(t.dtype)) for name, t in named.items()}

    def predict(*tensors):
        fed = dict(zip(named, tensors, strict=True)) if isinstance(inputs, dict) else list(tensors)
        outputs = model(fed[0] if isinstance(fed, list) and len(fed) == 1 else fed, training=False)
        if isinstance(outputs, dict):
            return outputs
        flat = tf.nest.flatten(outputs)
        return {"predictions" if len(flat) == 1 else f"predictions_{i}": t for i, t in enumerate(flat)}

    return {"predict": Signature(predict, specs)}
