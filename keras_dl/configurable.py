"""Base of the small objects that are saved with a model: objectives, penalties, schedules, attributes, transforms."""

import inspect
from typing import Any, Self

import keras


class Configurable:
    """An object that is what its arguments are: it is saved, compared and shown by them.

    A subclass stores each argument of its `__init__` under the argument's name. From these follow its configuration,
    equality (of the same class with equal configurations), its hash, and a representation that reads like the call
    that makes it: the first argument, and the others that are not their defaults. Arguments may themselves be objects
    with a configuration, or lists and tuples of them.

    Example:

    >>> from keras_dl.objectives import ELBO, GradientPenalty, Linear
    >>> GradientPenalty(), ELBO(beta=Linear(1000, stop=4.0))
    (GradientPenalty(weight=10.0), ELBO(beta=Linear(steps=1000, stop=4.0)))
    >>> GradientPenalty() == GradientPenalty(10.0), GradientPenalty() == GradientPenalty(one_sided=True)
    (True, False)
    >>> ELBO.from_config(ELBO(beta=Linear(1000)).get_config()).beta
    Linear(steps=1000)
    """

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make an equal object, those with a configuration serialised."""
        return {parameter.name: _serialized(getattr(self, parameter.name)) for parameter in self._parameters()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Returns the object that `get_config` describes."""
        return cls(**{name: _deserialized(value) for name, value in config.items()})

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.get_config() == other.get_config()

    def __hash__(self) -> int:
        return hash((type(self), repr(self.get_config())))

    def __repr__(self) -> str:
        arguments = []
        for index, parameter in enumerate(self._parameters()):
            value = getattr(self, parameter.name)
            if index == 0 or value != parameter.default:
                arguments.append(f"{parameter.name}={value!r}")
        return f"{type(self).__name__}({', '.join(arguments)})"

    @classmethod
    def _parameters(cls) -> list[inspect.Parameter]:
        parameters = inspect.signature(cls).parameters.values()
        # A class without an `__init__` takes `*args, **kwargs`, in Python's words: none of its own.
        return [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]


def _serialized(value):
    if isinstance(value, tuple):
        return tuple(map(_serialized, value))
    if isinstance(value, list):
        return list(map(_serialized, value))
    return keras.saving.serialize_keras_object(value) if hasattr(value, "get_config") else value


def _deserialized(value):
    if isinstance(value, tuple):
        return tuple(map(_deserialized, value))
    if isinstance(value, list):
        return list(map(_deserialized, value))
    return keras.saving.deserialize_keras_object(value) if isinstance(value, dict) and value else value
