"""Checks of the arguments of a linear Gaussian model, and of what streams bring it."""

import math

import numpy as np

from keras_dl.checks import check_count, check_flag, refusal

METHODS = ("closed_form", "em", "gradient")
#: The variance of rows that float32 cannot tell apart, as a share of their mean square.
_EQUAL = 1e-13
#: Mean variances of which float32 holds noises, precisions and densities.
_VARIANCES = (1e-24, 1e30)


def check_arguments(shape, num_components, method, missing, fewer_by):
    """Refuses arguments of which no model can be made.

    Args:
        shape: Shape of a sample.
        num_components: How many components.
        method: How the model is fitted.
        missing: Whether values may be missing.
        fewer_by: How many components fewer than values there are at least.
    """
    if not isinstance(shape, (tuple, list)) or not shape:
        raise refusal("`shape` should be the shape of a sample, such as x.shape[1:]", shape=shape)
    size, count = math.prod(check_count(n, "shape") for n in shape), check_count(num_components, "num_components")
    if count > size - fewer_by:
        least = "fewer than" if fewer_by else "at most"
        raise refusal(f"`num_components` should be {least} the {size} values of a sample", num_components=count)
    if method not in METHODS:
        raise refusal(f"`method` should be one of {METHODS}", method=method)
    if check_flag(missing, "missing") and method != "em":
        raise refusal('Missing values should be fitted by method="em"', method=method)


def check_spread(mean, variance, name="x"):
    """Refuses means and variances of rows that are all equal."""
    if np.mean(variance) <= _EQUAL * np.mean(np.square(mean, dtype="float64")):
        raise refusal(f"{name} should have at least two distinct rows", f"variances up to {np.max(variance):.3g}")


def check_scale(variance):
    """Refuses data whose squares float32 does not hold."""
    if not _VARIANCES[0] < variance < _VARIANCES[1]:
        low, high = (f"{limit**0.5:.0e}" for limit in _VARIANCES)
        expected = f"x should have deviations between {low} and {high}, as of columns that are divided by their own"
        raise refusal(expected, f"{variance**0.5:.3g}")


def check_rows(rows, count):
    """Refuses fewer rows than components."""
    if count > rows:
        raise refusal("x should have at least as many rows as components", f"{int(rows)} rows")


def check_start(mean, variance):
    """Refuses a first batch that does not say at what scale to begin; returns its variance."""
    check_spread(mean, variance, "The first batch")
    return variance
