"""Pools of generated images, from which critics learn (Shrivastava et al. 2017)."""

import tensorflow as tf

from keras_dl.models.base import Rows


def from_pool(pool, images, draw):
    """What a critic sees of newly generated images, and what of them a pool takes.

    While a pool of `capacity` images fills, each new image is stored and seen. Then the critic sees, with probability
    1/2, an image stored before, whose place the new one takes, and else the new one, which is not stored (Zhu et al.
    2017, section 4; Shrivastava et al. 2017, "Learning from simulated and unsupervised images", section 2.3). The rows
    of a batch meet different places of the pool, so that their order does not matter.

    Args:
        pool: `keras_dl.models.base.SampleBuffer` in which images lie.
        images: The new ones, `(batch, *shape)`.
        draw: `Draw` of the step.

    Returns:
        `(seen, handed_back)`: images of the shape of `images`, and `Rows`.
    """
    place = tf.cast(pool.count.value + draw.row_numbers(), tf.int32)
    fills = place < pool.capacity
    drawn, old = draw.slots(pool.capacity), draw.uniform() < 0.5
    # A place that this batch fills has no older image; nor have rows beyond the capacity a place of their own.
    stored = tf.cast(drawn, tf.int64) < tf.minimum(pool.count.value, pool.capacity)
    inside = draw.row_numbers() < pool.capacity
    exchanges = tf.logical_not(fills) & old & stored & inside
    slots = tf.where(fills, place, tf.where(exchanges, drawn, -1))
    shape = [-1, *[1] * (images.shape.rank - 1)]
    seen = tf.where(tf.reshape(exchanges, shape), pool.read(drawn), tf.cast(images, tf.float32))
    return seen, Rows(slots, images)
