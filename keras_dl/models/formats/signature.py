"""What a model offers to be exported."""

import re
import warnings
from collections.abc import Callable
from typing import NamedTuple

import keras
import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.models.structure import inputs_of
from keras_dl.types import Tensor


class Signature(NamedTuple):
    """A function to export, with named inputs and outputs.

    Attributes:
        function: Takes one tensor an input, in order, and returns a dict of tensors.
        inputs: Dict of `tf.TensorSpec`s by name; the first axis of a batch is unknown.
    """

    function: Callable
    inputs: dict[str, tf.TensorSpec]

    @property
    def portable(self) -> bool:
        """Whether other formats than SavedModel can hold it."""
        return True


class SavedModelSignature(Signature):
    """A function of operations that ONNX and LiteRT lack, such as gradients: SavedModels alone hold it."""

    @property
    def portable(self) -> bool:
        return False


def fresh_seed(seed: Tensor) -> Tensor:
    """`seed` where it is not negative, else a new one at every call and in every process."""
    # From the operating system, whatever the global seed was at export. Random operations without a seed would do so,
    # too, but not in processes that have called `enable_op_determinism`.
    bits = tf.raw_ops.NonDeterministicInts(shape=tf.constant([1], tf.int64), dtype=tf.int64)[0]
    return tf.where(seed < 0, tf.bitwise.bitwise_and(bits, tf.constant(2**62 - 1, tf.int64)), seed)


def predict_signature(model: keras.Model) -> dict[str, Signature]:
    """The signature `predict` of a model that holds one network: its inputs by name, the first axis unknown."""
    inputs = inputs_of(model.network)
    if inputs is None:
        raise refusal(
            "The network should be functional, or built with one shape, so that its inputs are known to export",
            f"{type(model.network).__name__}",
        )
    flat = tf.nest.flatten(inputs)
    names = list(inputs) if isinstance(inputs, dict) else [tensor.name for tensor in flat]
    tensors = list(inputs.values()) if isinstance(inputs, dict) else flat
    if len(names) == 1 and not isinstance(inputs, dict):
        names = ["x"]
    specs = [tf.TensorSpec([None, *t.shape[1:]], tf.as_dtype(t.dtype)) for t in tensors]

    def predict(*values):
        fed = dict(zip(inputs, values, strict=True)) if isinstance(inputs, dict) else list(values)
        outputs = model(fed[0] if isinstance(fed, list) and len(fed) == 1 else fed, training=False)
        return _named_outputs(outputs)

    return {"predict": Signature(predict, dict(zip(served_names(names), specs, strict=True)))}


def served_names(names):
    """What inputs are called in files of exported models: identifiers, as near to the names as they can be.

    Characters other than ASCII's letters and digits become `_`; a name that does not begin with a letter follows
    `input_`. A warning says which names are others.

    Example:

    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     served_names(["x", "a b", "a-b", "1st", "self"])
    ['x', 'a_b', 'a_b_', 'input_1st', 'input_self']
    """
    served = []
    for name in names:
        word = re.sub("[^a-zA-Z0-9_]", "_", name)
        word = word if re.match("[a-zA-Z]", word) and word != "self" else f"input_{word}"
        while word in served:
            word += "_"
        served.append(word)
    others = [f"{name!r} is {word!r}" for name, word in zip(names, served, strict=True) if name != word]
    if others:
        warnings.warn(f"Exported models have identifiers as names of inputs: {', '.join(others)} there.", stacklevel=2)
    return served


def _named_outputs(outputs):
    """Outputs as a flat dict: a dict's names, with a number where one stands for several tensors."""
    named = outputs if isinstance(outputs, dict) else {"predictions": outputs}
    flat_outputs = {}
    for name, value in named.items():
        flat = tf.nest.flatten(value)
        for index, tensor in enumerate(flat):
            key = name if len(flat) == 1 else f"{name}_{index}"
            while key in flat_outputs or (key in named and key != name):  # another output's name
                key += "_"
            flat_outputs[key] = tensor
    return flat_outputs
