"""Local response normalisation across channels (AlexNet; Krizhevsky et al., 2012)."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_dl.layers import _parts
from keras_dl.layers.options import register
from keras_dl.types import Shape, Tensor


@register()
class LocalResponseNormalization(keras.layers.Layer):
    """Divides each channel by a power of the mean square of its neighbours.

    `y_c = x_c / (k + alpha / n sum_j x_j^2)^beta`, with j over the n channels from `c - floor(n / 2)` to
    `c + floor((n - 1) / 2)`; those beyond the first and last count as zeros, and n stays the divisor. Defaults and
    divisor are PyTorch's. Krizhevsky et al. (2012, section 3.3) have no divisor: their `k = 2, n = 5, alpha = 1e-4,
    beta = 0.75` is `size=5, alpha=5e-4, beta=0.75, k=2.0` here.

    Args:
        size: Int, n.
        alpha: Float of at least 0.
        beta: Float.
        k: Float above 0, so that zeros have a finite gradient.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Returns:
        A tensor of the input's shape, `(batch, *spatial, channels)`. Sums are float32 in mixed precision, whose
        squares would overflow.

    Raises:
        ValueError: If an argument is out of range, or the input is not channels-last of rank 3 to 5.

    Example:

    >>> layer = LocalResponseNormalization(size=3, alpha=3.0, beta=1.0)
    >>> [round(float(y), 3) for y in layer(keras.ops.ones((1, 1, 1, 4)))[0, 0, 0]]
    [0.333, 0.25, 0.25, 0.333]
    """

    def __init__(self, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def build(self, input_shape: Shape) -> None:
        _parts.check_rank(input_shape, "LocalResponseNormalization")

    def call(self, inputs: Tensor) -> Tensor:
        x = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        # One product with a band of ones reads the activations once; sums of shifted slices read them n times.
        means = ops.matmul(ops.square(x), ops.cast(_band(x.shape[-1], self.size) / self.size, x.dtype))
        return ops.cast(x * ops.power(self.k + self.alpha * means, -self.beta), self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size, "alpha": self.alpha, "beta": self.beta, "k": self.k}


def _band(channels, size):
    """Returns the matrix whose column c has ones in the rows that lie in the window of channel c."""
    offsets = np.arange(channels)[:, None] - np.arange(channels)
    return ((offsets >= -(size // 2)) & (offsets <= (size - 1) // 2)).astype("float32")
