"""Samplers that may draw fresh noise at each step: DDIM, ancestral sampling, predictor and corrector."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.samplers.loop import over_times, unchanged
from keras_dl.types import Tensor


def ddim(
    field: Callable,
    process: Any,
    x: Tensor,
    times: Tensor,
    noise: Callable | None = None,
    constrain: Callable = unchanged,
    eta: float = 0.0,
) -> Tensor:
    r"""Steps to $x_s = \alpha_s \hat x + \sqrt{\sigma_s^2 - v^2}\, \hat\epsilon + v\, z$ (Song et al. 2021, "DDIM").

    $v = \eta\, \sigma_s / \sigma_t \sqrt{\sigma_t^2 - (\alpha_t \sigma_s / \alpha_s)^2}$, which with $\eta = 1$ is the
    deviation of DDPM's posterior.

    Args:
        field: As for `euler`.
        process: `keras_dl.processes.Process`.
        x: Samples at the first time.
        times: Falling times.
        noise: `noise(index, x)`, standard normal numbers of the shape of `x` for each step; needed unless `eta` is 0.
        constrain: As for `euler`.
        eta: Share of fresh noise, from 0, a deterministic path, to 1, ancestral sampling.

    Returns:
        Samples at the last time.

    Raises:
        ValueError: If `eta` is not between 0 and 1, or there is no `noise` for it.

    Example: DDIM shrinks standard normal data along a quarter of a circle by cos(pi / 8)^4 in four steps.

    >>> import tensorflow as tf
    >>> from keras_dl.processes import Cosine, convert
    >>> process = Cosine(min_signal=0.0)
    >>> field = lambda x, t, kind: convert(process, process.alpha(t) * x, x, t, "data", kind)
    >>> round(float(ddim(field, process, tf.constant([[1.0]]), process.times(4))[0, 0]), 4)
    0.7286
    """
    if not 0 <= eta <= 1 or (eta and noise is None):
        raise refusal("`eta` should be from 0 to 1, with `noise` unless it is 0", eta=eta)

    def step(x, t, s, index):
        if not eta:
            return (posterior_mean(field, process, x, t, s, 0.0),)
        scale = eta * posterior_scale(process, t, s)
        return (posterior_mean(field, process, x, t, s, scale) + scale * noise(index, x),)

    return over_times(step, x, times, constrain=constrain)


def ancestral(
    field: Callable,
    process: Any,
    x: Tensor,
    times: Tensor,
    noise: Callable | None = None,
    constrain: Callable = unchanged,
    variance: str = "posterior",
) -> Tensor:
    r"""Draws $x_s$ from the Gaussian posterior $q(x_s \mid x_t, \hat x)$, step by step (Ho et al. 2020, "DDPM").

    Args:
        field: As for `euler`.
        process: `keras_dl.processes.Process`.
        x: Samples at the first time.
        times: Falling times.
        noise: As for `ddim`.
        constrain: As for `euler`.
        variance: `"posterior"`, the lower of the paper's two variances, or `"forward"`, the higher one, with which the
            paper's samples were drawn.

    Returns:
        Samples at the last time.

    Raises:
        ValueError: If there is no such variance, or no `noise`.
    """
    if variance not in ("posterior", "forward") or noise is None:
        raise refusal(
            "`variance` should be 'posterior' or 'forward', and `noise` a function",
            f"variance={variance!r}, noise={noise!r}",
        )

    def step(x, t, s, index):
        scale = posterior_scale(process, t, s)
        mean = posterior_mean(field, process, x, t, s, scale)
        if variance == "forward":
            # No noise is drawn at the last step, which leads to the data.
            scale = tf.where(process.sigma(s) > 0, forward_scale(process, t, s), 0.0)
        return (mean + scale * noise(index, x),)

    return over_times(step, x, times, constrain=constrain)


def predictor_corrector(
    field: Callable,
    process: Any,
    x: Tensor,
    times: Tensor,
    noise: Callable | None = None,
    constrain: Callable = unchanged,
    signal_to_noise: float = 0.16,
) -> Tensor:
    r"""An ancestral step, then a step of Langevin dynamics at the new time (Song et al. 2021, algorithms 2 to 5).

    The corrector moves by $\delta\, s + \sqrt{2 \delta}\, z$ along the score $s$, with
    $\delta = 2 (r \|z\| / \|s\|)^2$ and norms averaged over the samples.

    Args:
        field: As for `euler`.
        process: `keras_dl.processes.Process`.
        x: Samples at the first time.
        times: Falling times.
        noise: As for `ddim`.
        constrain: As for `euler`.
        signal_to_noise: $r$.

    Returns:
        Samples at the last time.

    Raises:
        ValueError: If there is no `noise`.
    """
    if noise is None:
        raise refusal("`noise` should be a function", noise=noise)
    steps = tf.shape(times)[0] - 1

    def corrected(x, s, index):
        score, z = field(x, s, "score"), noise(index + steps, x)
        size = signal_to_noise * _mean_norm(z) / tf.maximum(_mean_norm(score), 1e-12)
        delta = 2.0 * tf.square(size)
        return x + delta * score + tf.sqrt(2.0 * delta) * z

    def step(x, t, s, index):
        scale = posterior_scale(process, t, s)
        x = posterior_mean(field, process, x, t, s, scale) + scale * noise(index, x)
        return (tf.cond(process.sigma(s) > 0, lambda: corrected(x, s, index), lambda: x),)

    return over_times(step, x, times, constrain=constrain)


def posterior_mean(field, process, x, t, s, scale):
    r"""The mean at time $s$ before noise of scale $v$: $\alpha_s \hat x + \sqrt{\sigma_s^2 - v^2}\, \hat\epsilon$."""
    data = field(x, t, "data")
    predicted_noise = (x - process.alpha(t) * data) / process.sigma(t)
    rest = tf.sqrt(tf.maximum(tf.square(process.sigma(s)) - tf.square(scale), 0.0))
    return process.alpha(s) * data + rest * predicted_noise


def forward_scale(process, t, s):
    r"""The deviation of $q(x_t \mid x_s)$ for times $s < t$."""
    ratio = process.alpha(t) / process.alpha(s)
    variance = tf.square(process.sigma(t)) - tf.square(ratio * process.sigma(s))
    return tf.sqrt(tf.maximum(variance, 0.0))


def posterior_scale(process, t, s):
    r"""The deviation of $q(x_s \mid x_t, x)$ for times $s < t$."""
    return process.sigma(s) / process.sigma(t) * forward_scale(process, t, s)


def _mean_norm(x):
    return tf.reduce_mean(tf.sqrt(tf.reduce_sum(tf.square(x), axis=list(range(1, x.shape.rank)))))
