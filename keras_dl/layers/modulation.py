"""Layers through which a condition or a style scales and shifts feature maps."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_dl.checks import refusal
from keras_dl.layers import _parts
from keras_dl.layers.equalized import EqualizedDense
from keras_dl.layers.options import register
from keras_dl.types import Initializer, Regularizer, Shape, Tensor


class _Modulation(keras.layers.Layer):
    """Base: a dense layer that gives a scale, as the difference from 1, and a shift for each channel."""

    def __init__(
        self,
        kernel_initializer: Initializer = "glorot_uniform",
        kernel_regularizer: Regularizer | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.affine: keras.layers.Layer = None

    def _dense(self, channels):
        return _parts.part(
            self,
            keras.layers.Dense,
            "affine",
            units=2 * channels,
            kernel_initializer=self.kernel_initializer,
            kernel_regularizer=self.kernel_regularizer,
        )

    def _scale_and_shift(self, condition, rank):
        spatial = tuple(range(1, rank - 1))
        scale, shift = ops.split(self.affine(condition), 2, axis=-1)
        return 1.0 + ops.expand_dims(scale, spatial), ops.expand_dims(shift, spatial)

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> tuple:
        return tuple(input_shape[0])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
        }


@register()
class FiLM(_Modulation):
    """Feature-wise linear modulation: `y = gamma(c) x + beta(c)`, a scale and a shift per channel (Perez et al., 2018).

    `gamma(c) = 1 + W_g c + b_g` and `beta(c) = W_b c + b_b`, by one dense layer.

    Args:
        kernel_initializer: Keras initializer; `"zeros"` starts from the identity.
        kernel_regularizer: Keras regularizer.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: List `[x, condition]` of tensors `(batch, *spatial, channels)` and `(batch, features)`.

    Returns:
        A tensor of the shape of `x`.

    Raises:
        ValueError: If the inputs are not such a pair.

    Example:

    >>> x, condition = keras.ops.ones((2, 4, 4, 3)), keras.ops.ones((2, 5))
    >>> float(keras.ops.max(FiLM(kernel_initializer="zeros")([x, condition])))
    1.0
    """

    def build(self, input_shape: Sequence[Shape]) -> None:
        shape, condition_shape = pair(input_shape, "FiLM", (2, 3, 4, 5))
        if len(condition_shape) != 2:
            raise refusal("the condition should have the shape (batch, features)", condition_shape)
        self.affine = self._dense(shape[-1])
        self.affine.build(condition_shape)

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        x, condition = inputs
        scale, shift = self._scale_and_shift(condition, len(x.shape))
        return scale * x + shift


@register()
class AdaptiveInstanceNorm(_Modulation):
    """Gives each image's channels the mean and the deviation that a style asks for.

    `y = s (x - mu(x)) / sqrt(var(x) + epsilon) + b`, with mu and var over the spatial axes of each image and channel.
    If the style is a vector, `s = 1 + W_s w + b_s` and `b = W_b w + b_b` (StyleGAN; Karras et al., 2019, equation
    1); if it is feature maps, s and b are their deviation and mean, and there are no weights (Huang and Belongie,
    2017, equation 8).

    Args:
        epsilon: Float, added to the variances.
        equalized: Boolean, use an `EqualizedDense` for a style vector, as StyleGAN does.
        kernel_initializer: Keras initializer of the dense layer, unless it is equalized.
        kernel_regularizer: Keras regularizer of the dense layer, unless it is equalized.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: List `[x, style]`: a tensor `(batch, *spatial, channels)`, and a style `(batch, features)` or
            `(batch, *any_spatial, channels)`.

    Returns:
        A tensor of the shape of `x`.

    Raises:
        ValueError: If the inputs are not such a pair.

    Example:

    >>> x, style = keras.random.normal((2, 8, 8, 3)), keras.random.normal((2, 6, 6, 3)) * 5.0
    >>> y = AdaptiveInstanceNorm()([x, style])
    >>> bool(keras.ops.max(keras.ops.abs(keras.ops.mean(y, (1, 2)) - keras.ops.mean(style, (1, 2)))) < 1e-4)
    True
    """

    def __init__(self, epsilon: float = 1e-5, equalized: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon
        self.equalized = equalized

    def build(self, input_shape: Sequence[Shape]) -> None:
        shape, style_shape = pair(input_shape, "AdaptiveInstanceNorm", (3, 4, 5))
        if len(style_shape) == 2:
            channels = shape[-1]
            equalized = self.equalized
            self.affine = (
                _parts.part(self, EqualizedDense, "affine", units=2 * channels) if equalized else self._dense(channels)
            )
            self.affine.build(style_shape)
        elif len(style_shape) != len(shape) or style_shape[-1] != shape[-1]:
            raise refusal(
                "the style should be a vector, or feature maps of the input's rank and channels",
                f"input {shape}, style {style_shape}",
            )

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        x, style = inputs
        rank = len(x.shape)
        if len(style.shape) == 2:
            scale, shift = self._scale_and_shift(style, rank)
        else:
            shift, variance = self._moments(style)
            scale = ops.sqrt(variance + self.epsilon)
        mean, variance = self._moments(x)
        normalized = (ops.cast(x, "float32") - mean) * ops.rsqrt(variance + self.epsilon)
        return ops.cast(ops.cast(scale, "float32") * normalized + ops.cast(shift, "float32"), self.compute_dtype)

    def _moments(self, x):
        """Returns each image's means and variances, in float32."""
        return ops.moments(ops.cast(x, "float32"), tuple(range(1, len(x.shape) - 1)), keepdims=True)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "epsilon": self.epsilon, "equalized": self.equalized}


def pair(input_shape, name, ranks):
    """The two shapes of a pair of inputs, the first of one of the ranks, or a `ValueError`."""
    if len(input_shape) != 2 or not all(isinstance(shape, (list, tuple)) for shape in input_shape):
        raise refusal(f"`{name}` expects a pair of tensors", f"input_shape={input_shape}")
    shape, condition_shape = (tuple(shape) for shape in input_shape)
    _parts.check_rank(shape, name, ranks)
    return shape, condition_shape
