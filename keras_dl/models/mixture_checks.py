"""Checks of the arguments of a mixture of Gaussians."""

import math
from collections.abc import Iterable

from keras_dl.checks import check_count, refusal
from keras_dl.models import low_rank
from keras_dl.models.mixture_shapes import COVARIANCES

METHODS = ("em", "mini_batch", "gradient")


def check_arguments(shape, num_components, covariance, method, rank):
    """Returns the number of values of a sample, or refuses arguments of which no mixture can be made."""
    if not isinstance(shape, (tuple, list)) or not shape:
        raise refusal("`shape` should be the shape of a sample, such as x.shape[1:]", shape=shape)
    size = math.prod(check_count(n, "shape") for n in shape)
    check_count(num_components, "num_components")
    kinds = COVARIANCES + low_rank.KINDS
    if covariance not in kinds:
        raise refusal(f"`covariance` should be one of {kinds}", covariance=covariance)
    if method not in METHODS:
        raise refusal(f"`method` should be one of {METHODS}", method=method)
    if covariance not in low_rank.KINDS:
        if rank is not None:
            raise refusal(f"`rank` should be None but for covariances of {low_rank.KINDS}", rank=rank)
        return size
    if method != "em":
        raise refusal(f'Covariances of {low_rank.KINDS} should be fitted by method="em"', method=method)
    if check_count(rank, "rank") >= size:
        raise refusal(f"`rank` should be below the {size} values of a sample", rank=rank)
    return size


def check_selection(numbers, criterion):
    """Refuses numbers of components and criteria between which no mixture can be chosen."""
    if criterion not in ("bic", "aic"):
        raise refusal("`criterion` should be 'bic' or 'aic'", criterion=criterion)
    if not isinstance(numbers, Iterable) or isinstance(numbers, str):
        raise refusal("`numbers` should be a sequence of numbers of components, such as [2, 3, 4]", numbers=numbers)
    if not list(numbers):
        raise refusal("`numbers` should hold a number of components", numbers=numbers)
