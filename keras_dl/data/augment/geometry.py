"""Changes of where the pixels are; masks move with the images."""

import itertools
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.data.augment import resampling
from keras_dl.data.augment.base import Transform, beside, limits, uniform
from keras_dl.data.augment.intensity import around_one
from keras_dl.types import Tensor

_register = keras.saving.register_keras_serializable(package="keras_dl")


@_register
class Flip(Transform):
    """Mirrors images along each of some axes, independently.

    Args:
        axes: Spatial axes: 0 for the first (an image's height), -1 for the last (left and right).
        probability: Share of the samples that are mirrored, along each axis.

    Example:

    >>> x, _ = Flip(axes=[0], probability=1.0)(tf.constant([[[[1.0]], [[2.0]]]]), None, tf.constant([0, 0]))
    >>> x[0, :, 0, 0].numpy().tolist()
    [2.0, 1.0]
    """

    def __init__(self, axes: Sequence[int] = (-1,), probability: float = 0.5):
        super().__init__(probability)
        self.axes = tuple(axes)

    def __call__(self, images: Tensor, masks: Tensor, key: Tensor) -> tuple:
        spatial = list(range(1, len(images.shape) - 1))
        for number, axis in enumerate(self.axes):
            draws = uniform(tf.random.fold_in(key, number), tf.shape(images)[:1], (0.0, 1.0))
            images = _flipped(images, draws < self.probability, spatial[axis])
            if masks is not None:
                masks = _flipped(masks, draws < self.probability, spatial[axis])
        return images, masks


def _flipped(x, chosen, axis):
    """The same with those samples mirrored that are chosen."""
    return tf.where(beside(chosen, x), tf.reverse(x, [axis]), x)


class Moved(Transform):
    """Base of the changes that take each pixel's value from some place: from the one that `places` says."""

    interpolation = "linear"

    def __init__(self, fill_mode: str, fill_value: float, probability: float):
        super().__init__(probability)
        if fill_mode not in resampling.FILL_MODES:
            raise refusal(f"`fill_mode` should be one of {resampling.FILL_MODES}", fill_mode=fill_mode)
        self.fill_mode = fill_mode
        self.fill_value = fill_value

    def places(self, rows: Tensor, sizes: Tensor, key: Tensor) -> Tensor:
        """Returns where each pixel's value is taken from; the subclass writes it."""
        raise NotImplementedError(f"{type(self).__name__} should define places(rows, sizes, key).")

    def change(self, images: Tensor, masks: Tensor, key: Tensor) -> tuple:
        places = self.places(tf.shape(images)[0], images.shape[1:-1], key)
        changed = resampling.resample(images, places, self.interpolation, self.fill_mode, self.fill_value)
        if masks is not None:
            masks = resampling.resample(masks, places, "nearest", self.fill_mode, 0)
        return changed, masks


@_register
class Affine(Moved):
    """Turns, scales, shifts and shears images about their centres.

    The value at u from the centre is taken from `(R S H)^-1 (u - t)`, with R rotations, S a factor and H shears.

    Args:
        rotation: Range in degrees, a number a for -a to a or a pair. Positive angles turn the first axis of a plane
            towards the second, as `numpy.rot90` does. Volumes are turned in each of their three planes.
        scale: Range by which 1 is changed, or a pair of factors: 0.1 and `(0.9, 1.1)` are the same; above 1 enlarges.
        translation: Range of the shift along each axis, as a share of the size.
        shear: Range of the tangents by which each axis leans towards each other.
        planes: Pairs of spatial axes to turn, or `None` for all; `[(1, 2)]` leaves a volume's slices in their planes.
        fill_mode: What comes in from outside: `"constant"`, `"nearest"` or `"reflect"`.
        fill_value: The constant, for images; masks get 0.
        probability: Share of the samples that change.

    Raises:
        ValueError: If a range descends, or factors are not positive.

    Example:

    >>> turn = Affine(rotation=(90, 90))
    >>> x, _ = turn(tf.reshape(tf.range(4.0), (1, 2, 2, 1)), None, tf.constant([0, 0]))
    >>> np.round(x[0, ..., 0]).tolist()
    [[1.0, 3.0], [0.0, 2.0]]
    """

    def __init__(
        self,
        rotation: float | Sequence[float] = 0.0,
        scale: float | Sequence[float] = 0.0,
        translation: float | Sequence[float] = 0.0,
        shear: float | Sequence[float] = 0.0,
        planes: Sequence | None = None,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        probability: float = 1.0,
    ):
        super().__init__(fill_mode, fill_value, probability)
        self.rotation = limits(rotation, "rotation")
        self.scale = limits(around_one(scale, "scale"), "scale", least=1e-3)
        self.translation = limits(translation, "translation")
        self.shear = limits(shear, "shear")
        self.planes = None if planes is None else list(map(list, planes))

    def places(self, batch: Tensor, sizes: Tensor, key: Tensor) -> Tensor:
        axes = len(sizes)
        keys = [tf.random.fold_in(key, number) for number in range(4)]
        shears = uniform(keys[1], (batch, axes, axes), self.shear)
        matrix = tf.linalg.set_diag(shears, tf.ones((batch, axes))) * uniform(keys[0], (batch, 1, 1), self.scale)
        for number, plane in enumerate(self.planes or itertools.combinations(range(axes), 2)):
            degrees = uniform(tf.random.fold_in(keys[2], number), (batch, 1, 1), self.rotation)
            matrix = _rotation(degrees, plane, axes) @ matrix
        shift = uniform(keys[3], (batch, axes, 1), self.translation) * np.reshape(sizes, (axes, 1)).astype("float32")
        back = tf.linalg.inv(matrix)
        back = tf.concat([back, -back @ shift], axis=2)
        last = tf.zeros((batch, 1, axes + 1)) + tf.one_hot(axes, axes + 1)
        return resampling.transformed_places(sizes, tf.concat([back, last], axis=1))


def _rotation(degrees, plane, axes):
    """Matrices that turn the first axis of a plane towards the second."""
    turn = np.zeros((axes, axes), "float32")
    turn[plane[1], plane[0]], turn[plane[0], plane[1]] = 1, -1
    angles = degrees * (np.pi / 180)
    return np.eye(axes, dtype="float32") + tf.sin(angles) * turn + (1 - tf.cos(angles)) * (turn @ turn)


@_register
class CropAndPad(Moved):
    """Pads images and cuts a random part out.

    Args:
        size: Size of the part, one number per axis; `None` for the image's own.
        pad: Pixels that the part may stand out on either side. Where the image is smaller than the part, it stands out
            anyhow.
        fill_mode: As for `Affine`.
        fill_value: As for `Affine`.

    Raises:
        ValueError: If a size is not positive.

    Example:

    >>> x, _ = CropAndPad((2, 6), pad=1)(tf.ones((3, 4, 4, 1)), None, tf.constant([0, 0]))
    >>> x.shape
    TensorShape([3, 2, 6, 1])
    """

    interpolation = "nearest"  # places are whole numbers

    def __init__(
        self, size: Sequence[int] | None = None, pad: int = 0, fill_mode: str = "constant", fill_value: float = 0.0
    ):
        super().__init__(fill_mode, fill_value, 1.0)
        if pad < 0 or (size is not None and min(size) < 1):
            raise refusal("`size` should be positive and `pad` at least 0", size=size, pad=pad)
        self.size = None if size is None else list(size)
        self.pad = pad

    def places(self, batch: Tensor, sizes: Tensor, key: Tensor) -> Tensor:
        parts = list(sizes) if self.size is None else self.size
        if len(parts) != len(sizes):
            raise refusal("`size` should have one entry an axis", f"size={parts} for images of {tuple(sizes)}")
        spare = np.array([n - part for n, part in zip(sizes, parts, strict=True)])
        low, high = np.minimum(spare, 0) - self.pad, np.maximum(spare, 0) + self.pad
        draws = uniform(key, (batch, len(parts)), (0.0, 1.0))
        starts = tf.floor(draws * (high - low + 1).astype("float32")) + low.astype("float32")
        starts = tf.reshape(starts, (-1, *[1] * len(parts), len(parts)))
        return resampling.pixel_centres(parts) + starts
