"""Checks of arguments that every part of the package shares."""

import operator


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
