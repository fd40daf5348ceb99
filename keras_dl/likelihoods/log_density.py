"""Log-densities that say what they are: exact, a bound or an estimate with its standard error."""

import math
from typing import Any, NamedTuple, Self

import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.types import Tensor

KINDS = ("exact", "bound", "estimate")


class LogDensity(NamedTuple):
    """$\\log p(x)$ of each sample of a batch: what `model.log_density(x)` of every family returns.

    Attributes:
        values: Float tensor of shape `(batch,)`, in nats.
        standard_errors: Float tensor of shape `(batch,)`, how far Monte Carlo noise moves each value: 0 where there is
            none, NaN where one draw cannot tell.
        kind: `"exact"`; `"bound"`, whose expectation is at most $\\log p(x)$ however many draws it takes; or
            `"estimate"`, which tends to $\\log p(x)$ as draws grow, from below in expectation.

    Example:

    >>> exact = LogDensity.exact(tf.constant([-1.5, -2.0]))
    >>> exact.kind, exact.standard_errors.numpy().tolist()
    ('exact', [0.0, 0.0])
    """

    values: Any
    standard_errors: Any
    kind: str

    @classmethod
    def exact(cls, values: Tensor) -> Self:
        """Returns values that no noise moves."""
        return cls(values, tf.zeros_like(values), "exact")


class Weighed(NamedTuple):
    r"""Means over draws of log-weights $\log w_k$ with $\mathbb{E}[w_k] = p(x)$, each of shape `(batch,)`.

    Attributes:
        bound: $\tfrac1K \sum_k \log w_k$.
        bound_error: Its standard error.
        estimate: $\log \tfrac1K \sum_k w_k$.
        estimate_error: Its standard error by the delta method, $\mathrm{sd}(w) / (\sqrt{K}\, \bar w)$; too small where
            few weights outweigh all others.
    """

    bound: Any
    bound_error: Any
    estimate: Any
    estimate_error: Any

    def log_density(self, kind):
        """Returns the `LogDensity` of a kind, `"bound"` or `"estimate"`."""
        pairs = {"bound": (self.bound, self.bound_error), "estimate": (self.estimate, self.estimate_error)}
        if kind not in pairs:
            raise refusal("`kind` should be 'bound' or 'estimate'", kind=kind)
        return LogDensity(*pairs[kind], kind)


def weigh(log_weights, num_samples, rows, chunk=64):
    r"""Returns the means over draws of log-weights, drawn in chunks: memory does not grow with their number.

    The bound is that of Kingma & Welling 2014 for weights $p(x|z) p(z) / q(z|x)$ and that of Theis et al. 2016 ("A note
    on the evaluation of generative models") for dequantised data; the estimate that of Burda et al. 2016.

    Args:
        log_weights: Function of the number of a chunk (int32 scalar) and of the draws in it (int32 scalar) that returns
            $\log w$ of shape `(draws, rows)`.
        num_samples: $K$, an integer or a scalar tensor.
        rows: int32 scalar, how many samples there are.
        chunk: How many draws are made together.

    Returns:
        A `Weighed`.
    """
    num_samples = tf.cast(num_samples, tf.int32)

    def add_chunk(index, mean, deviations, total, squares):
        count = tf.minimum(chunk, num_samples - index * chunk)
        weights = log_weights(index, count)
        mean, deviations = _with_chunk(mean, deviations, weights, tf.cast(index * chunk, tf.float32))
        total = log_add_exp(total, tf.reduce_logsumexp(weights, 0))
        return index + 1, mean, deviations, total, log_add_exp(squares, tf.reduce_logsumexp(2.0 * weights, 0))

    chunks = (num_samples + chunk - 1) // chunk
    zeros, nothing = tf.zeros([rows]), tf.fill([rows], -math.inf)
    start = tf.constant(0), zeros, zeros, nothing, nothing
    _, mean, deviations, total, squares = tf.while_loop(lambda index, *_: index < chunks, add_chunk, start)
    count = tf.cast(num_samples, tf.float32)
    bound_error = tf.sqrt(deviations / (count * (count - 1.0)))  # one draw: 0 / 0, which is NaN
    spread = tf.maximum(count * tf.exp(squares - 2.0 * total) - 1.0, 0.0)
    return Weighed(mean, bound_error, total - tf.math.log(count), tf.sqrt(spread / (count - 1.0)))


def _with_chunk(mean, deviations, weights, before):
    """Mean and sum of squared deviations of `before` draws and further ones (Chan et al. 1979)."""
    count = tf.cast(tf.shape(weights)[0], tf.float32)
    new_mean = tf.reduce_mean(weights, 0)
    step = new_mean - mean
    deviations += tf.reduce_sum(tf.square(weights - new_mean), 0) + tf.square(step) * before * count / (before + count)
    return mean + step * count / (before + count), deviations


def log_add_exp(a, b):
    """$\\log(e^a + e^b)$, also where `a` is minus infinity."""
    return tf.maximum(a, b) + tf.math.log1p(tf.exp(-tf.abs(tf.where(tf.math.is_inf(a), math.inf, a - b))))
