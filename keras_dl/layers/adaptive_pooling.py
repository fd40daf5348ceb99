"""Pooling to a given size."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_dl.checks import refusal
from keras_dl.layers._parts import check_rank
from keras_dl.layers.arithmetic import spread
from keras_dl.layers.options import register
from keras_dl.types import Shape, Sizes, Tensor


@register()
class AdaptiveAveragePooling2D(keras.layers.Layer):
    """Averages images to a given size, in windows that overlap if it does not divide theirs.

    `y_ij = mean_{a(i) <= p < b(i), a(j) <= q < b(j)} x_pq` with `a(i) = floor(i n / m)`, `b(i) = ceil((i + 1) n / m)`
    for n pixels and m outputs along an axis, as in PyTorch. Images smaller than the output are stretched. (Keras' own
    layer pools by windows of two sizes, one of which does not fit into small images in a compiled function.)

    Args:
        output_size: Int or pair of ints.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Returns:
        A tensor of shape `(batch, *output_size, channels)`.

    Raises:
        ValueError: If the input is not channels-last of rank 4 and of known size.

    Example:

    >>> layer = AdaptiveAveragePooling2D((1, 2))
    >>> [float(y) for y in keras.ops.ravel(layer(keras.ops.array([[[[1.0], [2.0], [6.0]]]])))]
    [1.5, 4.0]
    """

    def __init__(self, output_size: Sizes, **kwargs):
        super().__init__(**kwargs)
        spread(output_size, 2, "output_size")
        self.output_size = output_size

    def build(self, input_shape: Shape) -> None:
        check_rank(input_shape, "AdaptiveAveragePooling2D", (4,))
        if None in input_shape[1:3]:
            raise refusal("images should have a known size", f"input_shape={tuple(input_shape)}")

    def call(self, inputs: Tensor) -> Tensor:
        sizes = spread(self.output_size, 2, "output_size")
        rows, columns = (_means(n, m) for n, m in zip(inputs.shape[1:3], sizes, strict=True))
        x = ops.einsum("ih,bhwc->biwc", ops.cast(rows, inputs.dtype), inputs)
        return ops.einsum("jw,biwc->bijc", ops.cast(columns, inputs.dtype), x)

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        return (input_shape[0], *spread(self.output_size, 2, "output_size"), input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "output_size": self.output_size}


def _means(size, output_size):
    """Returns the matrix of shape `(output_size, size)` that takes the means of the windows along an axis."""
    i, p = np.arange(output_size)[:, None], np.arange(size)
    inside = (p >= i * size // output_size) & (p < -(-(i + 1) * size // output_size))
    return (inside / inside.sum(axis=1, keepdims=True)).astype("float32")
