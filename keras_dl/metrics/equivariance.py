"""Equivariance of a layer or a model: how it answers when its images are shifted, turned or deformed.

The functions take any callable from a batch of channels-last images to one tensor, and return one value an image.
"""

from collections.abc import Callable, Sequence

import keras
import numpy as np

from keras_dl.checks import refusal
from keras_dl.metrics.displacements import deform, displacement_field, roll, rotate
from keras_dl.types import Tensor


def shift_consistency(
    model: Callable, images: Tensor, max_shift: int = 4, num_pairs: int = 5, batch_size: int = 64, seed: int = 0
) -> np.ndarray:
    """Share of pairs of shifts under which a classifier gives an image the same class.

    `P[argmax f(shift_a x) = argmax f(shift_b x)]`, with shifts drawn evenly from [0, max_shift]^2 and wrapped around
    the borders (Zhang, 2019, section 4.1).

    Args:
        model: Callable from images to scores `(batch, classes)`.
        images: Array of shape `(num_images, height, width, channels)`.
        max_shift: Int, pixels.
        num_pairs: Int, pairs of shifts per image.
        batch_size: Int, images per call.
        seed: Int, of the shifts.

    Returns:
        Array of shape `(num_images,)`, shares from 0 to 1.

    Raises:
        ValueError: If the images or the scores have another shape.

    Example:

    >>> total = keras.Sequential([keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3)])
    >>> shift_consistency(total, np.random.default_rng(0).random((2, 8, 8, 3))).tolist()
    [1.0, 1.0]
    """
    images = _checked(images)
    if num_pairs < 1 or max_shift < 0:
        raise refusal(
            "`num_pairs` should be at least 1 and `max_shift` at least 0", num_pairs=num_pairs, max_shift=max_shift
        )
    rng = np.random.default_rng(seed)
    agreements = []
    for _ in range(num_pairs):
        classes = []
        for _ in "ab":
            shifts = rng.integers(0, max_shift + 1, (len(images), 2))
            shifted = np.stack([np.roll(x, s, (0, 1)) for x, s in zip(images, shifts, strict=True)])
            scores = _outputs(model, shifted, batch_size)
            if scores.ndim != 2:
                raise refusal("`model` should give scores (batch, classes)", f"outputs of shape {scores.shape}")
            classes.append(scores.argmax(-1))
        agreements.append(classes[0] == classes[1])
    return np.mean(agreements, axis=0)


def shift_equivariance_error(
    function: Callable,
    images: Tensor,
    max_shift: int = 4,
    num_shifts: int = 5,
    margin: int = 0,
    batch_size: int = 64,
    seed: int = 0,
) -> np.ndarray:
    """Relative distance between the output for a shifted image and the shifted output.

    `|f(T x) - T f(x)| / |f(x)|`, for shifts T drawn evenly from [0, max_shift]^2 and wrapped around the borders. If
    the output is s times smaller than the image, its shift is s times smaller, too, and linear between pixels. An
    output without spatial axes is compared with itself: invariance.

    Args:
        function: Callable from images to feature maps `(batch, height, width, channels)` or vectors.
        images: Array of shape `(num_images, height, width, channels)`.
        max_shift: Int, pixels of the image.
        num_shifts: Int, shifts, the same for all images.
        margin: Int, pixels of the output left out on each side, which the padding of convolutions reaches.
        batch_size: Int, images per call.
        seed: Int, of the shifts.

    Returns:
        Array of shape `(num_images,)`, the mean over shifts.

    Raises:
        ValueError: If the images have another shape.

    Example:

    >>> images = np.random.default_rng(0).random((2, 8, 8, 1)).astype("float32")
    >>> bool(shift_equivariance_error(keras.ops.square, images).max() < 1e-6)
    True
    """
    images = _checked(images)
    rng = np.random.default_rng(seed)
    outputs = _outputs(function, images, batch_size)
    errors = []
    for shift in rng.integers(0, max_shift + 1, (num_shifts, 2)):
        expected = outputs
        if outputs.ndim > 2:
            ratio = np.divide(outputs.shape[1:3], images.shape[1:3])
            expected = roll(roll(outputs, shift[0] * ratio[0], 1), shift[1] * ratio[1], 2)
        shifted = _outputs(function, np.roll(images, shift, (1, 2)), batch_size)
        errors.append(_relative_distance(shifted, expected, _inside(outputs, margin)))
    return np.mean(errors, axis=0)


def rotation_equivariance_error(
    function: Callable, images: Tensor, degrees: Sequence = (90.0, 180.0, 270.0), margin: int = 0, batch_size: int = 64
) -> np.ndarray:
    """Relative distance between the output for a turned image and the turned output.

    `|f(R x) - R f(x)| / |f(x)|` over the disc that the output contains. Quarter turns are exact; others interpolate by
    cubic splines, whose own error, small for smooth images, is part of the result. An output without spatial axes is
    compared with itself: invariance. Features that turn in themselves, such as those of harmonic convolutions of an
    order above 0, are measured by their magnitudes.

    Args:
        function: Callable from images to feature maps `(batch, height, width, channels)` or vectors.
        images: Array of shape `(num_images, size, size, channels)`.
        degrees: Floats, angles counterclockwise.
        margin: Int, pixels by which the disc is smaller than the output.
        batch_size: Int, images per call.

    Returns:
        Array of shape `(num_images,)`, the mean over angles.

    Raises:
        ValueError: If the images are not square.

    Example:

    >>> images = np.random.default_rng(0).random((2, 8, 8, 1)).astype("float32")
    >>> bool(rotation_equivariance_error(keras.ops.square, images).max() < 1e-6)
    True
    """
    images = _checked(images)
    if images.shape[1] != images.shape[2]:
        raise refusal("images should be square", f"images of shape {images.shape}")
    outputs = _outputs(function, images, batch_size)
    inside = _disc(outputs, margin)
    errors = []
    for angle in degrees:
        turned = _outputs(function, rotate(images, angle), batch_size)
        expected = rotate(outputs, angle) if outputs.ndim > 2 else outputs
        errors.append(_relative_distance(turned, expected, inside))
    return np.mean(errors, axis=0)


def deformation_sensitivity(
    function: Callable,
    images: Tensor,
    strength: float = 0.1,
    smoothness: float = 4.0,
    num_fields: int = 5,
    relative: bool = False,
    batch_size: int = 64,
    seed: int = 0,
) -> np.ndarray:
    """How far an output moves for a small deformation of the image, in units of the deformation.

    `|f(x) - f(D_tau x)| / |grad tau|`, with `D_tau x(u) = x(u - tau(u))` and `|grad tau|` the largest operator norm of
    the displacement field's Jacobian (Mallat, 2012, "Group invariant scattering", equation 4). A shift has `grad tau =
    0`: the measure is about stretching and bending. Fields are white noise smoothed by a Gaussian and scaled.

    Args:
        function: Callable from images to one tensor.
        images: Array of shape `(num_images, height, width, channels)`.
        strength: Float, `|grad tau|`; below 1 no image folds over.
        smoothness: Float, width in pixels of the Gaussian.
        num_fields: Int, random fields, the same for all images.
        relative: Boolean, divide by `|f(x)|`, to compare functions of different scales.
        batch_size: Int, images per call.
        seed: Int, of the fields.

    Returns:
        Array of shape `(num_images,)`, the mean over fields.

    Raises:
        ValueError: If the images have another shape, or `strength` is not in (0, 1).

    Example:

    >>> images = np.random.default_rng(0).random((2, 16, 16, 1)).astype("float32")
    >>> deformation_sensitivity(lambda x: 0.0 * x, images).tolist()
    [0.0, 0.0]
    """
    images = _checked(images)
    if not 0 < strength < 1:
        raise refusal("`strength` should be in (0, 1)", f"strength={strength}")
    rng = np.random.default_rng(seed)
    outputs = _outputs(function, images, batch_size)
    norms = np.linalg.norm(outputs.reshape(len(outputs), -1), axis=1) if relative else 1.0
    distances = []
    for _ in range(num_fields):
        deformed = deform(images, displacement_field(images.shape[1:3], strength, smoothness, rng))
        change = (_outputs(function, deformed, batch_size) - outputs).reshape(len(outputs), -1)
        distances.append(np.linalg.norm(change, axis=1) / norms / strength)
    return np.mean(distances, axis=0)


def _checked(images):
    images = np.asarray(images)
    if images.ndim != 4 or not len(images):
        raise refusal(
            "`images` should be a non-empty array (num_images, height, width, channels)",
            f"an array of shape {images.shape}",
        )
    return images.astype("float32")


def _outputs(function, images, batch_size):
    batches = [images[i : i + batch_size] for i in range(0, len(images), batch_size)]
    outputs = [keras.ops.convert_to_numpy(function(keras.ops.convert_to_tensor(batch))) for batch in batches]
    return np.concatenate(outputs).astype("float64")


def _inside(outputs, margin):
    if outputs.ndim == 2:
        return np.ones(outputs.shape[1], bool)
    inside = np.zeros(outputs.shape[1:3], bool)
    inside[margin : outputs.shape[1] - margin, margin : outputs.shape[2] - margin] = True
    return _some(inside, margin)


def _disc(outputs, margin):
    if outputs.ndim == 2:
        return np.ones(outputs.shape[1], bool)
    rows, columns = (np.arange(n) - (n - 1) / 2 for n in outputs.shape[1:3])
    return _some(np.hypot(rows[:, None], columns) <= min(outputs.shape[1:3]) / 2 - margin, margin)


def _some(inside, margin):
    if not inside.any():
        raise refusal(f"`margin` should leave positions to compare in outputs of {inside.shape}", margin=margin)
    return inside


def _relative_distance(a, b, inside):
    """Returns `|a - b| / |b|` of each image, over the positions that count."""
    difference, b = (a - b)[:, inside].reshape(len(a), -1), b[:, inside].reshape(len(b), -1)
    return np.linalg.norm(difference, axis=1) / np.maximum(np.linalg.norm(b, axis=1), 1e-30)
