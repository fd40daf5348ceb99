"""Random patches of images beside their small images, in an order that seed and step decide."""

from typing import Any

import numpy as np
import tensorflow as tf

from keras_dl.checks import check_count, check_flag, check_seed, refusal
from keras_dl.data.images.degradation import Degradation
from keras_dl.data.images.folder import Images
from keras_dl.data.pipeline import Order, finished, mark_of
from keras_dl.data.segmentation.problems import listed
from keras_dl.types import Tensor

_STREAM = 104_729  # apart from what else is drawn from the same seed


class ImagePatches:
    """Draws batches of patches from images, turned and mirrored at random, and makes small ones of them.

    Every image is as likely, and every place in it; a patch is turned by a multiple of 90 degrees and mirrored, eight
    ways in all. Batch number `step` is a function of `(seed, step)` alone.

    Args:
        images: `keras_dl.data.images.Images`, or what `open_folder` gives.
        size: Sides of the large patches in pixels, a multiple of the scale.
        degradation: `Degradation`, which says the scale.
        batch_size: Patches per batch.
        flips: Whether patches are turned and mirrored.
        seed: Integer that decides the order.

    Raises:
        ValueError: If an argument is out of range, or an image is smaller than a patch.
        TypeError: If `images` or `degradation` is none.

    Example:

    >>> from keras_dl.data.images import Degradation, Images
    >>> patches = ImagePatches(Images([np.zeros((20, 30, 3), "uint8")]), 16, Degradation(2), batch_size=4)
    >>> [(x.shape, y.shape) for x, y in patches.dataset(1)]
    [(TensorShape([4, 8, 8, 3]), TensorShape([4, 16, 16, 3]))]
    """

    def __init__(
        self, images: Any, size: int, degradation: Degradation, batch_size: int = 16, flips: bool = True, seed: int = 0
    ):
        if not isinstance(degradation, Degradation):
            raise refusal("`degradation` should be a Degradation", degradation=degradation, error=TypeError)
        if not isinstance(images, Images):
            expected = "`images` should be Images, or what open_folder gives"
            raise refusal(expected, type(images).__name__, error=TypeError)
        self.images, self.degradation = images, degradation
        self.size, self.batch_size = check_count(size, "size"), check_count(batch_size, "batch_size")
        self.flips, self.seed = check_flag(flips, "flips"), check_seed(seed)
        if self.size % degradation.scale:
            raise refusal(f"`size` should be a multiple of the scale, {degradation.scale}", size=size)
        small = [name for name, sides in zip(images.names, images.sizes, strict=True) if min(sides) < self.size]
        if small:
            raise refusal(f"Images should have {self.size} pixels per side at least", listed(small))

    def batch(self, step: int) -> Tensor:
        """Returns the large patches of batch number `step`, uint8 `(batch, size, size, channels)`."""
        patches = np.empty((self.batch_size, self.size, self.size, self.images.channels), "uint8")
        for row in range(self.batch_size):
            rng = np.random.default_rng((self.seed, _STREAM, int(step), row))
            number = int(rng.integers(len(self.images)))
            top, left = (int(rng.integers(side - self.size + 1)) for side in self.images.sizes[number])
            patch = self.images[number][top : top + self.size, left : left + self.size]
            patches[row] = turned(patch, int(rng.integers(8))) if self.flips else patch
        return patches

    def dataset(self, steps: int, repeat: bool = False) -> tf.data.Dataset:
        """Returns a `tf.data.Dataset` of one epoch of batches `(small, large)` in [0, 1], another one each time.

        Args:
            steps: Batches per epoch.
            repeat: Whether every epoch is the first one again, as for validation.

        Returns:
            A dataset whose attribute `order` lets `fit` continue a saved run.
        """
        steps = check_count(steps, "steps")
        drawn = steps, self.batch_size, self.size, self.flips, self.seed, self.images.sizes, repr(self.degradation)
        order = Order(None, steps, self.batch_size, mark_of((), ("images", *drawn)))
        shape = self.batch_size, self.size, self.size, self.images.channels

        def batch_at(step):
            large = tf.ensure_shape(tf.numpy_function(self.batch, [step], tf.uint8, stateful=False), shape)
            large = tf.cast(large, tf.float32) / 255.0
            key = tf.random.fold_in(tf.stack([tf.constant(self.seed, tf.int64), step]), _STREAM)
            return self.degradation(large, key), large

        def one_epoch(_):
            epoch = order.epoch.assign_add(1) - 1
            first = 0 * epoch if repeat else epoch * steps
            numbers = tf.data.Dataset.range(steps)
            return numbers.map(lambda i: batch_at(first + i), num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)

        return finished(tf.data.Dataset.range(1).flat_map(one_epoch), steps, order)


def turned(image, way):
    """One of the eight turned and mirrored versions of an image, `(height, width, channels)` or with more in front.

    Example:

    >>> turned(np.array([[[1], [2]]]), 3)[..., 0].tolist(), turned(np.array([[[1], [2]]]), 4)[..., 0].tolist()
    ([[1], [2]], [[2, 1]])
    """
    image = np.rot90(image, way % 4, (-3, -2))
    return image[..., :, ::-1, :] if way >= 4 else image


def turned_back(image, way):
    """Undoes `turned`."""
    image = image[..., :, ::-1, :] if way >= 4 else image
    return np.rot90(image, -(way % 4), (-3, -2))
