"""Features of time, for networks that are told how noisy their input is."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_dl.checks import check_count, check_number, refusal
from keras_dl.layers.options import register
from keras_dl.types import Shape, Tensor


def _check_even(value, name):
    if check_count(value, name) % 2:
        raise refusal(f"`{name}` should be even", **{name: value})
    return value


@register(size=_check_even, max_frequency=lambda value, name: check_number(value, name, above=0))
class TimeEmbedding(keras.layers.Layer):
    r"""Sines and cosines of time at frequencies in geometric steps (Vaswani et al., 2017; Ho et al., 2020).

    $[\sin(\omega_i t)]_i, [\cos(\omega_i t)]_i$ with $\omega_i = \omega_\text{max} 10^{-4 i / (n - 1)}$ and $n$ half of
    `size`. With the default these are DDPM's features of 1,000 steps for times from 0 to 1.

    Args:
        size: Int, even: how many features.
        max_frequency: Float, $\omega_\text{max}$ in radians per unit of time.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Returns:
        A tensor of shape `(batch, size)` for times of shape `(batch,)`.

    Raises:
        ValueError: If `size` is odd.

    Example:

    >>> TimeEmbedding(8)(keras.ops.array([0.0, 0.5])).shape
    TensorShape([2, 8])
    """

    def __init__(self, size: int, max_frequency: float = 1000.0, **kwargs):
        super().__init__(autocast=False, **kwargs)  # halves would round the angles
        self.size = size
        self.max_frequency = max_frequency

    def call(self, times: Tensor) -> Tensor:
        count = self.size // 2
        # As constants: angles reach hundreds, where the last digit of an exponential of another runtime would show.
        frequencies = self.max_frequency * 10.0 ** (-4.0 * np.arange(count) / max(count - 1, 1))
        angles = ops.cast(times, "float32")[:, None] * frequencies.astype("float32")
        return ops.cast(ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1), self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        return (input_shape[0], self.size)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size, "max_frequency": self.max_frequency}
