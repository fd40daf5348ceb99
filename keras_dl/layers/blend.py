"""A fade between what a small network makes and what a larger one does (Karras et al., 2018)."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_dl.checks import check_number
from keras_dl.layers.options import register
from keras_dl.types import Shape, Tensor


@register(start=check_number)
class Blend(keras.layers.Layer):
    r"""Fades from one input to another as a level rises: `y = (1 - a) old + a new`.

    Here $a = \min(\max(\text{level} - \text{start}, 0), 1)$.

    By it a network holds all the levels to which it grows: at `level <= start` it is the smaller network, from
    `level >= start + 1` on the larger one (Karras et al., 2018, "Progressive growing of GANs for improved quality,
    stability, and variation", figure 2).

    Args:
        start: Number, the level at which `new` begins to show.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Inputs are `[old, new, level]`: two tensors of one shape, and levels of shape `(batch, 1)`.

    Returns:
        A tensor of the shape of `old`.

    Example:

    >>> old, new = keras.ops.zeros((1, 2)), keras.ops.ones((1, 2))
    >>> Blend(start=1)([old, new, keras.ops.array([[1.25]])]).numpy().tolist()
    [[0.25, 0.25]]
    """

    def __init__(self, start: int = 0, **kwargs):
        super().__init__(**kwargs)
        self.start = start

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        old, new, level = inputs
        share = ops.clip(level - self.start, 0.0, 1.0)
        share = ops.reshape(share, (-1, *[1] * (len(old.shape) - 1)))
        return (1.0 - share) * old + share * new  # exactly `old` at 0 and `new` at 1

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> tuple:
        return tuple(input_shape[0])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "start": self.start}
