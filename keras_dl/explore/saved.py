"""A SavedModel as something to be exported again, in another format."""

import functools
from collections.abc import Sequence

import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.models.base import Signature
from keras_dl.types import PathLike


class SavedModel:
    """The functions of a SavedModel, which `keras_dl.runtime.export` wrote, as a model's signatures.

    Args:
        path: The folder with `saved_model.pb`.

    Raises:
        OSError: If there is none, or it is damaged.
    """

    def __init__(self, path: PathLike):
        self.name = str(path)
        try:
            self.loaded = tf.saved_model.load(self.name)
        except (OSError, tf.errors.OpError, ValueError, IndexError) as error:
            raise refusal(f"{path} should be a whole SavedModel", error, error=OSError) from error

    def signatures(self, only: Sequence[str]) -> dict[str, Signature]:
        """Returns those of the model's `Signature`s that are named, by name."""
        functions = self.loaded.signatures
        return {name: _signature(functions[name]) for name in only if name in functions}

    def shapes(self) -> dict[str, tuple[dict, dict]]:
        """Returns dicts of shapes by name without their batch axes, of inputs and of outputs, by signature."""
        described = {}
        for name, function in self.loaded.signatures.items():
            parts = function.structured_input_signature[1], function.structured_outputs
            inputs, outputs = ({key: tuple(spec.shape[1:]) for key, spec in part.items()} for part in parts)
            described[name] = inputs, outputs
        return described

    def condition_classes(self) -> None:
        """How many classes there are, which a SavedModel does not say."""

    def _flatten_layers(self):
        """Its layers, by which messages say where an operation lies: functions have none."""
        return ()


def _signature(function):
    inputs = function.structured_input_signature[1]
    called = functools.partial(_called, function, list(inputs))
    return Signature(called, {name: tf.TensorSpec(spec.shape, spec.dtype) for name, spec in inputs.items()})


def _called(function, names, *tensors):
    return function(**dict(zip(names, tensors, strict=True)))
