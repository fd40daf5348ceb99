"""Processes that leave the data as they are and add ever more noise; their time is the noise's deviation."""

import math

import keras
import tensorflow as tf

from keras_dl.checks import check_number
from keras_dl.processes.base import Process, as_time
from keras_dl.types import Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class VarianceExploding(Process):
    r"""Diffusion that adds noise up to a deviation far beyond that of the data (Song & Ermon 2019; Song et al. 2021).

    $$\alpha(t) = 1, \qquad \sigma(t) = t$$

    Training draws $\log \sigma$ uniformly between its ends, and samplers go down them in geometric steps, then to 0.

    Args:
        sigma_min: Smallest deviation of the noise.
        sigma_max: Largest one: for images in [-1, 1] about the greatest distance of two of them.
        sigma_data: Standard deviation of the data, by which the network's input and output are scaled.

    Raises:
        ValueError: If the deviations are not positive and rising.

    Example:

    >>> [round(float(t), 2) for t in VarianceExploding(0.01, 100.0).times(3)]
    [100.0, 1.0, 0.01, 0.0]
    """

    def __init__(self, sigma_min: float = 0.01, sigma_max: float = 50.0, sigma_data: float = 0.5):
        self.sigma_min = check_number(sigma_min, "sigma_min", above=0)
        self.sigma_max = check_number(sigma_max, "sigma_max", above=sigma_min)
        self.sigma_data = check_number(sigma_data, "sigma_data", above=0)
        self.t_min, self.t_max = sigma_min, sigma_max

    def alpha(self, t: Tensor) -> Tensor:
        return tf.ones_like(as_time(t))

    def sigma(self, t: Tensor) -> Tensor:
        return as_time(t)

    def d_alpha(self, t: Tensor) -> Tensor:
        return tf.zeros_like(as_time(t))

    def d_sigma(self, t: Tensor) -> Tensor:
        return tf.ones_like(as_time(t))

    def training_times(self, uniform: Tensor) -> Tensor:
        return self.sigma_min * tf.pow(self.sigma_max / self.sigma_min, uniform)

    def times(self, steps: Tensor) -> Tensor:
        # The last step, from `sigma_min` to no noise, is one of the steps.
        steps = tf.cast(steps, tf.int32)
        fraction = tf.cast(tf.range(steps), tf.float32) / tf.cast(tf.maximum(steps - 1, 1), tf.float32)
        return tf.concat([self.grid(fraction), [0.0]], 0)

    def grid(self, fraction: Tensor) -> Tensor:
        return self.sigma_max * tf.pow(self.sigma_min / self.sigma_max, fraction)

    def along(self, share: Tensor) -> tuple[Tensor, Tensor]:
        ratio = self.sigma_max / self.sigma_min
        time = self.sigma_min * tf.pow(ratio, share)
        return time, math.log(ratio) * time

    def input_scale(self, t: Tensor) -> Tensor:
        return tf.math.rsqrt(tf.square(self.sigma(t)) + self.sigma_data**2)

    def time_feature(self, t: Tensor) -> Tensor:
        return 0.25 * tf.math.log(self.sigma(t))


@keras.saving.register_keras_serializable(package="keras_dl")
class EDM(VarianceExploding):
    r"""Process and preconditioning of Karras et al. 2022, "Elucidating the design space of diffusion-based models".

    $\alpha(t) = 1$ and $\sigma(t) = t$; training draws $\log \sigma \sim \mathcal{N}(\mu, s^2)$; samplers step through
    $\sigma_i = (\sigma_\text{max}^{1/\rho} + \frac{i}{n-1} (\sigma_\text{min}^{1/\rho} -
    \sigma_\text{max}^{1/\rho}))^\rho$ and then to 0. Networks that predict `"edm"` give the authors' $F$.

    Args:
        sigma_min: Smallest deviation of the noise that samplers visit.
        sigma_max: Largest one.
        sigma_data: Standard deviation of the data.
        log_mean: $\mu$.
        log_scale: $s$.
        rho: $\rho$, by which steps get shorter at low noise.

    Raises:
        ValueError: If the deviations are not positive and rising, or `log_scale` or `rho` is not positive.

    Example:

    >>> [round(float(t), 3) for t in EDM().times(4)]
    [80.0, 9.723, 0.47, 0.002, 0.0]
    """

    def __init__(
        self,
        sigma_min: float = 0.002,
        sigma_max: float = 80.0,
        sigma_data: float = 0.5,
        log_mean: float = -1.2,
        log_scale: float = 1.2,
        rho: float = 7.0,
    ):
        super().__init__(sigma_min, sigma_max, sigma_data)
        self.log_mean = check_number(log_mean, "log_mean")
        self.log_scale = check_number(log_scale, "log_scale", above=0)
        self.rho = check_number(rho, "rho", above=0)

    def training_times(self, uniform: Tensor) -> Tensor:
        normal = math.sqrt(2.0) * tf.math.erfinv(2.0 * uniform - 1.0)
        return tf.exp(self.log_mean + self.log_scale * normal)

    def grid(self, fraction: Tensor) -> Tensor:
        low, high = self.sigma_min ** (1 / self.rho), self.sigma_max ** (1 / self.rho)
        return tf.pow(high + fraction * (low - high), self.rho)
