"""Pooling of complex feature maps, part by part, which keeps magnitudes and phases equivariant."""

from typing import Any

import keras
from keras import ops

from keras_dl.layers.arithmetic import conv_output_size, spread
from keras_dl.layers.blur_pool import BlurPool2D
from keras_dl.layers.harmonic import _complex_axes
from keras_dl.layers.options import register
from keras_dl.types import Shape, Sizes, Tensor


class _OnPlanes(keras.layers.Layer):
    """Base: applies `pooled` to all orders, real and imaginary parts and channels as the channels of one image."""

    def build(self, input_shape: Shape) -> None:
        _complex_axes(input_shape, type(self).__name__)
        self.compute_output_shape(input_shape)

    def call(self, inputs: Tensor) -> Tensor:
        _, height, width, orders, _, channels = ops.shape(inputs)
        x = self.pooled(ops.reshape(inputs, (-1, height, width, orders * 2 * channels)))
        return ops.reshape(x, (-1, *ops.shape(x)[1:3], orders, 2, channels))

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        return (input_shape[0], *self.pooled_sizes(input_shape[1:3]), *input_shape[3:])


@register()
class HarmonicPooling2D(_OnPlanes):
    """Average pooling of complex feature maps (Worrall et al., 2017).

    Args:
        pool_size: Int or pair of ints, also the stride.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Returns:
        A tensor of shape `(batch, height // pool_size, width // pool_size, orders, 2, channels)`.

    Raises:
        ValueError: If the input does not hold complex feature maps.

    Example:

    >>> HarmonicPooling2D(2)(keras.ops.ones((1, 6, 6, 2, 2, 3))).shape
    TensorShape([1, 3, 3, 2, 2, 3])
    """

    def __init__(self, pool_size: Sizes = 2, **kwargs):
        super().__init__(**kwargs)
        self.pool_size = pool_size

    def pooled(self, x: Tensor) -> Tensor:
        """Averages windows of an image."""
        return ops.average_pool(x, self.pool_size, self.pool_size, "valid", "channels_last")

    def pooled_sizes(self, sizes: Shape) -> tuple:
        """The sides of the pooled image."""
        pool = spread(self.pool_size, 2, "pool_size")
        return tuple(conv_output_size(n, p, p) for n, p in zip(sizes, pool, strict=True))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "pool_size": self.pool_size}


@register()
class HarmonicBlurPool2D(_OnPlanes):
    """`BlurPool2D` of complex feature maps: the binomial filter [1, 3, 3, 1] / 8, then a stride of 2 (Zhang, 2019).

    A filter of even size lies as the windows of 2x2 do: quarter turns of maps of even sides are quarter turns of their
    pooled maps, as with `HarmonicPooling2D`, of which this is the anti-aliased form.

    Args:
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Returns:
        A tensor of shape `(batch, ceil(height / 2), ceil(width / 2), orders, 2, channels)`.

    Raises:
        ValueError: If the input does not hold complex feature maps, or has a side below 3.

    Example:

    >>> HarmonicBlurPool2D()(keras.ops.ones((1, 6, 6, 2, 2, 3))).shape
    TensorShape([1, 3, 3, 2, 2, 3])
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._blur = BlurPool2D(4, 2, dtype=self.dtype_policy)

    def pooled(self, x: Tensor) -> Tensor:
        """Blurs an image and takes every other pixel."""
        return self._blur(x)

    def pooled_sizes(self, sizes: Shape) -> tuple:
        """The sides of the pooled image."""
        return tuple(self._blur.compute_output_shape((None, *sizes, 1))[1:3])
