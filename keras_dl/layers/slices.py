"""Volumes as batches of slices, and back."""

import keras
from keras import ops

from keras_dl.checks import refusal
from keras_dl.layers import _parts
from keras_dl.layers.options import register


@register()
class SlicesWithNeighbours(keras.layers.Layer):
    """Makes each slice across the last spatial axis a row of the batch, with its neighbours' channels beside its own.

    Slice i has those of slices i - n to i + n, the first and the last one continued beyond the ends; n = 1 in
    H-DenseUNet (Li et al., 2018).

    Args:
        neighbours: Int, n.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Returns:
        A tensor of shape `(batch * slices, height, width, (2 n + 1) channels)`.

    Raises:
        ValueError: If the input is not channels-last of rank 5.

    Example:

    >>> SlicesWithNeighbours()(keras.ops.ones((2, 8, 6, 5, 1))).shape
    TensorShape([10, 8, 6, 3])
    """

    def __init__(self, neighbours=1, **kwargs):
        super().__init__(**kwargs)
        self.neighbours = neighbours

    def build(self, input_shape):
        _parts.check_rank(input_shape, "SlicesWithNeighbours", ranks=(5,))

    def call(self, inputs):
        x = ops.transpose(inputs, (0, 3, 1, 2, 4))
        before, after = [x[:, :1]] * self.neighbours, [x[:, -1:]] * self.neighbours
        padded = ops.concatenate([*before, x, *after], axis=1)
        count = ops.shape(x)[1]
        stacked = [padded[:, shift : shift + count] for shift in range(2 * self.neighbours + 1)]
        shape = ops.shape(x)
        return ops.reshape(ops.concatenate(stacked, axis=-1), (-1, *shape[2:4], self._channels(x.shape)))

    def compute_output_shape(self, input_shape):
        batch, height, width, slices = input_shape[:4]
        rows = None if None in (batch, slices) else batch * slices
        return (rows, height, width, self._channels(input_shape))

    def _channels(self, shape):
        return (2 * self.neighbours + 1) * shape[-1]

    def get_config(self):
        return {**super().get_config(), "neighbours": self.neighbours}


@register()
class StackedSlices(keras.layers.Layer):
    """Puts the rows that `SlicesWithNeighbours` made of a volume back beside one another.

    Call arguments:
        inputs: List `[x, volume]` of tensors `(batch * slices, height, width, channels)` and
            `(batch, height, width, slices, any)`.

    Returns:
        A tensor of shape `(batch, height, width, slices, channels)`.

    Example:

    >>> x, volume = keras.ops.ones((10, 8, 6, 3)), keras.ops.ones((2, 8, 6, 5, 1))
    >>> StackedSlices()([x, volume]).shape
    TensorShape([2, 8, 6, 5, 3])
    """

    def build(self, input_shape):
        shapes = [tuple(shape) for shape in input_shape]
        if [len(shape) for shape in shapes] != [4, 5]:
            raise refusal("inputs should be a pair [x, volume] of ranks 4 and 5", f"input_shape={shapes}")

    def call(self, inputs):
        x, volume = inputs
        shape = ops.shape(x)
        x = ops.reshape(x, (-1, ops.shape(volume)[3], *shape[1:]))
        return ops.transpose(x, (0, 2, 3, 1, 4))

    def compute_output_shape(self, input_shape):
        shape, volume = (tuple(s) for s in input_shape)
        return (volume[0], *shape[1:3], volume[3], shape[3])
