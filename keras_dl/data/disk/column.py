"""A column of samples on disk, which is indexed as an array is and read row by row."""

from typing import Any

import numpy as np
import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.types import Nest, Shape

_GLIMPSE = 64  # rows by which a model judges data that it has not read yet


class DataError(ValueError):
    """Raised for a file or row that cannot be trained on; the message names it."""


class Column:
    """Samples in files. Indexing reads: `column[3]`, `column[10:20]` and `column[[5, 2]]` are arrays.

    Whole numbers of 8 and 16 bits are read as floats in [0, 1], as those of named sets are; other numbers as they are,
    in float32 and int32. What is read is checked.

    Args:
        shape: Tuple of integers, `(rows, *shape of a sample)`.
        stored: NumPy dtype of the numbers in the files.
        white: What stands for 1; `None` for 255 or 65535, as the dtype says.
    """

    def __init__(self, shape: Shape, stored: Any, white: float | None = None):
        self.shape, self.stored = tuple(int(axis) for axis in shape), np.dtype(stored)
        pixels = self.stored.kind == "u" and self.stored.itemsize <= 2
        self.white = white or (float(np.iinfo(self.stored).max) if pixels else None)
        self.dtype = np.dtype("int32" if self.stored.kind in "iu" and self.white is None else "float32")

    def read_stored(self, rows: np.ndarray) -> np.ndarray:
        """Returns the samples at `rows`, an int64 array, as they are stored; raises `DataError`."""
        raise NotImplementedError

    def where(self, row: int) -> str:
        """Returns the place of a row in words, for messages."""
        raise NotImplementedError

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Returns the samples at `rows`, an integer array, as an array of `dtype`; raises `DataError`."""
        rows = np.asarray(rows, "int64")
        samples = self.read_stored(rows)
        if samples.dtype.kind == "f" and samples.size:
            self._check(np.isfinite(samples), "finite", samples, rows)
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite
            converted = samples.astype(self.dtype, copy=False)
        if samples.size and not np.can_cast(samples.dtype, converted.dtype):
            fits = np.isfinite(converted) if converted.dtype.kind == "f" else converted == samples
            self._check(fits, f"within the range of {converted.dtype}", samples, rows)
        return converted / np.float32(self.white) if self.white else converted

    def take(self, rows: Any) -> "Subset":
        """Returns the column of some rows, which it reads when it is read: a sequence of numbers, or a slice."""
        return Subset(self, np.arange(len(self))[rows])

    def _check(self, fits, what, samples, rows):
        """Refuses the first row of which a number does not fit, in the words of `what`."""
        good = fits.reshape(len(rows), -1).all(axis=1)
        if not good.all():
            row = int(np.argmin(good))
            bad = samples[row][~fits[row]].flat[0]
            raise refusal(f"{self.where(rows[row])} should be {what}", f"{bad}", error=DataError)

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, key: Any):
        rows = np.arange(len(self))[key]
        return self.read(rows) if rows.ndim else self.read(rows[None])[0]

    def __iter__(self):
        return (self[row] for row in range(len(self)))

    def __repr__(self):
        return f"<{type(self).__name__} of shape {self.shape}, {self.dtype}>"

    @property
    def ndim(self) -> int:
        return len(self.shape)


class Subset(Column):
    """Some rows of a column."""

    def __init__(self, column, rows):
        super().__init__((len(rows), *column.shape[1:]), column.stored, column.white)
        self.column, self.rows = column, rows

    def read_stored(self, rows):
        return self.column.read_stored(self.rows[rows])

    def where(self, row):
        return self.column.where(self.rows[row])

    def take(self, rows):
        return self.column.take(self.rows[rows])


def rows_of(data: Any, rows: Any) -> Any:
    """Returns some rows of an array, or of a column, which are not read yet."""
    return data.take(rows) if isinstance(data, Column) else data[rows]


def glimpse(data: Nest) -> Nest:
    """Returns a few rows of each leaf of a nest, as arrays, where one is on disk; else the nest.

    Among the rows are those of the smallest and the largest label, of which all are known.
    """
    leaves = [leaf for leaf in tf.nest.flatten(data) if leaf is not None]
    if not any(isinstance(leaf, Column) for leaf in leaves):
        return data
    rows = [np.linspace(0, len(leaves[0]) - 1, min(_GLIMPSE, len(leaves[0]))).astype(int)]
    for leaf in leaves:
        if not isinstance(leaf, Column) and len(leaf.shape) == 1:
            rows.append(np.array([np.argmin(leaf), np.argmax(leaf)]))
    rows = np.unique(np.concatenate(rows))

    def some(leaf):
        if leaf is None:
            return None
        return leaf[rows] if isinstance(leaf, Column) else np.asarray(leaf)[rows]

    return tf.nest.map_structure(some, data)
