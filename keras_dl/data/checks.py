"""Checks of arrays before work starts."""

import numpy as np
import tensorflow as tf

from keras_dl.checks import pixels_hint, refusal
from keras_dl.data.disk.column import Column


def check_arrays(data, unit_interval=False, missing=False):
    """Checks that a nest of arrays holds as many rows throughout, at least one, and no NaN or infinity.

    Args:
        data: Array or nest of arrays of shape `(n, ...)`; `None`s are passed over. The rows of columns on disk are
            checked when they are read.
        unit_interval: Whether the first array should lie in [0, 1].
        missing: Whether NaN and infinities are left to another check.

    Returns:
        The number of rows, a Python integer.

    Raises:
        TypeError: If an array does not hold numbers.
        ValueError: If it is empty, a scalar, not finite, out of range, or of another length than the first.
    """
    named = [(name, leaf) for name, leaf in _named(data) if leaf is not None]
    if not named:
        raise refusal("data should hold at least one array", "none")
    rows = None
    for name, leaf in named:
        if not isinstance(leaf, Column):
            check_array(leaf, name, missing)
        rows = len(leaf) if rows is None else rows
        if len(leaf) != rows:
            raise refusal(f"{name} should have as many rows as {named[0][0]}, {rows}", f"{len(leaf)} rows")
    first = named[0][1]
    if unit_interval and not isinstance(first, Column):
        check_unit_interval(np.asarray(first))
    return rows


def check_unit_interval(x):
    """Refuses an array with values outside [0, 1]."""
    if x.min() < 0 or x.max() > 1:
        hint = pixels_hint(x.max()) if x.min() >= 0 else ""
        raise refusal(f"x should lie in [0, 1]{hint}", f"values from {x.min()} to {x.max()}")


def _named(data):
    """The leaves of a nest with their names: a dict's keys, else `x` for the first."""
    leaves = tf.nest.flatten(data)
    if isinstance(data, dict) and len(leaves) == len(data):
        return list(zip(sorted(data), leaves, strict=True))
    names = ["x", *(f"array {i} of the data" for i in range(1, len(leaves)))]
    return list(zip(names, leaves, strict=False))


def check_array(array, name="x", missing=False):
    """Checks that one array has rows, numbers, and, unless values may be missing, no NaN or infinity."""
    array = as_array(array, name)
    if array.ndim == 0:
        raise refusal(f"{name} should have a row a sample", f"a scalar, {array}")
    if array.size == 0:
        raise refusal(f"{name} should not be empty", f"shape {array.shape}")
    if not missing:
        check_finite(array, name)


def as_array(value, name):
    """Returns numbers as an array, or refuses what holds anything else.

    Raises:
        TypeError: If it does not hold numbers.
        ValueError: If its rows differ in length.
    """
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise refusal(f"{name} should be an array of numbers", error) from error
    if array.dtype.kind not in "biuf" and array.dtype.name != "bfloat16":
        raise refusal(f"{name} should hold numbers", f"dtype {array.dtype}", error=TypeError)
    return array


def check_finite(array, name):
    """Refuses an array with NaN or infinities."""
    if not is_finite(array):
        bad = np.size(array) - np.isfinite(array).sum()
        raise refusal(f"{name} should be finite", f"{bad} values that are NaN or infinite")


def is_finite(array):
    """Whether an array holds neither NaN nor infinities."""
    if array.dtype.kind in "biu":
        return True
    # A sum says so at no cost of memory, but a sum of large numbers may be infinite.
    with np.errstate(over="ignore", invalid="ignore"):
        if array.ndim > 1 and array.size and array.dtype in (np.float32, np.float64) and array.flags.c_contiguous:
            total = np.ones(len(array), array.dtype) @ array.reshape(len(array), -1)  # by all processors
        else:
            total = array.sum(dtype=None if array.dtype.itemsize >= 4 else np.float64)
    return bool(np.isfinite(total).all()) or bool(np.isfinite(array).all())
