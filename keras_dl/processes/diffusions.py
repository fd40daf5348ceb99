"""Diffusions that shrink the data while noise grows: variance preserving, sub-variance preserving, cosine."""

import math

import keras
import tensorflow as tf

from keras_dl.checks import check_number
from keras_dl.processes.base import Process, as_time
from keras_dl.types import Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class VariancePreserving(Process):
    r"""Diffusion with a noise rate that grows linearly (Ho et al. 2020; Song et al. 2021, equation 32).

    $$\alpha(t) = e^{-\frac14 t^2 (\beta_1 - \beta_0) - \frac12 t \beta_0}, \qquad \sigma(t)^2 = 1 - \alpha(t)^2$$

    The continuous form of DDPM, whose 1,000 steps add noise at rates from $\beta_0 / 1000$ to $\beta_1 / 1000$.

    Args:
        beta_min: $\beta_0$, the rate at first.
        beta_max: $\beta_1$, the rate in the end.

    Raises:
        ValueError: If the rates are not positive and rising.

    Example:

    >>> process = VariancePreserving()
    >>> [round(float(process.alpha(t)), 4) for t in (0.0, 0.5, 1.0)]
    [1.0, 0.2812, 0.0066]
    """

    def __init__(self, beta_min: float = 0.1, beta_max: float = 20.0):
        self.beta_min = check_number(beta_min, "beta_min", above=0)
        self.beta_max = check_number(beta_max, "beta_max", above=beta_min)

    def along(self, share: Tensor) -> tuple[Tensor, Tensor]:
        # The deviation of the noise rises like a square root, whose slope is infinite at 0.
        length = self.t_max - self.t_min
        return self.t_min + length * tf.square(share), 2.0 * length * share

    def beta(self, t: Tensor) -> Tensor:
        """Returns the rate at which noise is added."""
        return self.beta_min + (self.beta_max - self.beta_min) * as_time(t)

    def log_alpha(self, t: Tensor) -> Tensor:
        t = as_time(t)
        return -0.25 * t * t * (self.beta_max - self.beta_min) - 0.5 * t * self.beta_min

    def alpha(self, t: Tensor) -> Tensor:
        return tf.exp(self.log_alpha(t))

    def sigma(self, t: Tensor) -> Tensor:
        return tf.sqrt(-tf.math.expm1(2.0 * self.log_alpha(t)))

    def d_alpha(self, t: Tensor) -> Tensor:
        return -0.5 * self.beta(t) * self.alpha(t)

    def d_sigma(self, t: Tensor) -> Tensor:
        return 0.5 * self.beta(t) * tf.square(self.alpha(t)) / self.sigma(t)


@keras.saving.register_keras_serializable(package="keras_dl")
class SubVariancePreserving(VariancePreserving):
    r"""Diffusion whose variance stays below that of `VariancePreserving` (Song et al. 2021, equation 28).

    $\alpha$ as there, and $\sigma(t) = 1 - \alpha(t)^2$.

    Args:
        beta_min: $\beta_0$, the rate at first.
        beta_max: $\beta_1$, the rate in the end.

    Example:

    >>> round(float(SubVariancePreserving().sigma(0.5)), 4)
    0.9209
    """

    t_min = 1e-3

    def sigma(self, t: Tensor) -> Tensor:
        return -tf.math.expm1(2.0 * self.log_alpha(t))

    def d_sigma(self, t: Tensor) -> Tensor:
        return self.beta(t) * tf.square(self.alpha(t))


@keras.saving.register_keras_serializable(package="keras_dl")
class Cosine(Process):
    r"""Diffusion along a quarter of a circle (Nichol & Dhariwal 2021; Salimans & Ho 2022).

    $$\alpha(t) = \cos(\pi t / 2), \qquad \sigma(t) = \sin(\pi t / 2)$$

    Args:
        min_signal: $\alpha$ at the largest time. 0 ends in pure noise, of which a network that predicts the noise says
            nothing about the data: it then should predict the data, the velocity or `v`.

    Raises:
        ValueError: If `min_signal` is not in [0, 1).

    Example:

    >>> process = Cosine(min_signal=0.0)
    >>> round(float(process.alpha(0.5)), 4), round(float(process.sigma(0.5)), 4)
    (0.7071, 0.7071)
    """

    def __init__(self, min_signal: float = 0.02):
        self.min_signal = check_number(min_signal, "min_signal", least=0, below=1)
        self.t_max = 2.0 * math.acos(min_signal) / math.pi

    def alpha(self, t: Tensor) -> Tensor:
        return tf.cos(0.5 * math.pi * as_time(t))

    def sigma(self, t: Tensor) -> Tensor:
        return tf.sin(0.5 * math.pi * as_time(t))

    def d_alpha(self, t: Tensor) -> Tensor:
        return -0.5 * math.pi * self.sigma(t)

    def d_sigma(self, t: Tensor) -> Tensor:
        return 0.5 * math.pi * self.alpha(t)
