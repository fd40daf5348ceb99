"""Checks of arguments that every part of the package shares."""

import operator

LARGEST_SEED = 2**63 - 1


def check_count(value, name, least=1):
    """Returns `value` as an `int` of at least `least`, or raises a `ValueError` that calls it `name`."""
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least or isinstance(value, bool):
        expected = "a positive integer" if least == 1 else f"an integer of at least {least}"
        raise ValueError(f"`{name}` must be {expected}. Received: {name}={value!r}")
    return number


def check_seed(seed, name="seed"):
    """Returns `seed` as an `int` that TensorFlow's stateless operations take, or raises a `ValueError`."""
    try:
        number = operator.index(seed)
    except TypeError:
        number = -1
    if not 0 <= number <= LARGEST_SEED or isinstance(seed, bool):
        raise ValueError(f"`{name}` must be an integer from 0 to 2**63 - 1. Received: {name}={seed!r}")
    return number
