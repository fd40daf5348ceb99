"""Values of images and volumes between their pixels."""

import itertools

import numpy as np
import tensorflow as tf

FILL_MODES = ("constant", "nearest", "reflect")
ROUNDING = 1e-3  # pixels by which computed places miss those that are meant


def resample(x, coordinates, interpolation="linear", fill_mode="constant", fill_value=0.0):
    """Returns the values of images at given places.

    Args:
        x: Tensor `(batch, *spatial, channels)` with one to three spatial axes.
        coordinates: Float tensor `(batch, *new_spatial, axes)`, places in pixels from the centre of the first pixel.
        interpolation: `"linear"` between the nearest 2, 4 or 8 pixels, or `"nearest"`.
        fill_mode: What lies outside: `"constant"`, `"nearest"` for the pixel at the edge, or `"reflect"` for the image
            mirrored at its edge (d c b a | a b c d | d c b a).
        fill_value: The constant.

    Returns:
        A tensor `(batch, *new_spatial, channels)` of the dtype of `x`.

    Example:

    >>> x = tf.reshape([1.0, 3.0, 7.0], (1, 3, 1))
    >>> [float(y) for y in tf.reshape(resample(x, tf.reshape([0.5, 2.0, 9.0], (1, 3, 1))), (3,))]
    [2.0, 7.0, 0.0]
    """
    if interpolation == "nearest":
        # Halves all go the same way: tf.round, which takes them to even numbers, would leave every other pixel out.
        return _pixels(x, tf.floor(coordinates + (0.5 + ROUNDING)), fill_mode, fill_value)
    floor = tf.floor(coordinates)
    fraction = tf.cast(coordinates - floor, x.dtype)
    total = 0
    for corner in itertools.product((False, True), repeat=coordinates.shape[-1]):
        shares = tf.where(tf.constant(corner), fraction, 1 - fraction)
        weight = tf.reduce_prod(shares, axis=-1, keepdims=True)
        total += weight * _pixels(x, floor + np.array(corner, "float32"), fill_mode, fill_value)
    return total


def _pixels(x, places, fill_mode, fill_value):
    """The pixels at whole numbers."""
    sizes = tf.shape(x)[1:-1]
    places = tf.cast(places, tf.int32)
    if fill_mode == "reflect":
        places = tf.math.floormod(places, 2 * sizes)
        places = tf.minimum(places, 2 * sizes - 1 - places)
    inside = tf.reduce_all((places >= 0) & (places < sizes), axis=-1, keepdims=True)
    values = tf.gather_nd(x, tf.clip_by_value(places, 0, sizes - 1), batch_dims=1)
    return tf.where(inside, values, tf.cast(fill_value, x.dtype)) if fill_mode == "constant" else values


def pixel_centres(sizes):
    """Returns the places of all pixels, a float tensor `(*sizes, axes)`."""
    return tf.stack(tf.meshgrid(*[tf.range(size, dtype=tf.float32) for size in sizes], indexing="ij"), axis=-1)


def transformed_places(sizes, matrices):
    """Returns where homogeneous matrices take the pixels, counted from the centre of the image.

    Args:
        sizes: Sizes of the image.
        matrices: Float tensor `(batch, axes + 1, axes + 1)`; a last row other than (0, ..., 0, 1) gives perspective.

    Returns:
        A tensor `(batch, *sizes, axes)` of places from the centre of the first pixel.
    """
    centre = (np.array(sizes, "float32") - 1) / 2
    pixels = tf.reshape(pixel_centres(sizes) - centre, (-1, len(sizes)))
    pixels = tf.concat([pixels, tf.ones_like(pixels[:, :1])], axis=-1)
    moved = tf.einsum("bij,pj->bpi", matrices, pixels)
    return tf.reshape(moved[..., :-1] / moved[..., -1:] + centre, (-1, *sizes, len(sizes)))


def spline_basis(size, points):
    """Returns the values of evenly spread cubic B-splines at the pixels of an axis, `(size, points)`.

    The first is centred one step before the first pixel, the last one step behind the last; they sum to 1 everywhere.
    """
    pixels = np.linspace(1, points - 2, size) if size > 1 else np.array([(points - 1) / 2])
    distance = np.abs(pixels[:, None] - np.arange(points))
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.maximum(2 - distance, 0) ** 3 / 6
    return np.where(distance < 1, near, far).astype("float32")
