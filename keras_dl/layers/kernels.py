"""Dense layers and convolutions of one kernel, whatever the class behind them makes of the kernel before it is used."""

from typing import Any

import keras
from keras import ops

from keras_dl.checks import refusal
from keras_dl.layers import _parts
from keras_dl.layers.arithmetic import conv_output_size, spread
from keras_dl.types import Shape, Sizes


class DenseKernel(keras.layers.Layer):
    """The part of a layer that multiplies vectors by a kernel.

    Args:
        units: Int, outputs.
        **kwargs: Arguments of the class behind it.
    """

    def __init__(self, units: int, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def _kernel_shape(self, input_shape):
        return (input_shape[-1], self.units)

    def _apply(self, inputs, kernel):
        return ops.matmul(inputs, kernel)

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


class ConvKernel(keras.layers.Layer):
    """The part of a layer that convolves images with a kernel.

    Args:
        filters: Int, output channels.
        kernel_size: Int or pair of ints.
        strides: Int or pair of ints.
        padding: `"same"` or `"valid"`.
        **kwargs: Arguments of the class behind it.
    """

    def __init__(self, filters: int, kernel_size: Sizes = 3, strides: Sizes = 1, padding: str = "same", **kwargs):
        super().__init__(**kwargs)
        if padding not in ("same", "valid"):
            raise refusal("`padding` should be 'same' or 'valid'", padding=padding)
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.padding = padding

    def build(self, input_shape: Shape) -> None:
        _parts.check_rank(input_shape, type(self).__name__, (4,))
        super().build(input_shape)

    def _kernel_shape(self, input_shape):
        return (*spread(self.kernel_size, 2, "kernel_size"), input_shape[-1], self.filters)

    def _apply(self, inputs, kernel):
        return ops.conv(inputs, kernel, self.strides, self.padding, "channels_last")

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        kernel, strides = spread(self.kernel_size, 2, "kernel_size"), spread(self.strides, 2, "strides")
        axes = zip(input_shape[1:-1], kernel, strides, strict=True)
        return (input_shape[0], *(conv_output_size(n, k, s, self.padding) for n, k, s in axes), self.filters)

    def get_config(self) -> dict[str, Any]:
        names = ("filters", "kernel_size", "strides", "padding")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
