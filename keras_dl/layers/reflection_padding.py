"""Images continued by their mirror images."""

from typing import Any

import keras
from keras import ops

from keras_dl.checks import check_counts, refusal
from keras_dl.layers._parts import check_rank
from keras_dl.layers.options import register
from keras_dl.types import Shape, Sizes, Tensor


@register(padding=check_counts)
class ReflectionPadding2D(keras.layers.Layer):
    """Continues images beyond their borders by mirror images, without repeating the border itself.

    Args:
        padding: Int, pixels on each side; or a tuple of two, above and below, left and right. Less than the image's.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Returns:
        A tensor of shape `(batch, height + 2 padding, width + 2 padding, channels)`.

    Raises:
        ValueError: If the image is not larger than the padding.

    Example:

    >>> x = keras.ops.reshape(keras.ops.arange(3.0), (1, 3, 1, 1)) + keras.ops.zeros((1, 3, 3, 1))
    >>> ReflectionPadding2D(2)(x)[0, :, 0, 0].numpy().tolist()
    [2.0, 1.0, 0.0, 1.0, 2.0, 1.0, 0.0]
    """

    def __init__(self, padding: Sizes = 1, **kwargs):
        super().__init__(**kwargs)
        self.padding = padding

    @property
    def _sides(self):
        return tuple(self.padding) if isinstance(self.padding, (list, tuple)) else (self.padding, self.padding)

    def build(self, input_shape: Shape) -> None:
        check_rank(input_shape, "ReflectionPadding2D", (4,))
        if len(self._sides) != 2:
            raise refusal("`padding` should be an integer or two", padding=self.padding)
        for size, side in zip(input_shape[1:3], self._sides, strict=True):
            if size is not None and size <= side:
                raise refusal(f"Images should have more than {side} pixels per axis", f"{tuple(input_shape)}")

    def call(self, inputs: Tensor) -> Tensor:
        rows, columns = self._sides
        return ops.pad(inputs, [(0, 0), (rows, rows), (columns, columns), (0, 0)], mode="reflect")

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        batch, *sizes, channels = input_shape
        sizes = (size and size + 2 * side for size, side in zip(sizes, self._sides, strict=True))
        return (batch, *sizes, channels)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "padding": self.padding}
