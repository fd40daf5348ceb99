"""Keras' own augmentation layers as functions of a key."""

import inspect

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.data.augment.base import Transform
from keras_dl.types import Tensor

LARGEST_LABEL = 2**24  # float32 holds the integers up to here
PROBE_LABELS = (0, 3, 300, 5001)  # a mixture of any two is none of them
PROBE_BATCH = 16


@keras.saving.register_keras_serializable(package="keras_dl")
class KerasLayer(Transform):
    """One of Keras' layers for augmentation, such as `keras.layers.RandomHue`, drawing from the key.

    Its own random state is not used. Masks move as the images do, also under `RandomElasticTransform`, which by itself
    distorts the two differently and cuts labels off at its `value_range`. Labels up to 2^24 are kept whatever dtype the
    layer computes in. The layers take no volumes.

    Layers that mix samples, such as `MixUp` and `CutMix`, are refused: their labels would have to be mixed as well. So
    are masks under a layer that mixes their values, such as `AugMix`, or has no rule for them. `AugMix` chooses what it
    does by Python's own random numbers and not by the key.

    Args:
        layer: Layer that takes images, or its configuration. Mind its `value_range`.
        probability: Share of the samples that change.

    Raises:
        ValueError: If the layer is not one of Keras' augmentation layers, or changes labels.

    Example:

    >>> transform = KerasLayer(keras.layers.RandomContrast(0.5, value_range=(0, 1)))
    >>> images = tf.reshape(tf.linspace(0.0, 1.0, 48), (1, 4, 4, 3))
    >>> a, b = (transform(images, None, tf.constant([3, 0]))[0] for _ in range(2))
    >>> bool(tf.reduce_all(a == b)), bool(tf.reduce_all(a == images))
    (True, False)
    """

    def __init__(self, layer: keras.layers.Layer | dict, probability: float = 1.0):
        super().__init__(probability)
        layer = keras.saving.deserialize_keras_object(layer) if isinstance(layer, dict) else layer
        if not hasattr(layer, "get_random_transformation"):
            raise refusal("`layer` should be one of Keras' layers for augmentation", layer=layer)
        if _changes_labels(layer):
            raise refusal(
                "`layer` should leave labels as they are: mix images and labels by keras.layers after batching, "
                "`dataset.map(lambda x, y: layer(dict(images=x, labels=y)))`",
                layer=layer,
            )
        self.layer = layer
        self._mask_layer = _for_masks(layer)
        self._sizes_with_masks = set()

    def change(self, images: Tensor, masks: Tensor, key: Tensor) -> tuple:
        keys = _Keys(key)
        data = tf.cast(images, self.layer.compute_dtype)
        transformation = _transformation(self.layer, data, keys)
        drawn = keys.count
        changed = tf.cast(self.layer.transform_images(data, transformation, training=True), images.dtype)
        if masks is None:
            return changed, None
        self._check_masks(images.shape[1:-1])
        keys.count = drawn  # what is drawn on the way is drawn again, equally
        return changed, self._moved(masks, transformation)

    def _moved(self, masks, transformation):
        moved = tf.cast(masks, self._mask_layer.compute_dtype)
        moved = self._mask_layer.transform_segmentation_masks(moved, transformation, training=True)
        return tf.cast(moved, masks.dtype)

    def _check_masks(self, sizes):
        """Tries once for each size of images whether the values of masks stay what they are."""
        if isinstance(self.layer, keras.layers.AugMix):
            raise self._mixing(sizes)
        if sizes in self._sizes_with_masks or None in sizes:
            return
        rng = np.random.default_rng(0)
        masks = rng.choice(np.array(PROBE_LABELS, "int32"), (PROBE_BATCH, *sizes, 1))
        with tf.init_scope():
            keys = _Keys(tf.constant([0, 0], tf.int64))
            images = tf.zeros((PROBE_BATCH, *sizes, 3), self.layer.compute_dtype)
            try:
                moved = self._moved(tf.constant(masks), _transformation(self.layer, images, keys)).numpy()
            except NotImplementedError as error:
                raise refusal("the layer should have a rule for masks", layer=self.layer) from error
        if not np.isin(moved, PROBE_LABELS).all():
            raise self._mixing(sizes)
        self._sizes_with_masks.add(sizes)

    def _mixing(self, sizes):
        text = f"the layer should move the values of masks and not mix them, for images of size {tuple(sizes)}"
        return refusal(text, layer=self.layer)


class _Keys(keras.random.SeedGenerator):
    """Gives a key's successors instead of a state's."""

    def __init__(self, key):  # no variable, hence nothing of the base class
        self.key = key
        self.count = 0

    def next(self, ordered=True):
        self.count += 1
        return tf.random.fold_in(self.key, self.count)


def _transformation(layer, images, keys):
    """What a layer draws for images; most layers take a dict of them, and some the images alone."""
    draw = layer.get_random_transformation
    takes_images = next(iter(inspect.signature(draw).parameters)) == "images"
    return draw(images if takes_images else {"images": images}, training=True, seed=keys)


def _changes_labels(layer):
    """Whether a layer makes other labels of a batch than it is given, because it mixes samples."""
    if type(layer).transform_labels is keras.layers.RandomFlip.transform_labels:
        return False
    if isinstance(layer, (keras.layers.MixUp, keras.layers.CutMix)):  # which fail on half precision
        return True
    labels = tf.eye(PROBE_BATCH)
    images = tf.zeros((PROBE_BATCH, 32, 32, 3), layer.compute_dtype)
    drawn = _transformation(layer, images, _Keys(tf.constant([0, 0], tf.int64)))
    try:
        return not np.array_equal(layer.transform_labels(labels, drawn, training=True), labels)
    except NotImplementedError:  # it has no rule for labels, and hence changes none
        return False


def _for_masks(layer):
    """A layer that computes with whole numbers up to `LARGEST_LABEL` and does not cut them off: itself, or a copy."""
    changes: dict = {} if layer.compute_dtype in ("float32", "float64") else {"dtype": "float32"}
    if isinstance(layer, keras.layers.RandomElasticTransform):
        changes["value_range"] = (-LARGEST_LABEL, LARGEST_LABEL)
    if not changes:
        return layer
    config = layer.get_config()
    if isinstance(layer, keras.layers.RandomShear):  # whose own configuration Keras refuses
        changes |= {name: _factor(config[name]) for name in ("x_factor", "y_factor")}
    return type(layer).from_config({**config, **changes})


def _factor(limits):
    """The argument that Keras makes limits of: a number for limits that are its negative and itself."""
    low, high = limits
    return high if low == -high else (low, high)
