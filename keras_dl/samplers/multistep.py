"""Multistep solver in the signal-to-noise ratio."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from keras_dl.samplers.loop import over_times, unchanged
from keras_dl.types import Tensor


def dpm_solver(
    field: Callable,
    process: Any,
    x: Tensor,
    times: Tensor,
    noise: Callable | None = None,
    constrain: Callable = unchanged,
) -> Tensor:
    r"""DPM-Solver++(2M) of Lu et al. 2022: second order with one evaluation a step.

    With $\lambda = \log(\alpha / \sigma)$, $h = \lambda_s - \lambda_t$ and the prediction $\hat x$ of the data,

    $$x_s = \frac{\sigma_s}{\sigma_t} x_t - \alpha_s (e^{-h} - 1)
            \left(\hat x_t + \frac{h}{2 h'} (\hat x_t - \hat x_{t'})\right)$$

    where $t'$ is the time before $t$ and $h'$ the step from it; the first step and the last are of first order.

    Args:
        field: As for `euler`.
        process: `keras_dl.processes.Process`.
        x: Samples at the first time.
        times: Falling times.
        noise: Not used.
        constrain: As for `euler`.

    Returns:
        Samples at the last time.
    """
    steps = tf.shape(times)[0] - 1

    def step(x, t, s, index, data_before, length_before):
        data = field(x, t, "data")
        length = process.half_log_snr(s) - process.half_log_snr(t)
        first_order = (index == 0) | (index == steps - 1) | ~tf.math.is_finite(length_before)
        ratio = tf.where(first_order, 0.0, length / tf.where(first_order, 1.0, 2.0 * length_before))
        # At no noise the length is infinite, and so would be a ratio that does not count.
        extrapolated = data + tf.where(first_order, 0.0, ratio) * (data - data_before)
        sigma_ratio = process.sigma(s) / process.sigma(t)
        # alpha_s (1 - e^-h), finite where alpha_t is 0.
        share = process.alpha(s) - process.alpha(t) * sigma_ratio
        return sigma_ratio * x + share * extrapolated, data, length

    return over_times(step, x, times, (tf.zeros_like(x), tf.constant(1.0)), constrain)
