"""Derivatives of coordinate networks with respect to their coordinates, for losses and pictures."""

from collections.abc import Callable

import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.types import Tensor


def gradient(function: Callable, x: Tensor) -> Tensor:
    r"""The gradient $\nabla f(x)$ of a scalar function at every point.

    Args:
        function: Callable from points `(batch, num_inputs)` to values `(batch, 1)` or `(batch,)`, each row's of that
            row alone: a network without batch statistics.
        x: Points, shape `(batch, num_inputs)`.

    Returns:
        Float32 tensor of shape `(batch, num_inputs)`, itself differentiable.

    Raises:
        ValueError: If there is more than one value a point.

    Example:

    >>> gradient(lambda x: x[:, 0] * x[:, 1], np.array([[2.0, 3.0]])).numpy().tolist()
    [[3.0, 2.0]]
    """
    x = tf.cast(x, tf.float32)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        total = tf.reduce_sum(_values(function, x))
    return tape.gradient(total, x, unconnected_gradients="zero")


def laplacian(function: Callable, x: Tensor) -> Tensor:
    r"""The Laplacian $\Delta f(x) = \sum_i \partial^2 f / \partial x_i^2$ of a scalar function at every point.

    Args:
        function: Callable, as for `gradient`.
        x: Points, shape `(batch, num_inputs)`.

    Returns:
        Float32 tensor of shape `(batch,)`, itself differentiable.

    Raises:
        ValueError: If there is more than one value a point.

    Example:

    >>> laplacian(lambda x: x[:, 0] ** 2 + x[:, 1] ** 3, np.array([[5.0, 2.0]])).numpy().tolist()
    [14.0]
    """
    x = tf.cast(x, tf.float32)
    with tf.GradientTape(watch_accessed_variables=False, persistent=True) as tape:
        tape.watch(x)
        slopes = tf.unstack(gradient(function, x), axis=-1)
    second = (tape.gradient(slope, x, unconnected_gradients="zero")[:, i] for i, slope in enumerate(slopes))
    return tf.add_n(list(second))


def _values(function, x):
    values = function(x)
    if values.shape.rank not in (1, 2) or values.shape.rank == 2 and values.shape[-1] != 1:
        raise refusal("The function should give one value a point", f"shape {tuple(values.shape)}")
    return values
