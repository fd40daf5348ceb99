"""Changes by the compression of JPEG; masks stay."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.data.augment.base import Transform, limits
from keras_dl.types import Tensor

_register = keras.saving.register_keras_serializable(package="keras_dl")


@_register
class JPEG(Transform):
    """Writes images as JPEG and reads them again: blocks and rings, as in files of the web.

    Args:
        quality: Quality from 1 to 100, or a pair of limits between which each image draws its own.
        probability: Share of the samples that change.

    Raises:
        ValueError: If the range descends or leaves 1 to 100; when called, if images have other channels than 1 or 3.

    Example:

    >>> x = tf.fill((1, 8, 8, 3), 0.5)
    >>> bool(tf.reduce_max(abs(JPEG(90)(x, None, tf.constant([0, 0]))[0] - x)) < 0.02)
    True
    """

    def __init__(self, quality: float | Sequence[float] = (30, 95), probability: float = 1.0):
        super().__init__(probability)
        self.quality = limits(quality, "quality", least=1, both_sides=False)
        if self.quality[1] > 100:
            raise refusal("`quality` should be at most 100", quality=quality)

    def change(self, images: Tensor, masks: Tensor, key: Tensor) -> tuple:
        if images.shape[-1] not in (1, 3) or len(images.shape) != 4:
            text = "Images should have 1 or 3 channels to be written as JPEG, and be no volumes"
            raise refusal(text, f"{images.shape}")
        low, high = (int(limit) for limit in self.quality)
        shape = tf.shape(images)[:1]
        qualities = tf.random.stateless_uniform(shape, key, low, high + 1, tf.int32, alg="philox")
        levels = tf.cast(tf.round(255.0 * tf.clip_by_value(tf.cast(images, tf.float32), 0.0, 1.0)), tf.uint8)

        def compressed(inputs):
            image, quality = inputs
            content = tf.raw_ops.EncodeJpegVariableQuality(images=image, quality=quality)
            return tf.io.decode_jpeg(content, channels=images.shape[-1])

        read = tf.map_fn(compressed, (levels, qualities), fn_output_signature=tf.uint8)
        return tf.cast(tf.ensure_shape(read, images.shape), images.dtype) / 255.0, masks
