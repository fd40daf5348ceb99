"""Checks of arrays before work starts."""

import numpy as np
import tensorflow as tf


def check_arrays(data, unit_interval=False):
    """Checks that a nest of arrays holds as many rows throughout, at least one, and no NaN or infinity.

    Args:
        data: Array or nest of arrays of shape `(n, ...)`; `None`s are passed over.
        unit_interval: Whether the first array should lie in [0, 1].

    Returns:
        The number of rows, a Python integer.

    Raises:
        TypeError: If an array does not hold numbers.
        ValueError: If it is empty, a scalar, not finite, out of range, or of another length than the first.
    """
    leaves = [np.asarray(leaf) for leaf in tf.nest.flatten(data) if leaf is not None]
    if not leaves:
        raise ValueError("data should hold at least one array. Received: none")
    for position, leaf in enumerate(leaves):
        name = "x" if position == 0 else f"array {position} of the data"
        check_array(leaf, name)
        if len(leaf) != len(leaves[0]):
            raise ValueError(f"{name} should have as many rows as x, {len(leaves[0])}. Received: {len(leaf)} rows")
    first = leaves[0]
    if unit_interval and (first.min() < 0 or first.max() > 1):
        raise ValueError(f"x should lie in [0, 1]. Received: values from {first.min()} to {first.max()}")
    return len(first)


def check_array(array, name="x"):
    """Checks that one array has rows, numbers, and no NaN or infinity. See `check_arrays`."""
    array = np.asarray(array)
    if array.dtype.kind not in "biuf" and array.dtype.name != "bfloat16":
        raise TypeError(f"{name} should hold numbers. Received: dtype {array.dtype}")
    if array.ndim == 0:
        raise ValueError(f"{name} should have a row a sample. Received: a scalar, {array}")
    if array.size == 0:
        raise ValueError(f"{name} should not be empty. Received: shape {array.shape}")
    if array.dtype.kind not in "biu" and not np.isfinite(array.sum(dtype=np.float64)) and not np.isfinite(array).all():
        bad = np.size(array) - np.isfinite(array).sum()
        raise ValueError(f"{name} should be finite. Received: {bad} values that are NaN or infinite")
