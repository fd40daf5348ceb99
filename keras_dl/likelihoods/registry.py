"""Likelihoods by name."""

import difflib
from typing import Any

import keras

from keras_dl.checks import refusal
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


def get(identifier: Any, name: str = "likelihood") -> Likelihood:
    """Returns a likelihood from a name, a configuration or a likelihood.

    Args:
        identifier: `"bernoulli"`, `"gaussian"` (predicted scale) or `"discretized_logistic"` (256 levels), a
            `Likelihood`, or what `keras.saving.serialize_keras_object` makes of one.
        name: What messages call it.

    Returns:
        A `Likelihood`; the object itself if one was given.

    Raises:
        ValueError: If there is no likelihood of that name, or it cannot be had without arguments.
        TypeError: If `identifier` is none of these.

    Example:

    >>> get("gaussian").parameters_per_value
    2
    """
    if isinstance(identifier, str):
        return _by_name(identifier, name)
    is_config = isinstance(identifier, dict) and "class_name" in identifier
    likelihood = keras.saving.deserialize_keras_object(identifier) if is_config else identifier
    if not isinstance(likelihood, Likelihood):
        raise refusal(
            f"{name} should be a name, a `Likelihood` or its configuration", f"{identifier!r}", error=TypeError
        )
    return likelihood


def _by_name(identifier, name):
    if identifier not in _LIKELIHOODS:
        nearest = difflib.get_close_matches(identifier.lower(), _LIKELIHOODS, n=3) or sorted(_LIKELIHOODS)
        raise refusal(f"Unknown {name}; did you mean {' or '.join(nearest)}?", f"{identifier!r}")
    if identifier == "categorical":
        raise refusal(
            f"A categorical {name} needs its number of classes: pass `Categorical(num_classes)`", f"{identifier!r}"
        )
    return _LIKELIHOODS[identifier]()
