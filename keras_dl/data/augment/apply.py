"""Application of random changes to batches and to datasets."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.data.pipeline import Order, finished
from keras_dl.types import Tensor

STREAM = 7919  # apart from what the pipeline draws from the same seed


def augment(
    transforms: Sequence, images: Tensor, masks: Tensor | None = None, *, seed: Tensor = 0, step: Tensor = 0
) -> Any:
    """Applies random changes one after another to a batch, and those of places to its masks too.

    Args:
        transforms: Objects of this module.
        images: Float tensor `(batch, *spatial, channels)`.
        masks: Classes of the pixels, `(batch, *spatial)` or `(batch, *spatial, channels)`, of any dtype, or `None`.
            They move as the images do; values do not mix.
        seed: Integer, or a key of `tf.random`'s stateless functions.
        step: Integer or integer tensor: another step draws other changes.

    Returns:
        The images, or `(images, masks)` if there are masks.

    Raises:
        ValueError: If images are not of a float type, or masks and images differ in size.

    Example:

    >>> images = tf.reshape(tf.range(8.0), (1, 2, 4, 1))
    >>> flipped, mask = augment([keras_dl.data.augment.Flip(probability=1.0)], images, images[..., 0] > 5)
    >>> flipped[0, 0, :, 0].numpy().tolist(), mask[0, 1].numpy().tolist()
    ([3.0, 2.0, 1.0, 0.0], [True, True, False, False])
    """
    images = tf.convert_to_tensor(images)
    if not images.dtype.is_floating:
        raise refusal("images should have a float type", f"{images.dtype.name}")
    if images.shape.rank not in (None, 4, 5):
        text = "images should have the axes (batch, height, width, channels), volumes one more: grey ones x[..., None]"
        raise refusal(text, f"shape {images.shape}")
    masks = None if masks is None else tf.convert_to_tensor(masks)
    flat = masks is not None and len(masks.shape) < len(images.shape)
    masks = masks[..., None] if flat else masks
    if masks is not None and masks.shape[1:-1] != images.shape[1:-1]:
        raise refusal("masks should have the images' size", f"{images.shape} and {masks.shape}")
    key = seed if tf.is_tensor(seed) else tf.constant([seed, STREAM], tf.int64)
    key = tf.random.fold_in(key, tf.cast(step, key.dtype))
    for number, transform in enumerate(transforms):
        images, masks = transform(images, masks, tf.random.fold_in(key, number))
    if masks is None:
        return images
    return images, masks[..., 0] if flat else masks


def augmented(dataset: tf.data.Dataset, transforms: Sequence, *, seed: int = 0, masks: bool = False) -> tf.data.Dataset:
    """Changes the batches of a dataset, otherwise in every epoch.

    Args:
        dataset: `tf.data.Dataset` of batches `x`, `(x, y)` or `(x, y, sample_weight)`, such as
            `keras_dl.data.pipeline` gives.
        transforms: Objects of this module.
        seed: Integer that decides the changes, together with the epoch and the place of the batch.
        masks: Whether `y` are masks, which move with the images; else they stay.

    Returns:
        A `tf.data.Dataset` of as many batches. Its attribute `order` lets `ObjectiveModel.fit` continue where a saved
        run stopped.

    Raises:
        ValueError: As `augment` does, and if `masks` asks for masks and there are none.

    Example:

    >>> dataset = keras_dl.data.pipeline(np.zeros((5, 8, 8, 1), "float32"), np.arange(5), batch_size=4)
    >>> [(len(x), len(y)) for x, y in augmented(dataset, [keras_dl.data.augment.Noise(0.1)])]
    [(4, 4), (1, 1)]
    """
    order = _Orders(getattr(dataset, "order", None), int(dataset.cardinality()))
    if masks and not isinstance(dataset.element_spec, tuple):
        raise refusal("`masks=True` needs batches (x, y)", "batches without y")

    def changed_batch(epoch, index, batch):
        key = tf.random.fold_in(tf.stack([tf.constant(seed, tf.int64), STREAM + epoch]), index)
        x, *rest = batch if isinstance(batch, tuple) else (batch,)
        if masks:
            x, rest[0] = augment(transforms, x, rest[0], seed=key)
        else:
            x = augment(transforms, x, seed=key)
        return (x, *rest) if rest else x

    def changed_epoch(_):
        epoch = order.epoch.assign_add(1) - 1
        return dataset.enumerate().map(lambda index, batch: changed_batch(epoch, index, batch), tf.data.AUTOTUNE)

    return finished(tf.data.Dataset.range(1).flat_map(changed_epoch), dataset.cardinality(), order)


class _Orders(Order):
    """The epochs of the changes and of the dataset that is changed, placed together.

    Args:
        inner: The order of the dataset that is changed, or `None`, which has no mark.
        count: Its batches.
    """

    def __init__(self, inner, count):
        batch_size, mark = (None, 0) if inner is None else (inner.batch_size, inner.mark)
        super().__init__(None, count, batch_size, mark, getattr(inner, "reader", None))
        self.inner = inner

    def place(self, epoch):
        super().place(epoch)
        if self.inner is not None:
            self.inner.place(epoch)
