"""Parts of energy models: the reference density, the learned normaliser, and the noise of chains."""

import math
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from keras_dl.models.base import Draw
from keras_dl.samplers import Noise

_STEP = 0x1E3779B97F4A7C15  # an odd number that sends neighbouring steps of a chain to distant seeds


@keras.saving.register_keras_serializable(package="keras_dl")
class Reference(keras.layers.Layer):
    r"""A density of about the data's place and scale: where chains begin, and the noise of noise contrast.

    It is uniform over the range of the data, or a normal with the mean and variance of each value of the first batch.

    Args:
        shape: Shape of a sample.
        value_range: `(low, high)`, or `None` for the normal.
        **kwargs: Arguments of `keras.layers.Layer`.

    Example:

    >>> from keras_dl.models.energy_parts import Reference
    >>> round(float(Reference((2,), (0.0, 2.0)).log_prob(tf.ones([1, 2]))[0]), 4)     # -2 log 2
    -1.3863
    """

    def __init__(self, shape, value_range=None, **kwargs):
        super().__init__(**kwargs)
        self.shape, self.value_range = tuple(shape), value_range
        options = {"shape": self.shape, "dtype": "float32", "trainable": False, "autocast": False}
        if value_range is None:
            self.loc = self.add_weight(name="loc", initializer="zeros", **options)
            self.scale = self.add_weight(name="scale", initializer="ones", **options)
        self.built = True

    def fit(self, mean, variance):
        """Takes the moments of data; a constant value gets a small deviation."""
        if self.value_range is None:
            scale = tf.sqrt(variance)
            self.loc.assign(mean)
            self.scale.assign(tf.maximum(scale, 1e-3 * tf.maximum(tf.reduce_max(scale), 1e-3)))

    def sample(self, draw, count=None):
        """Draws samples, shape `(rows, *shape)`, or `(rows, count, *shape)`."""
        shape = self.shape if count is None else (count, *self.shape)
        if self.value_range is not None:
            return draw.uniform(shape, *self.value_range)
        return self.loc + self.scale * draw.normal(shape)

    def log_prob(self, x):
        """Log-densities, shape `(rows,)`; those of a uniform one are not cut off beyond its range."""
        axes = list(range(1, x.shape.rank))
        if self.value_range is not None:
            low, high = self.value_range
            return tf.fill(tf.shape(x)[:1], -math.prod(self.shape) * math.log(high - low))
        scale = tf.convert_to_tensor(self.scale)
        each = -0.5 * tf.square((x - self.loc) / scale) - tf.math.log(scale) - 0.5 * math.log(2 * math.pi)
        return tf.reduce_sum(each, axes)

    def get_config(self):
        return {**super().get_config(), "shape": self.shape, "value_range": self.value_range}


@keras.saving.register_keras_serializable(package="keras_dl")
class Normalizer(keras.layers.Layer):
    r"""The learned $\log Z$ of an energy, a scalar."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.log_z = self.add_weight(name="log_z", shape=(), initializer="zeros", dtype="float32", autocast=False)
        self.built = True


class LogNormalizer(NamedTuple):
    r"""$\log Z$ of an energy model.

    Attributes:
        value: Float scalar, in nats.
        standard_error: How far Monte Carlo noise moves it; 0 on a grid, NaN where it is not known.
        method: How it was found.
    """

    value: Any
    standard_error: Any
    method: str


def noise_of(seed, call, stream, rows, offset=0):
    """The `Noise` of a chain's steps for the rows at hand, whichever replica holds them."""

    def draw(index, of):
        own = tf.cast(seed, tf.int64) + (tf.cast(index, tf.int64) + 1) * _STEP
        return Draw(own, call, stream + of, rows, offset)

    return Noise(
        lambda index, x: tf.ensure_shape(draw(index, 0).normal(tuple(x.shape[1:])), x.shape),
        lambda index, x: draw(index, 1).uniform(),
    )
