"""Sizes that a network of strides can take: zeros after the end, and the cut back to what was asked for."""

from typing import Any

import keras
from keras import ops

from keras_dl.checks import refusal
from keras_dl.layers import _parts
from keras_dl.layers.arithmetic import spread
from keras_dl.layers.options import register
from keras_dl.types import Shape, Tensor


@register()
class PadToMultiple(keras.layers.Layer):
    """Appends zeros until every spatial size is `k multiple + remainder`, and at least `minimum`.

    Zeros come after the end only, so that pixel i of the input stays pixel i, and pixel i of a map of stride s
    begins at pixel i s.

    Args:
        multiple: Int or tuple of ints, one a spatial axis.
        remainder: Int or tuple of ints, not negative.
        minimum: Int or tuple of ints, itself of that form.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Returns:
        A tensor of shape `(batch, *sizes, channels)`.

    Raises:
        ValueError: If an argument does not fit the input's axes, or `minimum` is not of the form it should be.

    Example:

    >>> PadToMultiple(4)(keras.ops.ones((1, 5, 8, 1))).shape
    TensorShape([1, 8, 8, 1])
    """

    def __init__(self, multiple: int, remainder: int = 0, minimum: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self.multiple = multiple
        self.remainder = remainder
        self.minimum = minimum

    def build(self, input_shape: Shape) -> None:
        _parts.check_rank(input_shape, "PadToMultiple")
        for multiple, remainder, minimum in self._axes(len(input_shape) - 2):
            if (minimum - remainder) % multiple:
                raise refusal(
                    "`minimum` should be k multiple + remainder",
                    f"multiple={multiple}, remainder={remainder}, minimum={minimum}",
                )

    def call(self, inputs: Tensor) -> Tensor:
        # Not `ops.pad`: on a CPU TensorFlow 2.21 fuses it with a "same" convolution of volumes into one that does not
        # pad, so that a compiled network has smaller maps.
        x = inputs
        for axis, numbers in enumerate(self._axes(len(inputs.shape) - 2), start=1):
            shape = list(ops.shape(x))
            shape[axis] = self._missing(shape[axis], *numbers)
            if not isinstance(shape[axis], int) or shape[axis] > 0:
                x = ops.concatenate([x, ops.zeros(shape, x.dtype)], axis=axis)
        return x

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        axes = self._axes(len(input_shape) - 2)
        sizes = (n and n + self._missing(n, *axis) for n, axis in zip(input_shape[1:-1], axes, strict=True))
        return (input_shape[0], *sizes, input_shape[-1])

    @staticmethod
    def _missing(size, multiple, remainder, minimum):
        if isinstance(size, int):
            return max((remainder - size) % multiple, minimum - size)
        return ops.maximum((remainder - size) % multiple, minimum - size)

    def _axes(self, rank):
        """Returns multiple, remainder and minimum of each axis."""
        multiples = spread(self.multiple, rank, "multiple")
        remainders = spread(self.remainder, rank, "remainder", least=0)
        if self.minimum is None:
            minima = [r or m for m, r in zip(multiples, remainders, strict=True)]
        else:
            minima = spread(self.minimum, rank, "minimum")
        return list(zip(multiples, remainders, minima, strict=True))

    def get_config(self) -> dict[str, Any]:
        names = ("multiple", "remainder", "minimum")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@register()
class CropToSize(keras.layers.Layer):
    """Keeps the first `ceil((n - margin) / stride)` pixels of each axis, n being the size of another tensor.

    It undoes what `PadToMultiple` appended: for maps of stride s of a network whose unpadded convolutions take
    `margin` pixels off each axis.

    Args:
        strides: Int or tuple of ints, one a spatial axis.
        margin: Int or tuple of ints, not negative.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: List `[x, reference]` of tensors `(batch, *spatial, channels)`; `x` is at least as large as the result.

    Returns:
        A tensor of shape `(batch, *ceil((reference - margin) / strides), channels of x)`.

    Raises:
        ValueError: If the input is not a pair of tensors of equal rank 3 to 5.

    Example:

    >>> crop = CropToSize(strides=2)
    >>> crop([keras.ops.ones((1, 4, 4, 6)), keras.ops.ones((1, 5, 8, 1))]).shape
    TensorShape([1, 3, 4, 6])
    """

    def __init__(self, strides=1, margin=0, **kwargs):
        super().__init__(**kwargs)
        self.strides = strides
        self.margin = margin

    def build(self, input_shape):
        shapes = [tuple(shape) for shape in input_shape]
        if len(shapes) != 2 or len(shapes[0]) != len(shapes[1]):
            raise refusal("inputs should be a pair [x, reference] of equal rank", f"input_shape={shapes}")
        _parts.check_rank(shapes[0], "CropToSize")

    def call(self, inputs):
        x, reference = inputs
        return x[(slice(None), *(slice(0, size) for size in self._sizes(ops.shape(reference)[1:-1])))]

    def compute_output_shape(self, input_shape):
        shape, reference = (tuple(s) for s in input_shape)
        return (shape[0], *self._sizes(reference[1:-1]), shape[-1])

    def _sizes(self, sizes):
        strides = spread(self.strides, len(sizes), "strides")
        margins = [self.margin] * len(sizes) if isinstance(self.margin, int) else self.margin
        cropped = []
        for n, stride, margin in zip(sizes, strides, margins, strict=True):
            cropped.append(None if n is None else -((margin - n) // stride))
        return cropped

    def get_config(self):
        return {**super().get_config(), "strides": self.strides, "margin": self.margin}
