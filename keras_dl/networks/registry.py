"""Networks by name."""

import difflib
import functools
import inspect
from collections.abc import Sequence
from functools import partial
from typing import Any

import keras

from keras_dl.checks import bind, check_count, check_number, check_shape, check_sizes, checked, refusal
from keras_dl.layers.options import check_activation

_FACTORIES = {}


#: What arguments of the factories may be, by their names; a factory checks what only it has.
OPTIONS = {
    **dict.fromkeys(("latent_size", "parameters_per_latent", "parameters_per_value"), check_count),
    "hidden": check_sizes,
    **dict.fromkeys(("activation", "output_activation", "classifier_activation"), check_activation),
    **dict.fromkeys(("omega_0", "hidden_omega_0"), partial(check_number, above=0)),
    "dropout": partial(check_number, least=0, below=1),
}


#: Of the shape of an image, `(height, width, channels)`.
check_image_shape = partial(check_shape, rank=3)


def register(**own):
    """Makes a decorator of factories: their arguments are checked, and each is known under its own name.

    Args:
        **own: Checks of arguments that mean something else in this factory than in the others, or that only it has.
    """

    def decorate(factory):
        return _known(checked({**OPTIONS, **own}, of_layers=True)(factory))

    return decorate


def _known(factory):
    _FACTORIES[factory.__name__] = factory
    return factory


def variant(family, name, **fixed):
    """Makes and registers a network that is a factory with some options fixed, under a name of its own.

    Args:
        family: The factory; its `name` argument gets `name` as its default.
        name: Name of the network.
        **fixed: The options and their values, which the new factory's signature has no more.

    Returns:
        The new factory.
    """
    signature = inspect.signature(family)
    parameters = {**signature.parameters, "name": signature.parameters["name"].replace(default=name)}
    rest = [parameter for parameter in parameters.values() if parameter.name not in fixed]
    signature = signature.replace(parameters=rest)

    @functools.wraps(family)
    def factory(*args, **kwargs):
        return family(**{"name": name, **fixed, **bind(signature, name, args, kwargs).arguments})

    del factory.__wrapped__  # its signature and examples are the family's
    factory.__name__ = factory.__qualname__ = name
    factory.__dict__["__signature__"] = signature
    options = ", ".join(f"{option}={value!r}" for option, value in fixed.items())
    factory.__doc__ = f"Builds {name}: `{family.__name__}` with {options}, where the arguments are described."
    return _known(factory)


def create(name: str, *args: Any, **kwargs) -> keras.Model:
    """Builds a network by the name of its factory.

    Args:
        name: One of `keras_dl.networks.list()`.
        *args: The factory's arguments, in order.
        **kwargs: Others, by name.

    Returns:
        A functional `keras.Model`.

    Raises:
        ValueError: If there is no network of that name.

    Example:

    >>> create("mlp_encoder", input_shape=(8, 8, 1), latent_size=4).output_shape
    (None, 8)
    """
    if not isinstance(name, str):
        raise refusal("`name` should be the name of a network, one of keras_dl.networks.list()", name=name)
    if name not in _FACTORIES:
        text = name.lower()
        begun = [one for one in list() if text and one.startswith(text)]
        nearest = begun[:3] or difflib.get_close_matches(text, _FACTORIES, n=3) or list()
        raise refusal(f"Unknown network; did you mean {' or '.join(nearest)}?", f"{name!r}")
    return _FACTORIES[name](*args, **kwargs)


def list() -> Sequence[str]:
    """Returns the names of all networks that `create` builds, sorted.

    Example:

    >>> "mlp_encoder" in list()
    True
    """
    return sorted(_FACTORIES)
