"""Positions in feature maps, for networks of attention."""

import numpy as np
from keras import layers, ops

from keras_dl.checks import refusal
from keras_dl.layers import _parts
from keras_dl.layers.options import register
from keras_dl.types import Shape, Tensor


@register()
class PositionEmbedding(layers.Layer):
    r"""Adds fixed sines and cosines of the row and the column to feature maps (Vaswani et al., 2017; ViT's form).

    Of the channels, a quarter each are $\sin(\omega_i r), \cos(\omega_i r), \sin(\omega_i c), \cos(\omega_i c)$ of
    row $r$ and column $c$, with $\omega_i = 10000^{-4 i / \text{channels}}$.

    Args:
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Returns:
        A tensor of the shape of the input, `(batch, height, width, channels)`.

    Raises:
        ValueError: If the input is no such feature map, its sides are unknown, or its channels no multiple of 4.

    Example:

    >>> y = PositionEmbedding()(keras.ops.zeros((1, 1, 2, 4)))
    >>> keras.ops.convert_to_numpy(y).round(2)[0, 0].tolist()
    [[0.0, 1.0, 0.0, 1.0], [0.0, 1.0, 0.8399999737739563, 0.5400000214576721]]
    """

    def build(self, input_shape: Shape) -> None:
        shape = tuple(input_shape)
        _parts.check_rank(shape, "PositionEmbedding", (4,))
        if None in shape[1:] or shape[-1] % 4:
            raise refusal("inputs should have known sides, and a multiple of 4 channels", f"input shape {shape}")
        height, width, channels = shape[1:]
        frequencies = 10_000.0 ** (-np.arange(channels // 4) / (channels // 4))
        rows, columns = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
        angles = [axis[..., None] * frequencies for axis in (rows, columns)]
        waves = [wave(angle) for angle in angles for wave in (np.sin, np.cos)]
        self.waves = np.concatenate(waves, axis=-1).astype("float32")

    def call(self, inputs: Tensor) -> Tensor:
        return inputs + ops.cast(self.waves, inputs.dtype)

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        return tuple(input_shape)
