"""An image as a function of the plane: a coordinate and a value for every pixel."""

import numpy as np
from scipy import ndimage

from keras_dl import lazy
from keras_dl.checks import refusal
from keras_dl.data.checks import as_array
from keras_dl.types import Tensor

NAMES = ("camera",)
_FACTOR = 4  # from the 512x512 photograph to 128x128


def pixels(image: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Returns the coordinates and the values of an image's pixels, which a coordinate network learns.

    The first pixel of an axis is at -1 and the last at 1.

    Args:
        image: Array of shape `(height, width)` or `(height, width, channels)`, at least 2 pixels per axis.

    Returns:
        `(x, y)`: float32 coordinates (row, column) of shape `(height * width, 2)`, row by row, and values of shape
        `(height * width, channels)`, float32, as they are in the image.

    Raises:
        ValueError: If the image has another shape, or values that are not finite.

    Example:

    >>> x, y = pixels(np.array([[0.0, 0.5], [0.25, 1.0]]))
    >>> x.tolist(), y.ravel().tolist()
    ([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]], [0.0, 0.5, 0.25, 1.0])
    """
    image = as_array(image, "image")
    if image.ndim not in (2, 3) or min(image.shape[:2]) < 2 or 0 in image.shape:
        raise refusal("image should be (height, width) or (height, width, channels)", f"{image.shape}")
    image = image.astype("float32")
    if not np.isfinite(image).all():
        raise refusal("image should be finite", f"{(~np.isfinite(image)).sum()} values that are not")
    return grid(*image.shape[:2]), image.reshape(image.shape[0] * image.shape[1], -1)


def grid(height, width):
    """The coordinates of an image's pixels: see `pixels`."""
    axes = (np.linspace(-1, 1, size, dtype="float32") for size in (height, width))
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)


def load(name):
    """Returns the photograph's 128x128 pixels, and the 127x127 points in the middle of four of them, held out."""
    images = lazy.need("skimage.data", "The set camera")
    image = images.camera() / 127.5 - 1.0
    # Both lattices sample one smooth image: a normal of deviation 1.5 and the mean of four neighbours.
    smooth = ndimage.gaussian_filter(image, (_FACTOR - 1) / 2, mode="mirror")
    smooth = (smooth[:-1, :-1] + smooth[:-1, 1:] + smooth[1:, :-1] + smooth[1:, 1:]) / 4
    train, held_out = smooth[1::_FACTOR, 1::_FACTOR], smooth[3::_FACTOR, 3::_FACTOR]
    x, y = pixels(train)
    between = grid(*held_out.shape) * np.float32(1 - 1 / (len(train) - 1))
    return (x, y), (between, pixels(held_out)[1])
