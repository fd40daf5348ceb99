"""Shapes of a network's data, and data as tensors of these shapes."""

import numpy as np
import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.data.checks import as_array, check_finite
from keras_dl.models.fitting.batches import pad_empty
from keras_dl.models.structure import input_shape, output_shape

__all__ = ["as_latents", "as_rows", "by_rows", "check_x", "input_shape", "is_symbolic", "output_shape"]


def is_symbolic(x):
    """Whether `x` is a tensor without a value yet, in a graph under construction."""
    return tf.is_tensor(x) and not hasattr(x, "numpy")


def check_x(x, expected, name="x"):
    """Refuses data whose samples have not the `expected` shape (`None`s in it, or for it, fit anything)."""
    shape = np.shape(x)
    fits = expected is None or (
        len(shape) == len(expected) + 1 and all(e in (None, s) for s, e in zip(shape[1:], expected, strict=True))
    )
    if not fits:
        raise refusal(f"{name} should have shape (rows, {', '.join(map(str, expected))})", shape)


def as_rows(x, expected, name="x"):
    """Returns data as a float32 tensor, or refuses them: of other shapes than `check_x` takes, not numbers, or NaN.

    A tensor stays the one that a gradient tape watches.
    """
    if not is_symbolic(x):
        array = as_array(x, name)
        check_finite(array, name)
        x = x if tf.is_tensor(x) else array
    check_x(x, expected, name)
    return tf.cast(x, tf.float32)


def by_rows(function, x, condition=None, *others):
    """`function(x, condition, ...)`; of no rows, which convolutions refuse, what it makes of one row of zeros, cut off.

    What has no rows to average over, such as the error of an adaptive solver, so has one, too.
    """
    if len(x):
        return function(x, condition, *others)
    return function(*[None if tensor is None else pad_empty(tensor) for tensor in (x, condition, *others)])[:0]


def alone(data, expected):
    """Returns the array of `x` or `(x,)`, or refuses it: with more beside it, or of a shape that `check_x` refuses."""
    x = data[0] if isinstance(data, (tuple, list)) and len(data) == 1 else data
    if isinstance(x, (tuple, list, dict)):
        arrays = f"{len(x)} arrays" if not isinstance(x, dict) else f"a dict of {', '.join(map(repr, x))}"
        raise refusal("The model takes x alone, no targets and no weights", arrays)
    x = as_array(x, "x")
    check_x(x, expected)
    return x


def as_latents(latents, size):
    """Returns latents as a float32 tensor of shape `(rows, size)`, or refuses them."""
    return as_rows(latents, (size,), "latents")
