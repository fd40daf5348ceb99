"""Convolutions whose input channels are scaled by a style, as StyleGAN 2 does."""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_dl.checks import check_flag, refusal
from keras_dl.layers import _parts
from keras_dl.layers.equalized import EqualizedDense
from keras_dl.layers.filtered import blurred
from keras_dl.layers.modulation import pair
from keras_dl.layers.options import register
from keras_dl.types import Shape, Tensor


@register(upsample=check_flag, demodulate=check_flag)
class ModulatedConv2D(keras.layers.Layer):
    """A convolution whose kernel each sample's style scales: weight modulation and demodulation (Karras et al., 2020).

    Sample b has the kernel `s_bi W_kio / sqrt(sum_ki (s_bi W_kio)^2 + epsilon)` with styles `s = 1 + A w` (equations 1
    and 3): its outputs have unit variance for inputs of unit variance. A kernel is the same for all samples up to a
    factor for each input and each output channel, so that the layer scales the channels and a batch is one convolution
    ("grouped" over samples, without groups).

    Args:
        filters: Int, output channels.
        kernel_size: Int, 1, 3 or 5.
        upsample: Boolean, double the size: a transposed convolution of stride 2 and the filter [1, 3, 3, 1] / 8.
        demodulate: Boolean; the last convolution, to colours, is not demodulated.
        epsilon: Float.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: List `[x, w]` of tensors `(batch, height, width, channels)` and `(batch, style_size)`.

    Returns:
        A tensor of shape `(batch, height, width, filters)`, or of twice that height and width.

    Raises:
        ValueError: If the inputs are not such a pair.

    Example:

    >>> x, w = keras.random.normal((8, 16, 16, 32)), keras.random.normal((8, 5))
    >>> y = ModulatedConv2D(64)([x, 3.0 * w])
    >>> bool(0.8 < float(keras.ops.std(y)) < 1.1)
    True
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        upsample: bool = False,
        demodulate: bool = True,
        epsilon: float = 1e-8,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if kernel_size not in (1, 3, 5):
            raise refusal("`kernel_size` should be 1, 3 or 5", kernel_size=kernel_size)
        self.filters = filters
        self.kernel_size = kernel_size
        self.upsample = upsample
        self.demodulate = demodulate
        self.epsilon = epsilon
        self.affine: keras.layers.Layer = None
        self.kernel: Tensor = None

    def build(self, input_shape: Sequence[Shape]) -> None:
        shape, style_shape = pair(input_shape, "ModulatedConv2D", (4,))
        _parts.check_rank(style_shape, "the style of ModulatedConv2D", (2,))
        self.affine = _parts.part(self, EqualizedDense, "affine", units=shape[-1], gain=1.0)
        self.affine.build(style_shape)
        initializer = keras.initializers.RandomNormal(stddev=1.0)
        kernel_shape = (self.kernel_size, self.kernel_size, shape[-1], self.filters)
        self.kernel = self.add_weight(name="kernel", shape=kernel_shape, initializer=initializer)

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        x, style = inputs
        kernel = self._scaled_kernel()
        scale = 1.0 + ops.cast(self.affine(style), "float32")
        if self.demodulate:
            scale, kernel, demodulation = self._normalized(scale, kernel)
        y = self._convolved(x * ops.cast(scale, x.dtype)[:, None, None], ops.cast(kernel, x.dtype))
        return y * ops.cast(demodulation, x.dtype)[:, None, None] if self.demodulate else y

    @property
    def convolution_kernel(self) -> Tensor | None:
        """The kernel that convolves where styles are 1; `None` with demodulation, which takes its size back."""
        return None if self.demodulate else self._scaled_kernel()

    def _scaled_kernel(self):
        return ops.cast(self.kernel, "float32") / math.sqrt(math.prod(self.kernel.shape[:-1]))

    def _normalized(self, scale, kernel):
        """Styles and kernel of at most 1, against overflow in half precision, and the factors of demodulation."""
        # What both are divided by drops out of the result, and needs no gradient.
        scale = scale / ops.stop_gradient(ops.max(ops.abs(scale), axis=-1, keepdims=True) + self.epsilon)
        kernel = kernel / ops.stop_gradient(ops.max(ops.abs(kernel), axis=(0, 1, 2), keepdims=True) + self.epsilon)
        squares = ops.matmul(ops.square(scale), ops.sum(ops.square(kernel), axis=(0, 1)))
        return scale, kernel, ops.rsqrt(squares + self.epsilon)

    def _convolved(self, x, kernel):
        if not self.upsample:
            return ops.conv(x, kernel, 1, "same", "channels_last")
        x = ops.conv_transpose(x, ops.transpose(kernel, (0, 1, 3, 2)), 2, "valid", data_format="channels_last")
        # What the filter needs beyond what the transposed convolution gave, whose last row is one of zeros if k = 1.
        before = 3 - (self.kernel_size + 1) // 2
        after = 1 if self.kernel_size == 1 else before
        return blurred(x, 4, (before, after), gain=4.0)

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> tuple:
        batch, *sizes, _ = input_shape[0]
        factor = 2 if self.upsample else 1
        return (batch, *(size and factor * size for size in sizes), self.filters)

    def get_config(self) -> dict[str, Any]:
        names = ("filters", "kernel_size", "upsample", "demodulate", "epsilon")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
