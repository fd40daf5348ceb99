"""Networks that decide the parameters of a map from what they may see."""

import keras
import tensorflow as tf

from keras_dl.bijectors.base import check_condition, condition_size
from keras_dl.checks import check_counts, refusal


def default_network(hidden, shape, activation, dtype):
    """A network without its last layer: dense for vectors; 3x3, 1x1, ... 3x3 convolutions for images.

    Args:
        hidden: Widths of the layers.
        shape: Shape of a batch of what it sees; rank 2 for vectors, 4 for images.
        activation: Activation of the layers.
        dtype: Their dtype policy.
    """
    widths = check_counts(list(hidden), "hidden")
    if len(shape) == 2:
        layers = [keras.layers.Dense(width, activation, dtype=dtype) for width in widths]
    elif len(shape) == 4:
        sizes = [3 if number % 2 == 0 else 1 for number in range(len(widths))]
        layers = [
            keras.layers.Conv2D(width, size, padding="same", activation=activation, dtype=dtype)
            for width, size in zip(widths, sizes, strict=True)
        ]
    else:
        raise refusal(
            "`network` should be given for samples that are neither vectors nor images; `hidden` makes networks "
            "for these",
            f"samples of shape {tuple(shape[1:])}",
        )
    return keras.Sequential(layers)


class Conditioner(keras.layers.Layer):
    """A network, and behind it a linear layer that begins at zero: every map begins as the identity.

    What the network sees and the condition's vectors lie side by side on its input's last axis.

    Args:
        network: Layer or model from tensors `(batch, ..., channels)` to features `(batch, ..., width)`; not built.
        outputs: How many parameters come out, on the last axis.
        **kwargs: `name`, `dtype` and `trainable`.
    """

    def __init__(self, network, outputs, **kwargs):
        super().__init__(**kwargs)
        self.network, self.outputs = network, outputs
        options = {"kernel_initializer": "zeros", "name": "parameters", "dtype": self.dtype_policy}
        self._options = options

    def build(self, input_shape, condition_shape=None):
        self.condition_size = condition_size(condition_shape)
        seen = (*input_shape[:-1], input_shape[-1] + self.condition_size)
        if not self.network.built:
            self.network.build(seen)
        features = self.network.compute_output_shape(seen)
        if tuple(features[:-1]) != tuple(input_shape[:-1]):
            raise refusal(
                f"`network` should return features of shape {tuple(input_shape[1:-1])} + (width,)",
                f"{tuple(features[1:])}",
            )
        if len(seen) == 4:
            self.last = keras.layers.Conv2D(self.outputs, 3, padding="same", **self._options)
        else:
            self.last = keras.layers.Dense(self.outputs, **self._options)
        self.last.build(features)
        self.built = True

    def call(self, x, condition=None, training=False):
        check_condition(condition, self.condition_size, "The bijector")
        if condition is not None:
            condition = tf.cast(condition, x.dtype)
            for axis in range(1, x.shape.rank - 1):
                condition = tf.expand_dims(condition, axis)
            spread = tf.concat([tf.shape(x)[:-1], [self.condition_size]], 0)
            x = tf.concat([x, tf.broadcast_to(condition, spread)], -1)
        return self.last(self.network(x, training=training))
