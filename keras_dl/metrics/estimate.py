"""Estimates, which metrics return: a value and how far it may be off; and the checks of what metrics compare."""

import math
from typing import NamedTuple

import numpy as np

from keras_dl.checks import refusal


class Estimate(NamedTuple):
    """A value and its standard error, which is 0 if the value is exact and NaN if it is not known.

    Attributes:
        value: Float, or float array of the batch shape of what was compared.
        standard_error: Float array of the same shape.
    """

    value: float | np.ndarray
    standard_error: float | np.ndarray


def mean(values):
    """Returns the mean of independent values over the first axis, and its standard error."""
    return Estimate(values.mean(0), values.std(0, ddof=1) / math.sqrt(len(values)))


def check_pair(real, generated, least=2, names=("real", "generated")):
    """Returns two sets of vectors as float64 arrays, or refuses them.

    Args:
        real: Array of shape `(num_real, size)`.
        generated: Array of shape `(num_generated, size)`.
        least: Int, how many rows each must have.
        names: What messages call the two.

    Raises:
        ValueError: If they are not such arrays, differ in size, have too few rows, or hold NaN or infinity.
    """
    real, generated = (check_vectors(x, name, least) for x, name in zip((real, generated), names, strict=True))
    if real.shape[1] != generated.shape[1]:
        sizes = f"{names[0]} of size {real.shape[1]}, {names[1]} of size {generated.shape[1]}"
        raise refusal("vectors should have one size", sizes)
    return real, generated


def check_vectors(x, name, least=1):
    """Returns a set of vectors `(rows, size)` as a float64 array, or raises a `ValueError` that calls them `name`."""
    try:
        x = np.asarray(x)
    except ValueError as error:
        raise refusal(f"`{name}` should be numbers of shape (rows, size)", error) from error
    if x.ndim != 2 or len(x) < least or not x.shape[1] or x.dtype.kind not in "fiub":
        raise refusal(
            f"`{name}` should be numbers of shape (rows, size), at least {least} rows",
            f"{name} of shape {x.shape} and type {x.dtype}",
        )
    x = x.astype("float64")
    broken = int((~np.isfinite(x)).any(axis=1).sum())
    if broken:
        raise refusal(f"`{name}` should be finite", f"{broken} of {len(x)} rows with NaN or infinity")
    return x
