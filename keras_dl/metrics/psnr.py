"""Peak signal-to-noise ratio, over all values of an epoch."""

from typing import Any

import keras
from keras import ops

from keras_dl.checks import refusal
from keras_dl.types import Tensor

_SMALLEST = 1e-12


@keras.saving.register_keras_serializable(package="keras_dl")
class PSNR(keras.metrics.MeanSquaredError):
    """Peak signal-to-noise ratio in decibels: `10 log10(range^2 / MSE)`.

    The mean is over all values that were seen, not of the batches' ratios. An exact reconstruction gives 120 dB.

    Args:
        value_range: Float, the largest value less the smallest: 1 for images in [0, 1], 2 for images in [-1, 1].
        name: Name of the metric.
        dtype: The metric's dtype.

    Raises:
        ValueError: If `value_range` is not a positive number.

    Example:

    >>> metric = PSNR(value_range=2.0)
    >>> metric.update_state([[0.0], [1.0]], [[0.2], [0.8]])
    >>> round(float(metric.result()), 3)
    20.0
    """

    direction = "max"

    def __init__(self, value_range: float = 1.0, name: str = "psnr", dtype: Any = None):
        super().__init__(name=name, dtype=dtype)
        if not 0 < value_range < float("inf"):
            raise refusal("`value_range` should be a positive number", value_range=value_range)
        self.value_range = value_range
        self._direction = "up"  # what Keras' callbacks read, such as EarlyStopping; the error's is down

    def result(self) -> Tensor:
        error = super().result() / self.value_range**2
        return -10.0 * ops.log10(ops.maximum(error, _SMALLEST))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "value_range": self.value_range}
