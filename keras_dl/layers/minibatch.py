"""Statistics of the minibatch shown to a critic."""

from typing import Any

import keras
from keras import ops

from keras_dl.checks import refusal
from keras_dl.layers._parts import check_rank
from keras_dl.layers.options import register
from keras_dl.types import Shape, Tensor


@register()
class MinibatchStdDev(keras.layers.Layer):
    """Appends the deviation within groups of samples as constant feature maps, so that a critic sees a lack of variety.

    For each group of G samples: the deviation over the group at every position and channel, averaged over positions and
    each of `num_features` groups of channels, and repeated at every position (Karras et al., 2018, section 3). Samples
    i, i + M, i + 2 M, ... form a group, with M the number of groups; if the group size does not divide the batch,
    groups differ by one sample. The layer couples the samples of a batch: each replica sees its own.

    Args:
        group_size: Int, G, or `None` for the whole batch.
        num_features: Int, feature maps to append; it divides the channels.
        epsilon: Float, added to the variance, for a finite gradient if all samples are equal.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Returns:
        A tensor of shape `(batch, *spatial, channels + num_features)`.

    Raises:
        ValueError: If `num_features` does not divide the channels.

    Example:

    >>> x = keras.ops.concatenate([keras.ops.zeros((2, 4, 4, 3)), keras.ops.ones((2, 4, 4, 3))], axis=0)
    >>> y = MinibatchStdDev(group_size=4)(x)
    >>> y.shape, round(float(y[0, 0, 0, 3]), 4)
    (TensorShape([4, 4, 4, 4]), 0.5)
    """

    def __init__(self, group_size: int = 4, num_features: int = 1, epsilon: float = 1e-8, **kwargs):
        super().__init__(**kwargs)
        self.group_size = group_size
        self.num_features = num_features
        self.epsilon = epsilon

    def build(self, input_shape: Shape) -> None:
        check_rank(input_shape, "MinibatchStdDev", (2, 3, 4, 5))
        if input_shape[-1] % self.num_features:
            raise refusal(
                "`num_features` should divide the channels",
                f"num_features={self.num_features}, input_shape={tuple(input_shape)}",
            )

    def call(self, inputs: Tensor) -> Tensor:
        batch = ops.shape(inputs)[0]
        groups = 1 if self.group_size is None else _at_least_one((batch + self.group_size - 1) // self.group_size)
        size = _at_least_one(batch) if self.group_size is None else self.group_size
        rows = ops.arange(size * groups)
        # The samples, with zeros to fill the last round of groups, and weights that leave the zeros out.
        x = ops.cast(inputs, "float32")
        x = ops.concatenate([x, ops.zeros((size * groups - batch, *ops.shape(x)[1:]))], axis=0)
        x = ops.reshape(x, (size, groups, -1, self.num_features, inputs.shape[-1] // self.num_features))
        weights = ops.reshape(ops.cast(rows < batch, "float32"), (size, groups, 1, 1, 1))
        weights = weights / ops.maximum(ops.sum(weights, axis=0, keepdims=True), 1.0)
        mean = ops.sum(weights * x, axis=0)
        deviation = ops.sqrt(ops.sum(weights * ops.square(x - mean), axis=0) + self.epsilon)
        features = ops.mean(deviation, axis=(1, 3))
        features = ops.take(features, rows[:batch] % groups, axis=0)
        features = ops.expand_dims(features, tuple(range(1, len(inputs.shape) - 1)))
        features = ops.broadcast_to(features, (*ops.shape(inputs)[:-1], self.num_features))
        return ops.concatenate([inputs, ops.cast(features, inputs.dtype)], axis=-1)

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        return (*input_shape[:-1], input_shape[-1] + self.num_features)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "group_size": self.group_size,
            "num_features": self.num_features,
            "epsilon": self.epsilon,
        }


def _at_least_one(n):
    return max(n, 1) if isinstance(n, int) else ops.maximum(n, 1)
