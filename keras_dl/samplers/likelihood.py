"""Log-densities by the change of variables along the probability-flow equation."""

import math
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from keras_dl.samplers.ode import follow
from keras_dl.types import Tensor


def log_likelihood(
    field: Callable,
    process: Any,
    x: Tensor,
    probes: Tensor,
    exact: bool = False,
    tolerance: float = 1e-5,
    source_log_prob: Callable | None = None,
) -> tuple[Tensor, Tensor]:
    r"""Returns $\log p(x)$ of data: $\log p_T(x_T) + \int \nabla \cdot u(x_t, t)\, dt$ (Chen et al. 2018).

    The divergence is the mean over probes $v$ of $v^\top \frac{\partial u}{\partial x} v$ (Hutchinson), each probe the
    same during the whole solution, or their sum, where the probes are the axes and it is exact.

    Args:
        field: As for `euler`.
        process: `keras_dl.processes.Process`.
        x: Data, float32 of shape `(rows, ...)`.
        probes: Tensor of shape `(num_probes, rows, ...)`.
        exact: Whether the probes are the axes; see `axes`.
        tolerance: Relative and absolute tolerance of a step of the solver.
        source_log_prob: Log-density of $x_T$ as a function of it; `None` for normal noise of deviation $\sigma(T)$.

    Returns:
        `(log_prob, latents)`: log-densities in nats of shape `(num_probes, rows)`, `(1, rows)` where they are exact,
        and $x_T / \sigma(T)$.
    """
    count = 1 if exact else tf.shape(probes)[0]

    def derivative(t, state):
        velocity, divergences = velocity_and_divergences(field, state[0], t, probes)
        return velocity, tf.reduce_sum(divergences, 0, keepdims=True) if exact else divergences

    state = x, tf.zeros(tf.stack([count, tf.shape(x)[0]]))
    x, change = follow(process, derivative, state, 0.0, 1.0, tolerance)
    scale = process.sigma(tf.constant(process.t_max))
    log_prior = log_normal(x, scale) if source_log_prob is None else source_log_prob(x)
    return log_prior + change, x / scale


def log_normal(x: Tensor, scale: Tensor) -> Tensor:
    """Returns the log-density of normal numbers of deviation `scale`, summed over the values of each row."""
    squares = tf.reduce_sum(tf.square(x / scale), list(range(1, x.shape.rank)))
    return -0.5 * squares - math.prod(x.shape[1:]) * (tf.math.log(scale) + 0.5 * math.log(2.0 * math.pi))


def axes(x: Tensor) -> Tensor:
    """Returns the probes of an exact divergence: one along each axis of a sample, shape `(size, *x.shape)`."""
    size = math.prod(x.shape[1:])
    basis = tf.reshape(tf.eye(size), [size, 1, *x.shape[1:]])
    return basis * tf.ones_like(x)[None]


def velocity_and_products(field: Callable, x: Tensor, t: Tensor, probes: Tensor) -> tuple[Tensor, Tensor]:
    r"""Returns the velocity at `x` and $\big(\frac{\partial u}{\partial x}\big)^\top v$ for each probe $v$.

    Args:
        field: As for `euler`, for all probes' copies of the rows, one set after the other.
        x: Samples, shape `(rows, ...)`.
        t: Scalar time.
        probes: Tensor of shape `(num_probes, rows, ...)`.

    Returns:
        Tensors of shape `(rows, ...)` and `(num_probes, rows, ...)`.
    """
    count = tf.shape(probes)[0]
    repeated = tf.repeat(x[None], count, 0)
    flat = tf.reshape(repeated, tf.concat([[-1], tf.shape(x)[1:]], 0))
    flat.set_shape([None, *x.shape[1:]])
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(flat)
        velocity = field(flat, t, "velocity")
        product = tf.reduce_sum(velocity * tf.reshape(probes, tf.shape(flat)))
    products = tf.reshape(tape.gradient(product, flat), tf.shape(probes))
    return tf.ensure_shape(velocity[: tf.shape(x)[0]], x.shape), products


def velocity_and_divergences(field: Callable, x: Tensor, t: Tensor, probes: Tensor) -> tuple[Tensor, Tensor]:
    r"""Returns the velocity at `x` and $v^\top \frac{\partial u}{\partial x} v$ for each probe $v$.

    Args:
        field, x, t, probes: See `velocity_and_products`.

    Returns:
        Tensors of shape `(rows, ...)` and `(num_probes, rows)`.
    """
    velocity, products = velocity_and_products(field, x, t, probes)
    return velocity, tf.reduce_sum(products * probes, list(range(2, probes.shape.rank)))
