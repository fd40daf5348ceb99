"""Images enlarged by linear interpolation, of any size."""

from typing import Any

import keras
from keras import ops

from keras_dl.checks import check_count
from keras_dl.layers._parts import check_rank
from keras_dl.layers.options import register
from keras_dl.types import Shape, Tensor


@register(scale=check_count)
class BilinearUpsampling2D(keras.layers.Layer):
    """Enlarges images by linear interpolation between the centres of pixels.

    The values are those of `keras.layers.UpSampling2D(interpolation="bilinear")`, which in Keras 3.15 cannot be traced
    for images of unknown size.

    Args:
        scale: Int, by how much.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Returns:
        A tensor of shape `(batch, scale height, scale width, channels)`.

    Example:

    >>> x = keras.ops.reshape(keras.ops.arange(2.0), (1, 2, 1, 1))
    >>> BilinearUpsampling2D(2)(x)[0, :, 0, 0].numpy().tolist()
    [0.0, 0.25, 0.75, 1.0]
    """

    def __init__(self, scale: int, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale

    def build(self, input_shape: Shape) -> None:
        check_rank(input_shape, type(self).__name__, (4,))

    def call(self, inputs: Tensor) -> Tensor:
        _, height, width, channels = ops.shape(inputs)
        rows = ops.stack(self._phases(inputs, 1), axis=2)
        x = ops.reshape(rows, (-1, height * self.scale, width, channels))
        columns = ops.stack(self._phases(x, 2), axis=3)
        return ops.reshape(columns, (-1, height * self.scale, width * self.scale, channels))

    def _phases(self, x, axis):
        """The pixels that lie at each of `scale` places within a small one, between it and its neighbours."""
        (first, without_first), (without_last, last) = _parted(x, axis, 1), _parted(x, axis, -1)
        before = ops.concatenate([first, without_last], axis)
        behind = ops.concatenate([without_first, last], axis)
        phases = []
        for number in range(self.scale):
            offset = (number + 0.5) / self.scale - 0.5
            neighbour = before if offset < 0 else behind
            phases.append((1.0 - abs(offset)) * x + abs(offset) * neighbour)
        return phases

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        batch, *sizes, channels = input_shape
        return (batch, *(size and size * self.scale for size in sizes), channels)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale}


def _parted(x, axis, place):
    """`x` in front of a place on an axis, and behind it. A split's gradient copies; that of slices takes far longer."""
    size = x.shape[axis]
    if size is not None:
        return ops.split(x, [place if place > 0 else size + place], axis)
    before = (slice(None),) * axis
    return x[(*before, slice(None, place))], x[(*before, slice(place, None))]
