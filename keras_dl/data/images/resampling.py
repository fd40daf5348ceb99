"""Bicubic resampling with antialiasing, as MATLAB's `imresize` and Pillow compute it."""

import functools
import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_dl.checks import check_count, refusal
from keras_dl.types import Tensor

_A = -0.5  # of the cubic (Keys 1981, equation 15)
_REACH = 2.0  # pixels on either side that the cubic covers
BORDERS = ("mirrored", "cut")


def bicubic(images: Tensor, size: Sequence[int], border: str = "mirrored") -> Tensor:
    r"""Resamples images by cubic convolution (Keys 1981), antialiased where they become smaller.

    Output pixel $i$ is $\sum_j w_{ij} x_j$ with $w_{ij} \propto k((c_i - j) / s)$, $c_i = (i + 1/2) n / m - 1/2$ and
    $s = \max(1, n / m)$ for n pixels that become m. Numbers are not rounded.

    Args:
        images: Float tensor `(..., height, width, channels)`.
        size: `(height, width)` of the result.
        border: `"mirrored"`: pixels beyond the border are the mirror image of those within, as in MATLAB's `imresize`,
            by which the field measures; `"cut"`: weights there are left out and the others add up to 1, as in Pillow.

    Returns:
        Float32 tensor `(..., *size, channels)`.

    Raises:
        ValueError: If a size is not a positive integer, images have no such axes, or `border` is unknown.

    Example:

    >>> bicubic(np.ones((1, 8, 8, 3)), (4, 4)).shape
    TensorShape([1, 4, 4, 3])
    """
    if border not in BORDERS:
        raise refusal(f"`border` should be one of {BORDERS}", border=border)
    height, width = (check_count(n, "size") for n in size)
    have = _sides(images)
    x = tf.cast(images, tf.float32)
    rows = tf.constant(weights(have[0], height, border))
    columns = tf.constant(weights(have[1], width, border))
    return tf.einsum("ih,...hwc,jw->...ijc", rows, x, columns, optimize="optimal")


def reduced(images: Tensor, scale: int, border: str = "mirrored") -> Tensor:
    """Makes images smaller by a whole number, by `bicubic`.

    Args:
        images: Float tensor `(..., height, width, channels)`, its sizes multiples of `scale`.
        scale: Positive integer.
        border: See `bicubic`.

    Raises:
        ValueError: If a size is no multiple of the scale.
    """
    scale, sizes = check_count(scale, "scale"), _sides(images)
    if any(size % scale for size in sizes):
        raise refusal(f"Images should have sizes that are multiples of the scale, {scale}", f"{sizes[0]}x{sizes[1]}")
    return bicubic(images, [size // scale for size in sizes], border)


def enlarged(images: Tensor, scale: int, border: str = "mirrored") -> Tensor:
    """Makes images larger by a whole number, by `bicubic`: what super-resolution is compared with."""
    scale = check_count(scale, "scale")
    return bicubic(images, [size * scale for size in _sides(images)], border)


def cropped(image: Tensor, scale: int) -> Tensor:
    """An image without its last rows and columns, so that its sizes are multiples of the scale, as the field crops."""
    scale = check_count(scale, "scale")
    height, width = (side // scale * scale for side in _sides(image))
    return image[..., :height, :width, :]


def _sides(images):
    """Height and width of images `(..., height, width, channels)`, or a refusal of what is none."""
    shape = tuple(np.shape(images))
    if len(shape) < 3 or not all(shape[-3:-1]):
        raise refusal("Images should have shape (..., height, width, channels), of known sizes", f"shape {shape}")
    return [int(side) for side in shape[-3:-1]]


@functools.lru_cache(256)
def weights(size, target, border="mirrored"):
    """The matrix of shape `(target, size)` that resamples one axis, float32."""
    stretch = max(1.0, size / target)
    centres = (np.arange(target) + 0.5) * size / target - 0.5
    first = np.floor(centres - _REACH * stretch).astype(int)
    places = first[:, None] + np.arange(math.ceil(2 * _REACH * stretch) + 2)
    values = _cubic((centres[:, None] - places) / stretch)
    if border == "cut":
        values = values * ((places >= 0) & (places < size))
    values /= values.sum(1, keepdims=True)
    places = places % (2 * size)  # the mirror image repeats with twice the size
    places = np.where(places < size, places, 2 * size - 1 - places)
    matrix = np.zeros((target, size))
    np.add.at(matrix, (np.arange(target)[:, None], places), values)
    return matrix.astype("float32")


def _cubic(x):
    """Keys' kernel."""
    x = np.abs(x)
    near = (_A + 2) * x**3 - (_A + 3) * x**2 + 1
    far = _A * x**3 - 5 * _A * x**2 + 8 * _A * x - 4 * _A
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))
