"""The p-norm with derivatives that stay finite, for pairs and triplets. Private to the package."""

import math

from keras import ops


def norm(x, p):
    """The p-norm over the last axis, with derivative 0 at 0.

    Args:
        x: Tensor of shape (..., features).
        p: Order, above 0; `math.inf` gives the largest absolute value.

    Returns:
        Tensor of shape (...).
    """
    size = ops.abs(x)
    if p == math.inf:
        return ops.max(size, axis=-1)
    if p == 1:
        return ops.sum(size, axis=-1)
    if p == 2:
        return _root(ops.sum(ops.square(x), axis=-1), 2)
    # Powers of a few units of the largest entry neither overflow nor vanish.
    unit = ops.stop_gradient(ops.max(size, axis=-1, keepdims=True))
    unit = ops.where(unit > 0, unit, ops.ones_like(unit))
    nothing = ops.equal(size, 0)
    powers = ops.power(ops.where(nothing, ops.ones_like(size), size / unit), p)
    total = ops.sum(ops.where(nothing, ops.zeros_like(size), powers), axis=-1)
    return _root(total, p) * ops.squeeze(unit, -1)


def _root(total, p):
    nothing = ops.equal(total, 0)
    safe = ops.where(nothing, ops.ones_like(total), total)
    root = ops.sqrt(safe) if p == 2 else ops.power(safe, 1 / p)
    return ops.where(nothing, ops.zeros_like(total), root)


def smaller(a, b):
    """The smaller of two, element by element; equal ones share the derivative evenly."""
    return 0.5 * (ops.minimum(a, b) + ops.minimum(b, a))
