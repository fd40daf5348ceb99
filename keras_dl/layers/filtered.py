"""Up- and downsampling of images through a binomial low-pass filter and zeros beyond the border (StyleGAN 2)."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_dl.layers._parts import check_rank
from keras_dl.layers.blur_pool import binomial, blur_plane
from keras_dl.layers.channel_filter import filtered
from keras_dl.layers.options import register
from keras_dl.types import Shape, Tensor


def blurred(x, kernel_size=4, padding=(2, 1), strides=1, gain=1.0):
    """Returns `gain` times images after a binomial filter, with `padding` zeros before and after each axis.

    Args:
        x: Tensor `(batch, height, width, channels)`.
        kernel_size: Int, the size k of the filter; 4 is [1, 3, 3, 1] / 8.
        padding: Pair of ints, zeros before and after each spatial axis.
        strides: Int, every how many pixels are kept.
        gain: Float.
    """
    before, after = padding
    if strides != 1 or max(padding) >= kernel_size:
        x, before, after = ops.pad(x, [(0, 0), padding, padding, (0, 0)]), 0, 0
    if strides != 1:
        x = blur_plane(x, kernel_size, (strides, strides))
        return x if gain == 1.0 else x * gain
    line = binomial(kernel_size)
    return filtered(x, gain * np.outer(line, line), [(before, after)] * 2)


class _Filtered(keras.layers.Layer):
    """Base: the size of a binomial filter, images of rank 4."""

    def __init__(self, kernel_size: int = 4, **kwargs):
        super().__init__(**kwargs)
        self.kernel_size = kernel_size

    def build(self, input_shape: Shape) -> None:
        check_rank(input_shape, type(self).__name__, (4,))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "kernel_size": self.kernel_size}


@register()
class FilteredUpsampling2D(_Filtered):
    """Doubles the size of images: zeros between the pixels, then 4 times a binomial filter (Karras et al., 2020).

    With [1, 3, 3, 1] / 8 along each axis the new pixels are 3/4 of the nearest and 1/4 of the next one, as in bilinear
    interpolation, except that there are zeros beyond the border. It has no weights.

    Args:
        kernel_size: Int, the size k of the filter, at least 2.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Returns:
        A tensor of shape `(batch, 2 height, 2 width, channels)`.

    Example:

    >>> x = keras.ops.ones((1, 1, 2, 1))
    >>> FilteredUpsampling2D()(x)[0, 0, :, 0].numpy().tolist()
    [0.5625, 0.75, 0.75, 0.5625]
    """

    def call(self, inputs: Tensor) -> Tensor:
        batch, height, width = ops.shape(inputs)[:3]
        channels = inputs.shape[-1]
        # Zeros behind each pixel, then behind each row: of more than five axes LiteRT has no padding.
        x = ops.pad(inputs, [(0, 0), (0, 0), (0, 0), (0, channels)])
        x = ops.reshape(x, (batch, height, 2 * width * channels))
        x = ops.pad(x, [(0, 0), (0, 0), (0, 2 * width * channels)])
        x = ops.reshape(x, (batch, 2 * height, 2 * width, channels))
        return blurred(x, self.kernel_size, (self.kernel_size // 2, (self.kernel_size - 1) // 2), gain=4.0)

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        batch, *sizes, channels = input_shape
        return (batch, *(size and 2 * size for size in sizes), channels)


@register()
class FilteredDownsampling2D(_Filtered):
    """Halves the size of images: a binomial filter, then every second pixel (Karras et al., 2020).

    Unlike `BlurPool2D`, which reflects images at their border, it has zeros beyond, as StyleGAN 2 and 3 do. It has no
    weights.

    Args:
        kernel_size: Int, the size k of the filter; 4 is [1, 3, 3, 1] / 8.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Returns:
        A tensor of shape `(batch, ceil(height / 2), ceil(width / 2), channels)`.

    Example:

    >>> FilteredDownsampling2D()(keras.ops.ones((1, 4, 4, 1)))[0, 1, :, 0].numpy().tolist()
    [0.765625, 0.765625]
    """

    def call(self, inputs: Tensor) -> Tensor:
        return blurred(inputs, self.kernel_size, ((self.kernel_size - 1) // 2, self.kernel_size // 2), strides=2)

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        batch, *sizes, channels = input_shape
        return (batch, *(size and (size + 1) // 2 for size in sizes), channels)
