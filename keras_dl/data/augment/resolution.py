"""Changes of how sharp images are; masks stay."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.data.augment.base import Transform, beside, limits, uniform
from keras_dl.types import Tensor

_register = keras.saving.register_keras_serializable(package="keras_dl")
REACH = 4  # standard deviations that the kernel of a blur covers on either side


@_register
class Blur(Transform):
    """Blurs images by a Gaussian, beyond whose border the pixels of the border go on.

    Args:
        stddev: Its standard deviation in pixels, or a pair of limits between which each image draws its own.
        probability: Share of the samples that change.

    Raises:
        ValueError: If the range descends or reaches 0.

    Example:

    >>> x = tf.reshape(tf.one_hot(4, 9), (1, 9, 1, 1))
    >>> [round(float(value), 3) for value in Blur(1.0)(x, None, tf.constant([0, 0]))[0][0, 3:6, 0, 0]]
    [0.242, 0.399, 0.242]
    """

    def __init__(self, stddev: float | Sequence[float] = (0.5, 1.0), probability: float = 1.0):
        super().__init__(probability)
        self.stddev = limits(stddev, "stddev", least=1e-3, both_sides=False)

    def change(self, images: Tensor, masks: Tensor, key: Tensor) -> tuple:
        stddev = uniform(key, tf.shape(images)[:1], self.stddev)[:, None]
        offsets = np.arange(-int(np.ceil(REACH * self.stddev[1])), int(np.ceil(REACH * self.stddev[1])) + 1)
        weights = tf.exp(-(offsets.astype("float32") ** 2) / (2 * stddev**2))
        weights = tf.cast(weights / tf.reduce_sum(weights, axis=1, keepdims=True), images.dtype)
        for axis in range(1, len(images.shape) - 1):
            size, blurred = images.shape[axis], tf.zeros((), images.dtype)
            for number, offset in enumerate(offsets):
                places = np.clip(np.arange(size) + offset, 0, size - 1)
                blurred += beside(weights[:, number], images) * tf.gather(images, places, axis=axis)
            images = blurred
        return images, masks


@_register
class LowResolution(Transform):
    """Shows images as if they had fewer pixels: of every coarse pixel one is kept, between them it is linear.

    Args:
        zoom: Pair of limits of the share of the pixels that an axis keeps, or the share itself; the same for all axes.
        axes: Spatial axes, from 0; `None` for all.
        probability: Share of the samples that change.

    Raises:
        ValueError: If the range descends, reaches 0 or exceeds 1.

    Example:

    >>> x = tf.reshape(tf.range(4.0), (1, 4, 1, 1))
    >>> LowResolution(0.5)(x, None, tf.constant([0, 0]))[0][0, :, 0, 0].numpy().tolist()
    [1.0, 1.5, 2.5, 3.0]
    """

    def __init__(
        self, zoom: float | Sequence[float] = (0.5, 1.0), axes: Sequence[int] | None = None, probability: float = 1.0
    ):
        super().__init__(probability)
        self.zoom = limits(zoom, "zoom", least=1e-2, both_sides=False)
        if self.zoom[1] > 1:
            raise refusal("`zoom` should be at most 1", zoom=zoom)
        self.axes = None if axes is None else list(map(int, axes))

    def change(self, images: Tensor, masks: Tensor, key: Tensor) -> tuple:
        zoom = uniform(key, tf.shape(images)[:1], self.zoom)[:, None]
        spatial = range(1, len(images.shape) - 1)
        for axis in spatial if self.axes is None else (spatial[number] for number in self.axes):
            size = images.shape[axis]
            coarse = tf.maximum(tf.round(zoom * size), 1.0)
            place = (tf.range(size, dtype="float32") + 0.5) * coarse / size - 0.5
            first = tf.floor(place)
            share = tf.cast(place - first, images.dtype)
            low, high = (_sampled(images, first + step, coarse, axis) for step in (0.0, 1.0))
            shape = [-1] + [1] * (len(spatial) + 1)
            shape[axis] = size
            share = tf.reshape(share, shape)
            images = low + share * (high - low)
        return images, masks


def _sampled(images, pixels, coarse, axis):
    """The pixels of images that stand for coarse ones, each of which is the one nearest to its centre."""
    size = images.shape[axis]
    pixels = tf.clip_by_value(pixels, 0.0, coarse - 1)
    places = tf.cast(tf.floor((pixels + 0.5) * size / coarse + 1e-4), "int32")
    return tf.gather(images, tf.clip_by_value(places, 0, size - 1), axis=axis, batch_dims=1)
