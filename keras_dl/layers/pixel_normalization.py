"""Normalization of each pixel's features to unit mean square (Karras et al., 2018)."""

from typing import Any

import keras
from keras import ops

from keras_dl.layers import _parts
from keras_dl.layers.options import register
from keras_dl.types import Shape, Tensor


@register()
class PixelNormalization(keras.layers.Layer):
    """Scales each pixel's features to a mean square of 1: `y = x / sqrt(mean_c(x_c ** 2) + epsilon)`.

    It keeps a generator's activations from escalating and has no weights (Karras et al., 2018, section 4.2); on latents
    it is the normalization before StyleGAN's mapping network. Computed in float32.

    Args:
        epsilon: Float, added to the mean square.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Returns:
        A tensor of the input's shape, `(batch, ..., channels)`.

    Example:

    >>> y = PixelNormalization()(keras.ops.convert_to_tensor([[3.0, 4.0]]))
    >>> round(float(keras.ops.mean(y * y)), 4)
    1.0
    """

    def __init__(self, epsilon: float = 1e-8, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape: Shape) -> None:
        _parts.check_features(input_shape)

    def call(self, inputs: Tensor) -> Tensor:
        x = ops.cast(inputs, "float32")
        scale = ops.rsqrt(ops.mean(ops.square(x), axis=-1, keepdims=True) + self.epsilon)
        return ops.cast(x * scale, self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "epsilon": self.epsilon}
