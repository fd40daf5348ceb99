"""Networks by name."""

import difflib

_FACTORIES = {}


def register(factory):
    """Makes a factory known under its own name; a decorator."""
    _FACTORIES[factory.__name__] = factory
    return factory


def create(name, **kwargs):
    """Builds a network by the name of its factory.

    Args:
        name: One of `keras_dl.networks.list()`.
        **kwargs: The factory's arguments.

    Returns:
        A functional `keras.Model`.

    Raises:
        ValueError: If there is no network of that name.

    Example:

    >>> create("mlp_encoder", input_shape=(8, 8, 1), latent_size=4).output_shape
    (None, 8)
    """
    if name not in _FACTORIES:
        nearest = difflib.get_close_matches(str(name).lower(), _FACTORIES, n=3) or list()
        raise ValueError(f"Unknown network; did you mean {' or '.join(nearest)}? Received: {name!r}")
    return _FACTORIES[name](**kwargs)


def list():
    """Returns the names of all networks that `create` builds, sorted.

    Example:

    >>> "mlp_encoder" in list()
    True
    """
    return sorted(_FACTORIES)
