"""Changes of place that bend lines or their distances."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.data.augment import resampling
from keras_dl.data.augment.base import limits, normal, uniform
from keras_dl.data.augment.geometry import Moved
from keras_dl.types import Tensor

_register = keras.saving.register_keras_serializable(package="keras_dl")


@_register
class Perspective(Moved):
    """Moves the four corners of images, as if they were seen from another side.

    Args:
        distortion: Range of each corner's shift along each axis, as a share of the size.
        fill_mode: As for `Affine`.
        fill_value: As for `Affine`.
        probability: Share of the samples that change.

    Raises:
        ValueError: If the range descends or exceeds 0.4, or the images are volumes.

    Example:

    >>> x, _ = Perspective(0.2)(tf.ones((1, 8, 8, 1)), None, tf.constant([0, 0]))
    >>> x.shape
    TensorShape([1, 8, 8, 1])
    """

    def __init__(
        self, distortion: float = 0.1, fill_mode: str = "constant", fill_value: float = 0.0, probability: float = 1.0
    ):
        super().__init__(fill_mode, fill_value, probability)
        self.distortion = limits(distortion, "distortion")
        if max(map(abs, self.distortion)) > 0.4:
            raise refusal("`distortion` should be between -0.4 and 0.4", distortion=distortion)

    def places(self, batch: Tensor, sizes: Tensor, key: Tensor) -> Tensor:
        if len(sizes) != 2:
            raise refusal("`Perspective` takes images, not volumes", f"images of size {tuple(sizes)}")
        sides = np.array(sizes, "float32")
        corners = np.array([(-1, -1), (-1, 1), (1, -1), (1, 1)], "float32") * (sides - 1) / 2
        sources = corners + uniform(key, (batch, 4, 2), self.distortion) * sides
        # Two equations per corner u with source v: (h_1 u, h_2 u) = v h_3 u, where h_3 ends in 1.
        u = tf.tile(np.concatenate([corners, np.ones((4, 1), "float32")], axis=1)[None], (batch, 1, 1))
        rows = []
        for axis in (0, 1):
            parts = [tf.zeros_like(u), tf.zeros_like(u), -sources[..., axis : axis + 1] * u[..., :2]]
            parts[axis] = u
            rows.append(tf.concat(parts, axis=2))
        values = tf.concat([sources[..., :1], sources[..., 1:]], axis=1)
        solution = tf.linalg.solve(tf.concat(rows, axis=1), values)[..., 0]
        matrices = tf.reshape(tf.concat([solution, tf.ones((batch, 1))], axis=1), (batch, 3, 3))
        return resampling.transformed_places(sizes, matrices)


@_register
class Elastic(Moved):
    """Bends images smoothly by random shifts of a coarse grid (Ronneberger et al., 2015, section 3.1).

    Each grid point draws a normal shift along each axis; between them cubic B-splines, whose sum smooths, interpolate.

    Args:
        stddev: Standard deviation of the grid points' shifts in pixels, or a pair of limits between which each image
            draws its own.
        points: Grid points along each axis, at least 4; one lies beyond the image on either side.
        fill_mode: As for `Affine`.
        fill_value: As for `Affine`.
        probability: Share of the samples that change.

    Raises:
        ValueError: If an option is out of range.

    Example:

    >>> x, _ = Elastic(2.0)(tf.ones((1, 8, 8, 8, 1)), None, tf.constant([0, 0]))
    >>> x.shape
    TensorShape([1, 8, 8, 8, 1])
    """

    def __init__(
        self,
        stddev: float | Sequence[float] = 4.0,
        points: int = 5,
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        probability: float = 1.0,
    ):
        super().__init__(fill_mode, fill_value, probability)
        self.stddev = limits(stddev, "stddev", least=0.0, both_sides=False)
        if not isinstance(points, int) or points < 4:
            raise refusal("`points` should be an integer of at least 4", points=points)
        self.points = points

    def places(self, batch: Tensor, sizes: Tensor, key: Tensor) -> Tensor:
        axes = len(sizes)
        stddev = uniform(tf.random.fold_in(key, 0), (batch, *[1] * (axes + 1)), self.stddev)
        field = stddev * normal(tf.random.fold_in(key, 1), (batch, *[self.points] * axes, axes))
        for size in sizes:  # each product moves the grid's first axis, made dense, to the end
            field = tf.tensordot(field, resampling.spline_basis(size, self.points), [[1], [1]])
        return resampling.pixel_centres(sizes) + tf.transpose(field, (0, *range(2, axes + 2), 1))
