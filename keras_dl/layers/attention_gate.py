"""Attention gates: what the coarser features say about where to look in the finer ones (Oktay et al., 2018)."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_dl.checks import refusal
from keras_dl.layers import _parts
from keras_dl.layers.arithmetic import spread
from keras_dl.layers.grouped_conv import CONVOLUTIONS
from keras_dl.layers.options import register
from keras_dl.types import Initializer, Shape, Sizes, Tensor


@register()
class AttentionGate(keras.layers.Layer):
    """Multiplies skip features by a map of gates in (0, 1) that the coarser features open.

    `y = x a`, with `a = sigma(w relu(W_x * x + W_g g + b_g) + b)` interpolated linearly to the size of x
    (Oktay et al., 2018, equations 1 and 2). `W_x` is a convolution whose kernel is its stride and brings x to
    the grid of g; `W_g` and w are 1x1 convolutions.

    Args:
        filters: Int, channels between; `None` for half as many as x has, at least one.
        strides: Int or tuple of ints, how many times finer the grid of x is.
        kernel_initializer: Keras initializer.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: List `[x, g]` of tensors `(batch, *strides * spatial, channels)` and `(batch, *spatial, channels_g)`.

    Returns:
        A tensor of the shape of x.

    Raises:
        ValueError: If the input is not such a pair.

    Example:

    >>> gate = AttentionGate()
    >>> gate([keras.ops.ones((1, 6, 6, 4)), keras.ops.ones((1, 3, 3, 8))]).shape
    TensorShape([1, 6, 6, 4])
    """

    def __init__(
        self, filters: int | None = None, strides: Sizes = 2, kernel_initializer: Initializer = "he_normal", **kwargs
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.strides = strides
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.of_skip: keras.layers.Layer = None
        self.of_gate: keras.layers.Layer = None
        self.score: keras.layers.Layer = None

    def build(self, input_shape: Sequence[Shape]) -> None:
        shapes = [tuple(shape) for shape in input_shape]
        if len(shapes) != 2 or len(shapes[0]) != len(shapes[1]):
            raise refusal("inputs should be a pair [x, g] of equal rank", f"input_shape={shapes}")
        _parts.check_rank(shapes[0], "AttentionGate")
        rank = len(shapes[0]) - 2
        strides = spread(self.strides, rank, "strides")
        for fine, coarse, stride in zip(shapes[0][1:-1], shapes[1][1:-1], strides, strict=True):
            if None not in (fine, coarse) and fine != stride * coarse:
                raise refusal(
                    "`AttentionGate` expects x to be `strides` times as large as g",
                    f"strides={strides}, input_shape={shapes}",
                )
        filters = self.filters or max(1, shapes[0][-1] // 2)
        self.of_skip = self._convolution("of_skip", rank, filters, strides, use_bias=False)
        self.of_gate = self._convolution("of_gate", rank, filters, 1)
        self.score = self._convolution("score", rank, 1, 1)
        self.of_skip.build(shapes[0])
        self.of_gate.build(shapes[1])
        self.score.build((*shapes[1][:-1], filters))

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        x, g = inputs
        gates = ops.sigmoid(self.score(ops.relu(self.of_skip(x) + self.of_gate(g))))
        for axis, stride in enumerate(spread(self.strides, len(x.shape) - 2, "strides"), start=1):
            gates = upsample_linear(gates, stride, axis)
        return x * gates

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> tuple:
        return tuple(input_shape[0])

    def _convolution(self, name, rank, filters, strides, use_bias=True):
        return _parts.part(
            self,
            CONVOLUTIONS[rank],
            name,
            filters=filters,
            kernel_size=strides,
            strides=strides,
            padding="valid",
            data_format="channels_last",
            use_bias=use_bias,
            kernel_initializer=_parts.copy_initializer(self.kernel_initializer),
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "strides": self.strides,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


def upsample_linear(x, factor, axis):
    """Makes an axis `factor` times as long by linear interpolation between pixel centres, constant beyond the ends.

    Example:

    >>> upsample_linear(keras.ops.array([0.0, 4.0]), 2, axis=0).numpy().tolist()
    [0.0, 1.0, 3.0, 4.0]
    """
    if factor == 1:
        return x
    whole = (slice(None),) * axis
    first, last = x[(*whole, slice(0, 1))], x[(*whole, slice(-1, None))]
    before = ops.concatenate([first, x[(*whole, slice(0, -1))]], axis=axis)
    after = ops.concatenate([x[(*whole, slice(1, None))], last], axis=axis)
    phases = []
    for phase in range(factor):
        shift = (phase + 0.5) / factor - 0.5
        phases.append((1 - abs(shift)) * x + abs(shift) * (before if shift < 0 else after))
    sizes = list(ops.shape(x))
    sizes[axis] = -1
    return ops.reshape(ops.stack(phases, axis=axis + 1), sizes)
