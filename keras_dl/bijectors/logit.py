"""First steps: from the interval of the data to all real numbers."""

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_dl.bijectors.base import Bijector, sum_over_sample
from keras_dl.checks import check_number, refusal
from keras_dl.types import Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class Logit(Bijector):
    r"""The logit of data on an interval $[l, h]$ (Dinh et al. 2017, Real NVP, section 4.1).

    $$z = \operatorname{logit}(s), \qquad s = \alpha + (1 - 2 \alpha) \frac{x - l}{h - l}$$

    For integers, such as pixels, take `keras_dl.likelihoods.Dequantized`, which adds the noise too and counts bits.

    Args:
        alpha: $\alpha$: with 0 the ends of the interval are at infinity, and refused. Above 0 the density reaches
            $\alpha (h - l) / (1 - 2 \alpha)$ beyond them, and so may samples.
        low: $l$.
        high: $h$.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Example:

    >>> from keras_dl.bijectors import Logit
    >>> logit = Logit(alpha=0.05)
    >>> logit.build((None, 1))
    >>> logit.forward_and_log_det(tf.constant([[0.5]]))[0].numpy().tolist()
    [[0.0]]
    """

    recovers_inputs = False  # near the end of the interval

    def __init__(self, alpha: float = 1e-6, low: float = 0.0, high: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.alpha = float(check_number(alpha, "alpha", least=0, below=0.5))
        self.low, self.high = float(check_number(low, "low")), float(check_number(high, "high", above=low))

    def forward_and_log_det(
        self, x: Tensor, condition: Tensor | None = None, training: bool = False
    ) -> tuple[Tensor, Tensor]:
        x, width = self.as_own_type(x), self.high - self.low
        slope = (1.0 - 2.0 * self.alpha) / width
        log_s = tf.math.log(self.alpha + slope * (x - self.low))
        log_rest = tf.math.log(self.alpha + slope * (self.high - x))  # 1 - s would lose small numbers
        return log_s - log_rest, sum_over_sample(math.log(slope) - log_s - log_rest)

    def inverse_and_log_det(
        self, z: Tensor, condition: Tensor | None = None, training: bool = False
    ) -> tuple[Tensor, Tensor]:
        z, width = self.as_own_type(z), self.high - self.low
        slope = (1.0 - 2.0 * self.alpha) / width
        x = self.low + (tf.sigmoid(z) - self.alpha) / slope
        log_slope = -tf.math.softplus(z) - tf.math.softplus(-z) - math.log(slope)
        return x, sum_over_sample(log_slope)

    def check(self, x: Tensor, name: str = "x") -> None:
        x = np.asarray(x)
        if not x.size:
            return
        smallest, largest = float(x.min()), float(x.max())
        # The map, and so the flow's own samples, reach as far as s lies between 0 and 1.
        margin = self.alpha * (self.high - self.low) / (1.0 - 2.0 * self.alpha)
        if not self.low - margin < smallest or not largest < self.high + margin:
            ends = f"({self.low:g}, {self.high:g})" if self.alpha == 0.0 else f"[{self.low:g}, {self.high:g}]"
            raise refusal(
                f"{name} should lie in {ends}, the range of the logit", f"values from {smallest} to {largest}"
            )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "alpha": self.alpha, "low": self.low, "high": self.high}
