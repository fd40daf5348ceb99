"""Adaptive augmentation of what a critic sees."""

import math
from typing import Any

import keras
import tensorflow as tf

from keras_dl.checks import check_number
from keras_dl.configurable import Configurable
from keras_dl.types import Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class AdaptiveAugmentation(Configurable):
    r"""Transforms of data and of samples alike, each with a probability $p$ that follows the critic's overfitting
    (Karras et al. 2020, "Training generative adversarial networks with limited data").

    Each transform happens to a sample with probability $p$: mirror image, quarter turns, integer shifts; scale,
    rotation and anisotropic scale; brightness, contrast and, of colours, saturation. All are differentiable.

    $$r_t = \mathbb{E}[\operatorname{sign} f(x)], \qquad p \leftarrow p + \operatorname{sign}(r_t - r) \frac{n}{N}$$

    after a step of $n$ samples, with $p$ within $[0, 1]$ and $r_t$ the moving average over about four steps.

    Args:
        target: $r$, the share of data whose scores are positive, less that of the others.
        images: $N$, after how many samples $p$ can reach 1 at the earliest.
        start: $p$ at the start.
        center: The value about which contrast changes, the middle of the range of data.

    Example:

    >>> p, rate = AdaptiveAugmentation(target=0.6, images=100.0).next(tf.constant([0.5, 0.9]), tf.constant([4.0, 4.0]))
    >>> round(float(p), 2), round(float(rate), 3)    # 0.75 x 0.9 + 0.25 x 1 is above 0.6
    (0.54, 0.925)
    """

    momentum = 0.75

    def __init__(self, target: float = 0.6, images: float = 500_000.0, start: float = 0.0, center: float = 0.5):
        self.target = check_number(target, "target", least=-1, most=1)
        self.images = check_number(images, "images", above=0)
        self.start = check_number(start, "start", least=0, most=1)
        self.center = check_number(center, "center")

    def next(self, state: Tensor, summed: Tensor) -> Tensor:
        """The next `[p, r_t]`, given the last and the sums over a batch of the signs of scores and of ones."""
        rate = state[1] + (1.0 - self.momentum) * (tf.math.divide_no_nan(summed[0], summed[1]) - state[1])
        change = tf.sign(rate - self.target) * summed[1] / self.images
        return tf.stack([tf.clip_by_value(state[0] + change, 0.0, 1.0), rate])

    def __call__(self, images: Tensor, probability: Tensor, draw: Any) -> Tensor:
        """Returns images, each transformed at random, float32, of the same shape.

        Args:
            images: Tensor of shape `(batch, height, width, channels)`.
            probability: $p$, a scalar.
            draw: The `keras_dl.models.base.Draw` that gives the noise.
        """
        return self._coloured(_moved(images, self._transforms(images, probability, draw)), probability, draw)

    def _transforms(self, images, probability, draw):
        """Maps from the coordinates of an output, from -1 to 1, to those of the input, shape `(batch, 2, 3)`."""
        happens = _happening(draw, 6, probability)
        mirror, turns, *shifts = tf.unstack(draw.uniform((4,)), axis=1)
        spread = tf.unstack(draw.normal((2,)), axis=1)
        angle = happens[1] * tf.floor(4.0 * turns) * (0.5 * math.pi)
        angle += happens[4] * draw.uniform((), -math.pi, math.pi)
        scale = tf.exp(0.2 * math.log(2.0) * happens[3] * spread[0])
        stretch = tf.exp(0.2 * math.log(2.0) * happens[5] * spread[1])
        flip = 1.0 - 2.0 * happens[0] * tf.round(mirror)
        size = tf.cast(tf.shape(images)[1:3], tf.float32)
        # Whole pixels, up to an eighth of the image.
        moved = [tf.round(size[1 - k] * 0.125 * (2.0 * shifts[k] - 1.0)) * 2.0 / size[1 - k] for k in range(2)]
        cos, sin = tf.cos(angle), tf.sin(angle)
        rows = [[flip * cos * scale * stretch, -flip * sin * scale, happens[2] * moved[0]]]
        rows.append([sin * scale * stretch, cos * scale, happens[2] * moved[1]])
        return tf.stack([tf.stack(row, axis=-1) for row in rows], axis=1)

    def _coloured(self, images, probability, draw):
        happens = [one[:, None, None, None] for one in _happening(draw, 3, probability)]
        normals = [one[:, None, None, None] for one in tf.unstack(draw.normal((3,)), axis=1)]
        x = images - self.center + 0.1 * happens[0] * normals[0]
        x *= tf.exp(0.5 * math.log(2.0) * happens[1] * normals[1])
        if images.shape[-1] > 1:
            grey = tf.reduce_mean(x, axis=-1, keepdims=True)
            x = grey + (x - grey) * tf.exp(math.log(2.0) * happens[2] * normals[2])
        return x + self.center


def _happening(draw, count, probability):
    """Whether each of `count` transforms happens to each sample, a list of float vectors."""
    return tf.unstack(tf.cast(draw.uniform((count,)) < probability, tf.float32), axis=1)


def _moved(images, transforms):
    """Images read at transformed places by bilinear interpolation, mirrored at their border."""
    height, width = images.shape[1:3]
    across = (2.0 * tf.range(width, dtype=tf.float32) + 1.0) / width - 1.0
    down = (2.0 * tf.range(height, dtype=tf.float32) + 1.0) / height - 1.0
    x, y = tf.meshgrid(across, down)
    points = tf.reshape(tf.stack([x, y, tf.ones_like(x)]), (3, -1))
    places = tf.matmul(transforms, tf.broadcast_to(points, (tf.shape(images)[0], *points.shape)))
    columns = _mirrored((places[:, 0] + 1.0) * (0.5 * width) - 0.5, width)
    rows = _mirrored((places[:, 1] + 1.0) * (0.5 * height) - 0.5, height)
    left, top = tf.floor(columns), tf.floor(rows)
    flat = tf.reshape(images, (-1, height * width, images.shape[-1]))
    total = 0.0
    for row, share_of_row in ((top, 1.0 - (rows - top)), (top + 1.0, rows - top)):
        for column, share in ((left, 1.0 - (columns - left)), (left + 1.0, columns - left)):
            index = tf.minimum(row, height - 1.0) * width + tf.minimum(column, width - 1.0)
            read = tf.gather(flat, tf.cast(index, tf.int32), axis=1, batch_dims=1)
            total += (share_of_row * share)[..., None] * read
    return tf.reshape(total, tf.shape(images))


def _mirrored(places, size):
    """Places within 0 and `size - 1`, mirrored at both."""
    period = max(2.0 * (size - 1.0), 1.0)
    places = tf.math.floormod(places, period)
    return tf.minimum(places, period - places)
