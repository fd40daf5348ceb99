"""Checks of arguments that every part of the package shares."""

import math
import operator
import os

import numpy as np

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


def check_path(path, name):
    """Returns `path` as a string, or raises a `TypeError` that calls it `name`."""
    if not isinstance(path, (str, os.PathLike)) or not os.fspath(path):
        raise TypeError(f"`{name}` must be a path. Received: {name}={path!r}")
    return os.fspath(path)


def check_real(value, name, least=-math.inf, below=math.inf):
    """Returns a finite number from `least` up to, but not including, `below`, or raises a `ValueError`."""
    real = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not (real and math.isfinite(value) and least <= value < below):
        limits = f" of at least {least:g}" if math.isfinite(least) else ""
        limits += f"{' and' if limits else ''} below {below:g}" if math.isfinite(below) else ""
        raise ValueError(f"{name} should be a finite number{limits}. Received: {name}={value!r}")
    return value
