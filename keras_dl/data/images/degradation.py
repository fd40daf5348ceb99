"""What makes small images of large ones: blur, bicubic reduction, noise, compression, rounding."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_dl.checks import check_count, check_flag, check_no_levels, refusal
from keras_dl.configurable import Configurable
from keras_dl.data.augment.base import Transform
from keras_dl.data.images.resampling import BORDERS, reduced
from keras_dl.types import Tensor


class Degradation(Configurable):
    """Makes the small image of a large one, as a random change that a key decides.

    The field's standard is the default: bicubic reduction as MATLAB computes it, rounded to 256 levels as files hold
    them. A network learns to undo what it was trained on: measure it on images that were made small alike.

    Args:
        scale: By how much images become smaller.
        before: Changes of `keras_dl.data.augment` before the reduction, such as `Blur((0.2, 1.5))`.
        after: Changes behind it, such as `Noise(0.02)` and `JPEG((50, 95))`.
        rounded: Whether the result is rounded to multiples of 1/255.
        border: See `keras_dl.data.images.bicubic`.

    Raises:
        ValueError: If an argument is out of range.
        TypeError: If a change is none.

    Example:

    >>> Degradation(2)(tf.ones((1, 8, 8, 3)), tf.constant([0, 0])).shape
    TensorShape([1, 4, 4, 3])
    """

    def __init__(
        self, scale: int, before: Sequence = (), after: Sequence = (), rounded: bool = True, border: str = "mirrored"
    ):
        self.scale = check_count(scale, "scale")
        self.before, self.after = tuple(before), tuple(after)
        for transform in (*self.before, *self.after):
            if not isinstance(transform, Transform):
                raise refusal("Changes should be of keras_dl.data.augment", transform=transform, error=TypeError)
        self.rounded = check_flag(rounded, "rounded")
        if border not in BORDERS:
            raise refusal(f"`border` should be one of {BORDERS}", border=border)
        self.border = border

    def __call__(self, images: Tensor, key: Tensor) -> Tensor:
        """Returns the small images of `(batch, height, width, channels)` in [0, 1]; `key` is of `tf.random`.

        Raises:
            ValueError: If images have values of 0 to 255 or of -1 to 1, which would become white and black.
        """
        if not tf.is_symbolic_tensor(images):
            _check_unit(images)
        key = tf.cast(key, tf.int64)
        for number, transform in enumerate(self.before):
            images, _ = transform(images, None, tf.random.fold_in(key, number))
        images = reduced(images, self.scale, self.border)
        for number, transform in enumerate(self.after, start=len(self.before)):
            images, _ = transform(images, None, tf.random.fold_in(key, number))
        images = tf.clip_by_value(images, 0.0, 1.0)
        return tf.round(255.0 * images) / 255.0 if self.rounded else images


def _check_unit(images):
    """Refuses images of other values than [0, 1]; what interpolates may have led a little beyond."""
    check_no_levels(images, "images")
    low = np.min(images, initial=0)
    if low < -0.5:
        raise refusal("images should lie in [0, 1]", f"values from {low:g}")
