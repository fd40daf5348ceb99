"""Sources and domains made of images: edges, grey images, and digits by day and by night."""

import numpy as np
from scipy import ndimage

from keras_dl.checks import refusal

SOURCES = ("edges", "grey")
_GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601
_SLOPE = 4.0  # of a Sobel filter, at a step from black to white


def source_of(images, kind="edges"):
    """What a translation starts from: `"edges"`, the length of Sobel's gradient, or `"grey"`.

    Args:
        images: Float array `(rows, height, width, 1 or 3)` in [0, 1].
        kind: One of `SOURCES`.

    Returns:
        Float32 array `(rows, height, width, 1)` in [0, 1].

    Example:

    >>> source_of(np.ones((2, 8, 8, 3))).shape, float(source_of(np.ones((2, 8, 8, 3))).max())
    ((2, 8, 8, 1), 0.0)
    """
    if kind not in SOURCES:
        raise refusal(f"`kind` should be one of {SOURCES}", kind=kind)
    grey = images if images.shape[-1] == 1 else (np.asarray(images) * _GREY).sum(-1, keepdims=True)
    if kind == "grey":
        return grey.astype("float32")
    return np.clip(np.hypot(_slope(grey, 1, 2), _slope(grey, 2, 1)) / _SLOPE, 0, 1).astype("float32")


def _slope(images, axis, across):
    """Sobel's slope along one axis; SciPy's own filter would smooth along all others, from image to image."""
    smooth = ndimage.correlate1d(images, (1.0, 2.0, 1.0), across, mode="nearest")
    return ndimage.correlate1d(smooth, (-1.0, 0.0, 1.0), axis, mode="nearest")


def day_and_night(images, seed=0):
    """Two domains of coloured images: half of the images by day, dark on a warm light ground, the others by night.

    Args:
        images: Float array `(rows, height, width, 1)` in [0, 1], light strokes on black.
        seed: Integer that decides colours.

    Returns:
        `(day, night)`: float32 arrays `(rows, height, width, 3)`; images 0, 2, ... by day, 1, 3, ... by night.

    Example:

    >>> day, night = day_and_night(np.zeros((5, 8, 8, 1)))
    >>> day.shape, night.shape, bool(day.mean() > night.mean())
    ((3, 8, 8, 3), (2, 8, 8, 3), True)
    """
    rng, images = np.random.default_rng(seed), np.asarray(images, "float32")
    if images.ndim != 4 or images.shape[-1] != 1:
        raise refusal("Images should be grey, (rows, height, width, 1)", f"shape {images.shape}")
    day, night = images[::2], images[1::2]
    sky = rng.uniform((0.8, 0.6, 0.3), (1.0, 0.8, 0.5), (len(day), 1, 1, 3))
    stars = rng.uniform((0.5, 0.6, 0.8), (0.8, 0.9, 1.0), (len(night), 1, 1, 3))
    dark = np.array((0.02, 0.02, 0.15))
    return (sky * (1 - 0.9 * day)).astype("float32"), (dark + night * (stars - dark)).astype("float32")
