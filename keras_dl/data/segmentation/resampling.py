"""Images, labels and probabilities on another grid of the same space."""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from keras_dl.checks import refusal
from keras_dl.types import Tensor

COARSE = 3
ROUNDING = 1e-4  # by which spacings that are meant to be equal differ, as those of oblique headers


def resample(image: Tensor, shape: Sequence[int], order: int = 3, coarse_axis: int | None = None) -> np.ndarray:
    """Interpolates an image onto as many pixels as asked for, over the same extent, by splines.

    Pixels are areas, so the first new centre lies half a new pixel from the border; beyond the border the nearest pixel
    continues. Along a coarse axis the nearest slice is taken, as splines across distant slices invent what is between
    them (Isensee et al., 2021).

    Args:
        image: Array `(*sizes, channels)`.
        shape: The new sizes.
        order: Of the spline, 0 to 5.
        coarse_axis: Axis along which to take the nearest, or `None`.

    Returns:
        Float32 array `(*shape, channels)`.

    Raises:
        ValueError: If `shape` is not as many positive integers as the image has axes besides the channels.

    Example:

    >>> resample(np.array([0.0, 4.0])[:, None], (4,), order=1)[:, 0].tolist()
    [0.0, 1.0, 3.0, 4.0]
    """
    image, shape = np.asarray(image, "float32"), tuple(int(n) for n in shape)
    if len(shape) != image.ndim - 1 or min(shape) < 1:
        raise refusal(f"`shape` should be {image.ndim - 1} positive sizes", f"shape={shape}")
    if coarse_axis is not None:
        resampled = np.empty((*shape, image.shape[-1]), "float32")
        old, new = (np.moveaxis(array, coarse_axis, 0) for array in (image, resampled))
        for number, nearest in enumerate(_nearest(len(old), len(new))):
            new[number] = resample(old[nearest], _without(shape, coarse_axis), order)
        return resampled
    if image.shape[:-1] == shape:
        return image
    zoom = [new / old for new, old in zip(shape, image.shape, strict=False)]
    resampled = np.empty((*shape, image.shape[-1]), "float32")
    for channel in range(image.shape[-1]):
        options = {"order": order, "mode": "nearest", "grid_mode": True, "output": resampled[..., channel]}
        ndimage.zoom(image[..., channel], zoom, **options)
    return resampled


def resample_labels(labels: Tensor, shape: Sequence[int], coarse_axis: int | None = None) -> np.ndarray:
    """Resamples class indices: the class whose mask, interpolated linearly, is the largest at each new pixel.

    Example:

    >>> resample_labels(np.array([0, 2, 2]), (6,)).tolist()
    [0, 0, 2, 2, 2, 2]
    """
    classes = np.unique(labels)
    if labels.shape == tuple(shape) or len(classes) == 1:
        return np.full(shape, classes[0], labels.dtype) if len(classes) == 1 else labels
    masks = (resample((labels == c)[..., None], shape, 1, coarse_axis)[..., 0] for c in classes)
    return classes.astype(labels.dtype)[largest(masks, len(classes))]


def largest(fields, count):
    """Returns which of several arrays is the largest at each place, the first of equals; two are in memory at once.

    Args:
        fields: Iterable of arrays of the same shape.
        count: How many there are.

    Returns:
        Array of their numbers, of the smallest type that holds them.

    Example:

    >>> largest(iter([np.array([1, 5]), np.array([2, 5])]), 2).tolist()
    [1, 0]
    """
    fields = iter(fields)
    best = np.array(next(fields))
    indices = np.zeros(best.shape, np.min_scalar_type(count))
    for number, field in enumerate(fields, start=1):
        better = field > best
        np.copyto(best, field, where=better)
        indices[better] = number
        del field, better  # before the next one is made
    return indices


def coarse_axis(spacing, target):
    """Returns the axis that is more than three times as coarse as the finest, before or else after resampling.

    `None` if there is none, or two of them.

    Example:

    >>> coarse_axis((1.0, 1.0, 5.0), (1.0, 1.0, 1.0)), coarse_axis((1.0, 5.0, 5.0), (1.0, 1.0, 1.0))
    (2, None)
    """
    for distances in (spacing, target):
        if max(distances) > COARSE * min(distances):
            axes = np.flatnonzero(np.isclose(distances, max(distances), rtol=ROUNDING, atol=0)).tolist()
            return axes[0] if len(axes) == 1 and len(distances) == 3 else None
    return None


def _nearest(old, new):
    return np.minimum(((np.arange(new) + 0.5) * old / new).astype(int), old - 1)


def _without(values, axis):
    return tuple(value for i, value in enumerate(values) if i != axis)
