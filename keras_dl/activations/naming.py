"""Names of activations: objects with fixed options, and what Keras finds by a name."""

import difflib
import inspect
from collections.abc import Callable
from typing import Any, Self

import keras
from keras.activations import elu, linear, log_sigmoid, log_softmax, relu, relu6, sigmoid, softmax, tanh

from keras_dl.activations.functions import celu, gelu, leaky_relu, selu, sine, softmin, softplus, sparsemax
from keras_dl.checks import refusal
from keras_dl.types import Tensor

_FUNCTIONS = {
    function.__name__: function
    for function in (
        linear, sigmoid, tanh, relu, leaky_relu, softplus, elu, celu, selu, gelu, relu6, log_sigmoid, softmin, softmax,
        log_softmax, sine, sparsemax,
    )
}  # fmt: skip


@keras.saving.register_keras_serializable(package="keras_dl")
class Activation:
    """An activation of this module with its options fixed, as an object that Keras layers take and save.

    Args:
        name: Name of the function, such as `"sine"`.
        **options: Its options, such as `omega=30.0`.

    Raises:
        ValueError: If there is no such function, or it has no such option.

    Example:

    >>> act = Activation("leaky_relu", negative_slope=0.3)
    >>> layer = keras.layers.Dense(4, activation=act)
    >>> print(round(float(act(-1.0)), 4))
    -0.3
    """

    def __init__(self, name: str, **options):
        if name not in _FUNCTIONS:
            raise _unknown(name)
        known = list(inspect.signature(_FUNCTIONS[name]).parameters)[1:]
        if unknown := sorted(set(options) - set(known)):
            raise refusal(f"options of {name!r} should be among {known}", unknown)
        self.name = name
        self.options = options

    def __call__(self, x: Tensor) -> Tensor:
        return _FUNCTIONS[self.name](x, **self.options)

    def __repr__(self):
        return f"Activation({', '.join([repr(self.name), *(f'{k}={v!r}' for k, v in self.options.items())])})"

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, **self.options}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(**config)


def get(identifier: str | dict | Callable | None, **options) -> Callable:
    """Return the activation of a name, with our defaults, or the given callable itself.

    Args:
        identifier: A name of this module (`"leaky_relu"` or `"keras_dl>leaky_relu"`), any other name that Keras knows,
            a serialised activation, a callable, or `None` for the identity. `"prelu"` gives a new
            `keras_dl.layers.PReLU`, a layer, since it has weights.
        **options: Options to fix, for a name: `get("sine", omega=30.0)`.

    Returns:
        A callable from tensor to tensor.

    Raises:
        ValueError: If nothing has that name, or options come with something that is not a name.

    Example:

    >>> get("leaky_relu") is leaky_relu
    True
    >>> get("softplus", beta=2.0)
    Activation('softplus', beta=2.0)
    """
    name: Any = identifier.removeprefix("keras_dl>") if isinstance(identifier, str) else None
    if name == "prelu":
        return keras.saving.get_registered_object("keras_dl>PReLU")(**options)
    if options:
        if name is None:
            raise refusal("the activation should be a name if options are given", f"{identifier!r} with {options}")
        return Activation(name, **options)
    if name in _FUNCTIONS:
        return _FUNCTIONS[name]
    try:
        return keras.activations.get(identifier)
    except (ValueError, TypeError) as error:
        raise _unknown(identifier) from error


def _unknown(name):
    near = difflib.get_close_matches(str(name), _FUNCTIONS, n=3)
    hint = f" (did you mean {' or '.join(near)}?)" if near else ""
    return refusal(f"the activation should be a name{hint}: one of {sorted(_FUNCTIONS)}", repr(name))


def _add_names_to_keras():
    """Let Keras layers find our functions by name; Keras looks names up in this one table, which has no public door."""
    from keras.src.activations import ALL_OBJECTS_DICT

    for name, function in _FUNCTIONS.items():
        ALL_OBJECTS_DICT[f"keras_dl>{name}"] = function
        ALL_OBJECTS_DICT.setdefault(name, function)


_add_names_to_keras()
