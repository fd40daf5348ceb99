"""Straight path between data and noise."""

import keras
import tensorflow as tf

from keras_dl.checks import check_number
from keras_dl.processes.base import Process, as_time


@keras.saving.register_keras_serializable(package="keras_dl")
class RectifiedFlow(Process):
    r"""Straight path of flow matching and rectified flows (Lipman et al. 2023; Liu et al. 2023).

    $$\alpha(t) = 1 - t, \qquad \sigma(t) = \sigma_\text{min} + (1 - \sigma_\text{min})\, t$$

    Time runs from data, 0, to noise, 1, as for all processes here; those papers count the other way.

    Args:
        sigma_min: Deviation of the noise that stays on the data.

    Raises:
        ValueError: If `sigma_min` is not in [0, 1).

    Example:

    >>> process = RectifiedFlow()
    >>> float(process.alpha(0.25)), float(process.sigma(0.25))
    (0.75, 0.25)
    """

    def __init__(self, sigma_min=0.0):
        self.sigma_min = check_number(sigma_min, "sigma_min", least=0, below=1)

    def alpha(self, t):
        return 1.0 - as_time(t)

    def sigma(self, t):
        return self.sigma_min + (1.0 - self.sigma_min) * as_time(t)

    def d_alpha(self, t):
        return -tf.ones_like(as_time(t))

    def d_sigma(self, t):
        return (1.0 - self.sigma_min) * tf.ones_like(as_time(t))
