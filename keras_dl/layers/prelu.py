"""The rectifier with a learned slope, as the course starts it."""

from typing import Any

import keras
from keras import ops

from keras_dl.checks import check_number
from keras_dl.layers._parts import check_features
from keras_dl.layers.options import check_initializer, register
from keras_dl.types import Initializer, Regularizer, Shape, Tensor


def _check_alpha(value, name):
    return (check_number if isinstance(value, (int, float)) else check_initializer)(value, name)


@register(alpha_initializer=_check_alpha)
class PReLU(keras.layers.Layer):
    """Rectifier with a learned slope: `max(0, x) + a min(0, x)` (He et al., 2015, "Delving deep into rectifiers").

    The slope starts at 0.25, and there is one for all inputs or one per channel. (`keras.layers.PReLU` starts at 0 and
    has one for each element.)

    Args:
        per_channel: Boolean, one slope per channel (the last axis) rather than one in all.
        alpha_initializer: Keras initializer, or the slope to start from.
        alpha_regularizer: Keras regularizer; the paper uses none, as decay pulls the slope to 0.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Returns:
        A tensor of the input's shape.

    Example:

    >>> [float(y) for y in PReLU()(keras.ops.array([-4.0, 0.0, 2.0]))]
    [-1.0, 0.0, 2.0]
    """

    def __init__(
        self,
        per_channel: bool = False,
        alpha_initializer: float | Initializer = 0.25,
        alpha_regularizer: Regularizer | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if isinstance(alpha_initializer, (int, float)):
            alpha_initializer = keras.initializers.Constant(alpha_initializer)
        self.per_channel = per_channel
        self.alpha_initializer = keras.initializers.get(alpha_initializer)
        self.alpha_regularizer = keras.regularizers.get(alpha_regularizer)
        self.supports_masking = True
        self.alpha = None

    def build(self, input_shape: Shape) -> None:
        if self.per_channel:
            check_features(input_shape)
        shape = (input_shape[-1],) if self.per_channel else (1,)
        self.alpha = self.add_weight(
            name="alpha", shape=shape, initializer=self.alpha_initializer, regularizer=self.alpha_regularizer
        )

    def call(self, inputs: Tensor) -> Tensor:
        # Faster than a choice between the two or a minimum, and equal to them, also in the gradient at 0.
        positive = ops.relu(inputs)
        return positive + self.alpha * (inputs - positive)

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "per_channel": self.per_channel,
            "alpha_initializer": keras.initializers.serialize(self.alpha_initializer),
            "alpha_regularizer": keras.regularizers.serialize(self.alpha_regularizer),
        }
