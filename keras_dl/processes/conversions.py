r"""Kinds of predictions of a network at a noisy sample, and the conversions between them.

Each kind is a linear form $p(t)\, x + q(t)\, \epsilon$ of data and noise:

| kind | $p$ | $q$ | |
|---|---|---|---|
| `"data"` | 1 | 0 | $x$ |
| `"noise"` | 0 | 1 | $\epsilon$ (Ho et al. 2020) |
| `"v"` | $-\sigma$ | $\alpha$ | $\alpha \epsilon - \sigma x$ (Salimans & Ho 2022) |
| `"velocity"` | $\alpha'$ | $\sigma'$ | $d x_t / dt$ (Lipman et al. 2023) |
| `"score"` | 0 | $-1/\sigma$ | $\nabla \log p(x_t \mid x)$ (Song et al. 2021) |
| `"edm"` | $\sigma / (\sigma_d r)$ | $-\sigma_d / r$ | $F$ of Karras et al. 2022; $r^2 = \sigma^2 + \sigma_d^2$ |

With $x_t = \alpha x + \sigma \epsilon$ as the second equation, every kind follows from every other.
"""

from typing import Any

import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.processes.base import as_time, spread
from keras_dl.types import Tensor

KINDS = ("data", "noise", "v", "velocity", "score", "edm")


def target(process: Any, x: Tensor, noise: Tensor, t: Tensor, kind: str) -> Tensor:
    """Returns what a network of a kind should predict.

    Args:
        process: `Process`.
        x: Data, shape `(rows, ...)`.
        noise: Noise of the same shape.
        t: Times, shape `(rows,)` or `()`.
        kind: One of `KINDS`.

    Returns:
        Tensor of the shape of `x`.

    Raises:
        ValueError: If there is no such kind.

    Example:

    >>> import tensorflow as tf
    >>> from keras_dl.processes import RectifiedFlow
    >>> target(RectifiedFlow(), tf.constant([[3.0]]), tf.constant([[1.0]]), tf.constant([0.5]), "velocity").numpy()
    array([[-2.]], dtype=float32)
    """
    if x.dtype in (tf.float16, tf.bfloat16):
        wide, noise_wide, time = (tf.cast(part, tf.float32) for part in (x, noise, as_time(t)))
        return tf.cast(target(process, wide, noise_wide, time, kind), x.dtype)
    p, q = coefficients(process, t, kind)
    return spread(p, x) * x + spread(q, x) * noise


def convert(process: Any, value: Tensor, x_t: Tensor, t: Tensor, source: str, kind: str) -> Tensor:
    """Returns a prediction of one kind as one of another.

    With $D = \\alpha q - p \\sigma$ of the kind that is given, the other is
    $((p' q - q' p)\\, x_t + (q' \\alpha - p' \\sigma)\\, \\text{value}) / D$.

    Args:
        process: `Process`.
        value: Prediction of kind `source`, shape `(rows, ...)`.
        x_t: Noisy samples that it was made of.
        t: Their times, shape `(rows,)` or `()`.
        source: Kind of `value`.
        kind: Kind that is wanted.

    Returns:
        Tensor of the shape and type of `value`, computed in float32 at least.

    Raises:
        ValueError: If there is no such kind.

    Example:

    >>> import tensorflow as tf
    >>> from keras_dl.processes import Cosine
    >>> x_t, noise, t = tf.constant([[1.0]]), tf.constant([[0.5]]), tf.constant([0.5])
    >>> convert(Cosine(), noise, x_t, t, "noise", "data").numpy().round(4)
    array([[0.9142]], dtype=float32)
    """
    if source == kind:
        return value
    if value.dtype in (tf.float16, tf.bfloat16):  # factors of 1e5 near an end are beyond them, or have no digits
        wide, x_wide, time = (tf.cast(part, tf.float32) for part in (value, x_t, as_time(t)))
        return tf.cast(convert(process, wide, x_wide, time, source, kind), value.dtype)
    alpha, sigma = process.alpha(t), process.sigma(t)
    p, q = coefficients(process, t, source)
    new_p, new_q = coefficients(process, t, kind)
    of_sample = new_p * q - new_q * p
    of_value = new_q * alpha - new_p * sigma
    determinant = alpha * q - p * sigma
    return spread(of_sample / determinant, x_t) * x_t + spread(of_value / determinant, x_t) * value


def coefficients(process: Any, t: Tensor, kind: str) -> tuple[Tensor, Tensor]:
    """Returns `(p, q)` of a kind at times `t`."""
    t = as_time(t)
    zero, one = tf.zeros_like(t), tf.ones_like(t)
    if kind == "data":
        return one, zero
    if kind == "noise":
        return zero, one
    if kind == "v":
        return -process.sigma(t), process.alpha(t)
    if kind == "velocity":
        return process.d_alpha(t), process.d_sigma(t)
    if kind == "score":
        return zero, -1.0 / process.sigma(t)
    if kind == "edm" and process.sigma_data is not None:
        return _preconditioned(process, t)
    if kind == "edm":
        raise refusal('`process` should have a `sigma_data` for kind="edm", as EDM has', f"{process!r}")
    raise refusal(f"`kind` should be one of {KINDS}", kind=kind)


def _preconditioned(process, t):
    # Table 1 of Karras et al. 2022 with c_skip and c_out written out, so that nothing cancels at low noise.
    data, noise = process.sigma_data, process.sigma(t)
    root = tf.sqrt(tf.square(noise) + data**2)
    return noise / (data * root), -data / root
