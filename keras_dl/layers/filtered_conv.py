"""Equalized convolutions that halve the size of images after a low-pass filter (StyleGAN 2's critic)."""

from typing import Any

from keras import ops

from keras_dl.layers.arithmetic import spread
from keras_dl.layers.equalized import EqualizedConv2D
from keras_dl.layers.filtered import blurred
from keras_dl.layers.options import register


@register()
class FilteredConv2D(EqualizedConv2D):
    """An equalized convolution of stride 2 behind the filter [1, 3, 3, 1] / 8 (Karras et al., 2020).

    There are zeros beyond the border. A 1x1 convolution filters and drops pixels first.

    Args:
        filters: Int, output channels.
        kernel_size: Int, odd.
        **kwargs: `use_bias`, `gain`, `lr_multiplier`, `activation`: see `EqualizedDense`.

    Returns:
        A tensor of shape `(batch, ceil(height / 2), ceil(width / 2), filters)`.

    Example:

    >>> FilteredConv2D(8, 3)(keras.ops.ones((1, 6, 4, 3))).shape
    TensorShape([1, 3, 2, 8])
    """

    def __init__(self, filters: int, kernel_size: int = 3, **kwargs):
        super().__init__(filters, kernel_size, strides=2, padding="same", **kwargs)

    def _apply(self, inputs, kernel):
        rows, columns = spread(self.kernel_size, 2, "kernel_size")
        if (rows, columns) == (1, 1):
            return ops.conv(blurred(inputs, 4, (1, 2), strides=2), kernel, 1, "valid", "channels_last")
        x = blurred(inputs, 4, (1 + rows // 2, 2 + rows // 2))
        return ops.conv(x, kernel, 2, "valid", "channels_last")

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return {name: value for name, value in config.items() if name not in ("strides", "padding")}
