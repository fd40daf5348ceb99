"""Specification of a data set: what a network needs to know about it."""

import math
from typing import NamedTuple, Self

import numpy as np

from keras_dl.checks import NO_CHANNELS, refusal
from keras_dl.data.disk.column import Column
from keras_dl.types import Nest

_ROWS_LOOKED_AT = 1000
_NUMBERS_LOOKED_AT = 2**24  # fewer rows of large samples


class DataSpec(NamedTuple):
    """The shape of one sample, and the numbers of classes, training samples and grey levels.

    A recipe's `build(hp, data_spec)` sizes its networks and schedules by it.

    Attributes:
        shape: tuple of integers, the shape of one sample, for images `(height, width, channels)`.
        num_classes: integer, one more than the largest label, or None if there are no labels.
        num_samples: integer, the number of training samples.
        num_levels: integer, how many grey levels the values take, if they lie on `k / (num_levels - 1)`: 2, 17 (as
            `digits` does) or 256; else None.

    Example:

    >>> import numpy as np
    >>> from keras_dl.data import DataSpec
    >>> DataSpec.of(np.zeros((5, 8, 8, 1)), np.array([0, 1, 2, 1, 0]))
    DataSpec(shape=(8, 8, 1), num_classes=3, num_samples=5, num_levels=2)
    """

    shape: tuple
    num_classes: int | None
    num_samples: int
    num_levels: int | None = None

    def check_images(self, what: str = "images") -> None:
        """Refuses samples that are no images, and says of grey ones without an axis of channels what they lack.

        Args:
            what: What the data should be, in words.

        Raises:
            ValueError: If a sample has not three axes.
        """
        if len(self.shape) != 3:
            lacks = f": {NO_CHANNELS}" if len(self.shape) == 2 else ""
            raise refusal(f"data should be {what}{lacks}", f"samples of shape {self.shape}")

    @classmethod
    def of(cls, x: Nest, y: Nest | None = None) -> Self:
        """Describes samples `x`, an array or column of shape `(num_samples, ...)`, and labels, targets or None, `y`."""
        labelled = y is not None and not isinstance(y, Column) and np.asarray(y).dtype.kind in "iu"
        num_classes = int(np.max(y)) + 1 if labelled else None
        shape = tuple(int(axis) for axis in x.shape[1:])
        rows = min(_ROWS_LOOKED_AT, max(1, _NUMBERS_LOOKED_AT // max(1, math.prod(shape))))
        return cls(shape, num_classes, len(x), _num_levels(x[:rows]))


def _num_levels(x):
    for num_levels in (2, 17, 256):
        steps = np.asarray(x, "float32") * (num_levels - 1)
        if np.abs(steps - np.rint(steps)).max() < 1e-3 and steps.min() >= 0 and steps.max() < num_levels:
            return num_levels
    return None
