"""Likelihoods by name."""

import difflib

import keras

from keras_dl.likelihoods.base import Likelihood
from keras_dl.likelihoods.bernoulli import Bernoulli
from keras_dl.likelihoods.categorical import Categorical
from keras_dl.likelihoods.discretized_logistic import DiscretizedLogistic
from keras_dl.likelihoods.gaussian import Gaussian

_LIKELIHOODS = {
    "bernoulli": Bernoulli,
    "categorical": Categorical,
    "discretized_logistic": DiscretizedLogistic,
    "gaussian": Gaussian,
}


def get(identifier):
    """Returns a likelihood from a name, a configuration or a likelihood.

    Args:
        identifier: `"bernoulli"`, `"gaussian"` (predicted scale) or `"discretized_logistic"` (256 levels), a
            `Likelihood`, or what `keras.saving.serialize_keras_object` makes of one.

    Returns:
        A `Likelihood`; the object itself where one was given.

    Raises:
        ValueError: If there is no likelihood of that name, or it cannot be had without arguments.
        TypeError: If `identifier` is none of these.

    Example:

    >>> get("gaussian").parameters_per_value
    2
    """
    if isinstance(identifier, str):
        return _by_name(identifier)
    likelihood = keras.saving.deserialize_keras_object(identifier) if isinstance(identifier, dict) else identifier
    if not isinstance(likelihood, Likelihood):
        raise TypeError(f"Expected a name, a `Likelihood` or its configuration. Received: {identifier!r}")
    return likelihood


def _by_name(name):
    if name not in _LIKELIHOODS:
        nearest = difflib.get_close_matches(name.lower(), _LIKELIHOODS, n=3) or sorted(_LIKELIHOODS)
        raise ValueError(f"Unknown likelihood; did you mean {' or '.join(nearest)}? Received: {name!r}")
    if name == "categorical":
        raise ValueError(
            f"A categorical likelihood needs its number of classes: pass `Categorical(num_classes)`. Received: {name!r}"
        )
    return _LIKELIHOODS[name]()
