"""Channels rearranged into pixels (Shi et al., 2016)."""

from typing import Any

import keras
from keras import ops

from keras_dl.checks import refusal
from keras_dl.layers._parts import check_rank
from keras_dl.layers.options import register
from keras_dl.types import Shape, Tensor


@register()
class PixelShuffle(keras.layers.Layer):
    """Rearranges `r^2 C` channels into C channels of an image r times as large.

    `y[h, w, c] = x[h // r, w // r, C r (h mod r) + C (w mod r) + c]` (Shi et al., 2016, equation 4, rows before
    columns), the order of TensorFlow's `depth_to_space`. PyTorch's `PixelShuffle` reads channel `r^2 c + r (h mod r) +
    (w mod r)` there: permute the channels of the convolution before it when weights are carried over.

    Args:
        upscale_factor: Int, r.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Returns:
        A tensor of shape `(batch, r height, r width, channels / r^2)`.

    Raises:
        ValueError: If `r^2` does not divide the channels.

    Example:

    >>> x = keras.ops.reshape(keras.ops.arange(4.0), (1, 1, 1, 4))
    >>> PixelShuffle(2)(x)[0, :, :, 0].numpy().tolist()
    [[0.0, 1.0], [2.0, 3.0]]
    """

    def __init__(self, upscale_factor: int, **kwargs):
        super().__init__(**kwargs)
        self.upscale_factor = upscale_factor

    def build(self, input_shape: Shape) -> None:
        check_rank(input_shape, "PixelShuffle", (4,))
        self.compute_output_shape(input_shape)

    def call(self, inputs: Tensor) -> Tensor:
        r = self.upscale_factor
        _, height, width, channels = ops.shape(inputs)
        x = ops.reshape(inputs, (-1, height, width, r, r, channels // r**2))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        return ops.reshape(x, (-1, height * r, width * r, channels // r**2))

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        batch, height, width, channels = input_shape
        r = self.upscale_factor
        if channels % r**2:
            raise refusal(
                f"The channels should be a multiple of upscale_factor^2 = {r**2}", f"input_shape={tuple(input_shape)}"
            )
        return (batch, height and height * r, width and width * r, channels // r**2)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "upscale_factor": self.upscale_factor}
