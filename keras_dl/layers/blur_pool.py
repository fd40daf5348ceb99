"""Anti-aliased downsampling: a binomial low-pass filter before the stride (Zhang, 2019)."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_dl.checks import refusal
from keras_dl.layers._parts import check_rank
from keras_dl.layers.arithmetic import conv_output_size, spread
from keras_dl.layers.options import register
from keras_dl.types import Shape, Sizes, Tensor


class _BlurPool(keras.layers.Layer):
    rank: int

    def __init__(self, kernel_size: int = 3, strides: Sizes = 2, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(kernel_size, int) or kernel_size < 1:
            raise refusal("`kernel_size` should be a positive integer", kernel_size=kernel_size)
        spread(strides, self.rank, "strides")
        self.kernel_size = kernel_size
        self.strides = strides

    def build(self, input_shape: Shape) -> None:
        check_rank(input_shape, type(self).__name__, (self.rank + 2,))
        self._check_size(input_shape)

    def call(self, inputs: Tensor) -> Tensor:
        before, after = (self.kernel_size - 1) // 2, self.kernel_size // 2
        x = ops.pad(inputs, [(0, 0), *[(before, after)] * self.rank, (0, 0)], mode="reflect")
        strides = spread(self.strides, self.rank, "strides")
        if self.rank == 2:
            return blur_plane(x, self.kernel_size, strides)
        if self.rank == 1:
            return ops.squeeze(blur_plane(ops.expand_dims(x, 2), (self.kernel_size, 1), (*strides, 1)), 2)
        return self._blur_volume(x, strides)

    def _blur_volume(self, x, strides):
        """Blurs each depth's plane, then along depth with the plane's pixels in a row."""
        channels = x.shape[-1]
        depth, height, width = ops.shape(x)[1:4]
        x = blur_plane(ops.reshape(x, (-1, height, width, channels)), self.kernel_size, strides[1:])
        height, width = ops.shape(x)[1:3]
        x = ops.reshape(x, (-1, depth, height * width, channels))
        x = blur_plane(x, (self.kernel_size, 1), (strides[0], 1))
        return ops.reshape(x, (-1, ops.shape(x)[1], height, width, channels))

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        self._check_size(input_shape)
        sizes = zip(input_shape[1:-1], spread(self.strides, self.rank, "strides"), strict=True)
        return (input_shape[0], *(conv_output_size(n, 1, s, "same") for n, s in sizes), input_shape[-1])

    def _check_size(self, input_shape):
        smallest = self.kernel_size // 2 + 1
        if any(n is not None and n < smallest for n in input_shape[1:-1]):
            raise refusal(
                f"Reflection padding for a filter of size {self.kernel_size} needs sizes of at least {smallest}",
                f"input_shape={tuple(input_shape)}",
            )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "kernel_size": self.kernel_size, "strides": self.strides}


@register()
class BlurPool1D(_BlurPool):
    """`BlurPool2D` for sequences of shape `(batch, length, channels)`."""

    rank = 1


@register()
class BlurPool2D(_BlurPool):
    """Downsamples images after a binomial low-pass filter, so that they change little when the input shifts.

    `y = (b b^T * x)[::s, ::s]` channel by channel, with b the binomial filter, [1, 2, 1] / 4 for size 3 and [1, 3, 3,
    1] / 8 for size 4, and reflection padding of floor((k - 1) / 2) before and ceil((k - 1) / 2) after (Zhang, 2019,
    "Making convolutional networks shift-invariant again"). It has no weights.

    Under shifts of up to four pixels a small network with a dense head gives MNIST's digits the same class in 60.5% of
    pairs with `MaxBlurPool2D` and in 56.3% with max pooling, at 97.7% and 97.9% accuracy (means of three seeds,
    `benchmarks/shift_consistency.py`, which also has a network that gains nothing).

    Args:
        kernel_size: Int, the size k of the filter.
        strides: Int or pair of ints, s.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Returns:
        A tensor of shape `(batch, ceil(height / s), ceil(width / s), channels)`.

    Raises:
        ValueError: If an image is too small for the reflection padding.

    Example:

    >>> BlurPool2D()(keras.ops.ones((1, 7, 8, 3))).shape
    TensorShape([1, 4, 4, 3])
    """

    rank = 2


@register()
class BlurPool3D(_BlurPool):
    """`BlurPool2D` for volumes of shape `(batch, depth, height, width, channels)`.

    Args:
        kernel_size: Int, the size k of the binomial filter along each axis.
        strides: Int or three ints, s.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Returns:
        A tensor of shape `(batch, ceil(depth / s), ceil(height / s), ceil(width / s), channels)`.

    Raises:
        ValueError: If a volume is too small for the reflection padding.

    Example:

    >>> BlurPool3D(strides=(1, 2, 2))(keras.ops.ones((1, 4, 6, 6, 2))).shape
    TensorShape([1, 4, 3, 3, 2])
    """

    rank = 3


@register()
class MaxBlurPool2D(keras.layers.Layer):
    """Anti-aliased max pooling: the maximum at stride 1, then `BlurPool2D` with the stride (Zhang, 2019).

    Args:
        pool_size: Int or pair of ints, the window of the maximum.
        strides: Int or pair of ints.
        padding: `"valid"` or `"same"`, of the maximum. With `"valid"` and a window of 2 the output size is that of
            `MaxPooling2D(2)`.
        kernel_size: Int, the size of the binomial filter.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Returns:
        A tensor of shape `(batch, ceil(h / strides), ceil(w / strides), channels)` with h, w the size after the
        maximum.

    Raises:
        ValueError: If an image is too small for the window or the reflection padding.

    Example:

    >>> MaxBlurPool2D()(keras.ops.ones((1, 28, 28, 3))).shape
    TensorShape([1, 14, 14, 3])
    """

    def __init__(
        self, pool_size: Sizes = 2, strides: Sizes = 2, padding: str = "valid", kernel_size: int = 3, **kwargs
    ):
        super().__init__(**kwargs)
        if padding not in ("valid", "same"):
            raise refusal("`padding` should be 'valid' or 'same'", padding=padding)
        self.pool_size = pool_size
        self.strides = strides
        self.padding = padding
        self.kernel_size = kernel_size
        self.blur = BlurPool2D(kernel_size, strides, dtype=self.dtype_policy, name="blur")

    def build(self, input_shape: Shape) -> None:
        check_rank(input_shape, "MaxBlurPool2D", (4,))
        self.blur.build(self._maximum_shape(input_shape))

    def call(self, inputs: Tensor) -> Tensor:
        maximum = ops.max_pool(inputs, self.pool_size, 1, self.padding, data_format="channels_last")
        return self.blur(maximum)

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        return self.blur.compute_output_shape(self._maximum_shape(input_shape))

    def _maximum_shape(self, input_shape):
        pool = spread(self.pool_size, 2, "pool_size")
        sizes = (conv_output_size(n, k, 1, self.padding) for n, k in zip(input_shape[1:-1], pool, strict=True))
        return (input_shape[0], *sizes, input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "strides": self.strides,
            "padding": self.padding,
            "kernel_size": self.kernel_size,
        }


BLUR_POOLS = {1: BlurPool1D, 2: BlurPool2D, 3: BlurPool3D}


def blur_plane(x, kernel_size, strides):
    """Filters the two axes of padded planes `(batch, height, width, channels)` by binomial filters."""
    rows, columns = (binomial(k) for k in spread(kernel_size, 2, "kernel_size"))
    kernel = np.repeat(np.outer(rows, columns)[:, :, None, None], x.shape[-1], axis=2)
    kernel = ops.cast(kernel, x.dtype)
    if strides[0] == strides[1]:
        return ops.depthwise_conv(x, kernel, strides[0], "valid", "channels_last")
    # The convolution wants equal strides on a CPU.
    return ops.depthwise_conv(x, kernel, 1, "valid", "channels_last")[:, :: strides[0], :: strides[1]]


def binomial(size):
    """The binomial filter of a size, which adds up to 1."""
    return np.array([math.comb(size - 1, i) for i in range(size)], dtype="float32") / 2 ** (size - 1)
