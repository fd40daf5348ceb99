"""Changes of what the pixels show; masks stay."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from keras_dl.data.augment.base import Transform, beside, limits, normal, uniform
from keras_dl.types import Tensor

_register = keras.saving.register_keras_serializable(package="keras_dl")


@_register
class Intensity(Transform):
    """Multiplies and shifts all values: `a x + b`.

    Args:
        factor: Range by which 1 is changed to a, or a pair of values of a: 0.2 and `(0.8, 1.2)` are the same.
        shift: Range of b: a number v for -v to v, or a pair.
        probability: Share of the samples that change.

    Raises:
        ValueError: If a range descends.

    Example:

    >>> x, _ = Intensity(factor=(2.0, 2.0), shift=(0.5, 0.5))(tf.ones((1, 1, 1, 1)), None, tf.constant([0, 0]))
    >>> float(x[0, 0, 0, 0])
    2.5
    """

    def __init__(
        self, factor: float | Sequence[float] = 0.0, shift: float | Sequence[float] = 0.0, probability: float = 1.0
    ):
        super().__init__(probability)
        self.factor = around_one(factor, "factor")
        self.shift = limits(shift, "shift")

    def change(self, images: Tensor, masks: Tensor, key: Tensor) -> tuple:
        factor, shift = (
            tf.cast(beside(uniform(tf.random.fold_in(key, number), tf.shape(images)[:1], range_), images), images.dtype)
            for number, range_ in enumerate((self.factor, self.shift))
        )
        return factor * images + shift, masks


@_register
class Contrast(Transform):
    """Draws values apart or together about their mean: `a (x - mean) + mean`, in each channel of each image.

    Args:
        factor: Range by which 1 is changed to a, or a pair of values of a: 0.2 and `(0.8, 1.2)` are the same.
        probability: Share of the samples that change.

    Raises:
        ValueError: If the range descends.

    Example:

    >>> x, _ = Contrast(factor=(2.0, 2.0))(tf.constant([[[[1.0], [3.0]]]]), None, tf.constant([0, 0]))
    >>> [float(value) for value in x[0, 0, :, 0]]
    [0.0, 4.0]
    """

    def __init__(self, factor: float | Sequence[float] = 0.2, probability: float = 1.0):
        super().__init__(probability)
        self.factor = around_one(factor, "factor")

    def change(self, images: Tensor, masks: Tensor, key: Tensor) -> tuple:
        factor = beside(uniform(key, tf.shape(images)[:1], self.factor), images)
        mean = tf.reduce_mean(images, axis=spatial_axes(images), keepdims=True)
        return tf.cast(factor, images.dtype) * (images - mean) + mean, masks


@_register
class Gamma(Transform):
    """Bends the values between the least and the largest of each image: `u^g` for u from 0 to 1.

    Args:
        gamma: Pair of limits of g, or g itself; below 1 brightens.
        probability: Share of the samples that change.

    Raises:
        ValueError: If the range descends or reaches 0.

    Example:

    >>> x, _ = Gamma(2.0)(tf.constant([[[[0.0], [1.0], [2.0]]]]), None, tf.constant([0, 0]))
    >>> [float(value) for value in x[0, 0, :, 0]]
    [0.0, 0.5, 2.0]
    """

    def __init__(self, gamma: float | Sequence[float] = (0.7, 1.5), probability: float = 1.0):
        super().__init__(probability)
        self.gamma = limits(gamma, "gamma", least=1e-3, both_sides=False)

    def change(self, images: Tensor, masks: Tensor, key: Tensor) -> tuple:
        gamma = tf.cast(beside(uniform(key, tf.shape(images)[:1], self.gamma), images), images.dtype)
        axes = [*spatial_axes(images), -1]
        least, largest = (f(images, axis=axes, keepdims=True) for f in (tf.reduce_min, tf.reduce_max))
        return least + (largest - least) * tf.math.divide_no_nan(images - least, largest - least) ** gamma, masks


@_register
class Noise(Transform):
    """Adds Gaussian noise: `x + sigma e`.

    Args:
        stddev: sigma, or a pair of limits between which each image draws its own.
        probability: Share of the samples that change.

    Raises:
        ValueError: If the range descends or is negative.

    Example:

    >>> x, _ = Noise(0.5)(tf.zeros((1, 200, 200, 1)), None, tf.constant([0, 0]))
    >>> round(float(tf.math.reduce_std(x)), 2)
    0.5
    """

    def __init__(self, stddev: float | Sequence[float] = 0.1, probability: float = 1.0):
        super().__init__(probability)
        self.stddev = limits(stddev, "stddev", least=0.0, both_sides=False)

    def change(self, images: Tensor, masks: Tensor, key: Tensor) -> tuple:
        stddev = beside(uniform(tf.random.fold_in(key, 0), tf.shape(images)[:1], self.stddev), images)
        noise = stddev * normal(tf.random.fold_in(key, 1), tf.shape(images))
        return images + tf.cast(noise, images.dtype), masks


def around_one(values, name):
    """Returns a range of factors as a pair; a number a stands for 1 - a to 1 + a."""
    return limits((1 - values, 1 + values) if isinstance(values, (int, float)) else values, name)


def spatial_axes(images):
    return list(range(1, len(images.shape) - 1))
