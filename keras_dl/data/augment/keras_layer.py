"""Keras' own augmentation layers as functions of a key."""

import keras
import tensorflow as tf

from keras_dl.data.augment.base import Transform


@keras.saving.register_keras_serializable(package="keras_dl")
class KerasLayer(Transform):
    """One of Keras' layers for augmentation, such as `keras.layers.RandomHue`, drawing from the key.

    Its own random state is not used. Masks move as the images do, also under `RandomElasticTransform`, which by itself
    distorts the two differently (and which cuts labels off at its `value_range`). The layers take no volumes.

    Args:
        layer: Layer that takes images, or its configuration. Mind its `value_range`.
        probability: Share of the samples that change.

    Raises:
        ValueError: If the layer is not one of Keras' augmentation layers.

    Example:

    >>> transform = KerasLayer(keras.layers.RandomContrast(0.5, value_range=(0, 1)))
    >>> images = tf.reshape(tf.linspace(0.0, 1.0, 48), (1, 4, 4, 3))
    >>> a, b = (transform(images, None, tf.constant([3, 0]))[0] for _ in range(2))
    >>> bool(tf.reduce_all(a == b)), bool(tf.reduce_all(a == images))
    (True, False)
    """

    def __init__(self, layer, probability=1.0):
        super().__init__(probability)
        layer = keras.saving.deserialize_keras_object(layer) if isinstance(layer, dict) else layer
        if not hasattr(layer, "get_random_transformation"):
            raise ValueError(f"`layer` must be one of Keras' layers for augmentation. Received: layer={layer!r}")
        self.layer = layer

    def change(self, images, masks, key):
        keys, dtype = _Keys(key), self.layer.compute_dtype
        data = {"images": tf.cast(images, dtype)}
        if masks is not None:
            data["segmentation_masks"] = tf.cast(masks, dtype)
        transformation = self.layer.get_random_transformation(data, training=True, seed=keys)
        drawn = keys.count
        images = tf.cast(self.layer.transform_images(data["images"], transformation, training=True), images.dtype)
        if masks is not None:
            keys.count = drawn  # what is drawn on the way is drawn again, equally
            moved = self.layer.transform_segmentation_masks(data["segmentation_masks"], transformation, training=True)
            masks = tf.cast(moved, masks.dtype)
        return images, masks

    def get_config(self):
        return {**super().get_config(), "layer": keras.saving.serialize_keras_object(self.layer)}


class _Keys(keras.random.SeedGenerator):
    """Gives a key's successors instead of a state's."""

    def __init__(self, key):  # no variable, hence nothing of the base class
        self.key = key
        self.count = 0

    def next(self, ordered=True):
        self.count += 1
        return tf.random.fold_in(self.key, self.count)
