"""What is read off files whose rows cannot be read in any order: samples for a temporary file, labels for memory."""

import tempfile
import warnings
from pathlib import Path

import numpy as np

from keras_dl.checks import refusal
from keras_dl.data.disk.blocks import Spool
from keras_dl.data.disk.column import DataError
from keras_dl.data.disk.decoding import decoded, kind
from keras_dl.data.segmentation.problems import listed

MOST_CLASSES = 1_000_000
#: What a column of labels or of values to predict is usually called.
LABELS = ("label", "labels", "class", "target", "y")


def label_among(names, label, path):
    """Returns the name of the column with labels: the one that is asked for, else one with a usual name, else `None`.

    Raises:
        ValueError: If there is no such column, or several have usual names.
    """
    usual = [name for name in names if name.lower() in LABELS]
    if label is not None and label not in names:
        raise refusal(f"`label` should be a column of {path}: {', '.join(names)}", label=label)
    if label is None and len(usual) > 1:
        raise refusal(f"`label` should say which column of {path} is the label", f"{', '.join(usual)}")
    chosen = label or next(iter(usual), None)
    if len(names) == (chosen is not None):
        raise refusal(f"{path} should have columns beside its labels", f"{', '.join(names) or 'none'}")
    return chosen


class Unpacked:
    """Samples that are appended one batch after the other, and checked.

    Args:
        where: Function of a row that returns its place in words.
    """

    def __init__(self, where):
        self.where, self.spool = where, Spool(where)
        self._shape, self._dtype = None, None

    @property
    def count(self):
        return self.spool.count

    def extend(self, samples):
        """Appends an array of samples, or a list of encoded pictures."""
        if isinstance(samples, list):
            for content in samples:
                self.append_picture(content)
            return
        if self._shape is None:
            self._shape, self._dtype = samples.shape[1:], samples.dtype
        if samples.shape[1:] != self._shape or samples.dtype != self._dtype:
            text = f"{self.where(self.count)} should have shape {self._shape} and dtype {self._dtype}, as the first"
            raise refusal(text, f"shape {samples.shape[1:]} and dtype {samples.dtype}", error=DataError)
        if samples.dtype.kind == "f" and not np.isfinite(samples).all():
            finite = np.isfinite(samples).reshape(len(samples), -1).all(axis=1)
            row = int(np.argmin(finite))
            bad = samples[row][~np.isfinite(samples[row])].flat[0]
            raise refusal(f"{self.where(self.count + row)} should be finite", bad, error=DataError)
        self.spool.append(samples)

    def append_picture(self, content):
        """Appends one encoded picture, given as bytes."""
        with tempfile.TemporaryDirectory(prefix="keras_dl_") as folder:
            path = Path(folder) / "picture"
            path.write_bytes(content)
            try:
                picture = decoded(path)
            except DataError as error:
                raise DataError(str(error).replace(str(path), self.where(self.count))) from error
        if self._shape not in (None, picture.shape):
            alike = f"{kind(self._shape, self._dtype)}, as the first picture"
            received = kind(picture.shape, picture.dtype)
            raise refusal(f"{self.where(self.count)} should be {alike}", received, error=DataError)
        self.extend(picture[None])

    def column(self):
        """Returns what was appended, a `Block`."""
        return self.spool.block()


class Labels:
    """Labels, or values to predict, in the order of their rows.

    Args:
        where: Function of a row that returns its place in words.
    """

    def __init__(self, where):
        self.where, self.values = where, []

    def extend(self, values):
        """Appends a list of numbers or texts."""
        self.values += values

    def arrays(self):
        """Returns `(y, classes)`: what `as_labels` makes of the values; two `None`s if there are none."""
        if not self.values:
            return None, None
        for row, value in enumerate(self.values):
            if value is None or value == "":
                raise refusal(f"{self.where(row)} should have a label", "none", error=DataError)
        try:
            return as_labels(np.array(self.values, "float64"), self.where), None
        except (ValueError, TypeError) as error:
            if isinstance(error, DataError):
                raise
        classes, labels = np.unique(np.array(self.values, str), return_inverse=True)
        return labels.astype("int32"), tuple(map(str, classes))


def as_labels(values, where):
    """Returns labels or values to predict, as they should be trained on.

    Args:
        values: Array of numbers, shape `(rows,)` or, of values, `(rows, size)`.
        where: Function of a row that returns its place in words.

    Returns:
        int32 labels of shape `(rows,)` if all are whole numbers, else float32 values of shape `(rows, size)`.

    Raises:
        DataError: For a negative label, or a number that is not finite.
    """
    rows = values.reshape(len(values), -1)
    finite = np.isfinite(rows).all(axis=1)
    if not finite.all():
        row = int(np.argmin(finite))
        raise refusal(f"The label in {where(row)} should be finite", f"{values[row]}", error=DataError)
    if rows.shape[1] != 1 or not (np.floor(rows) == rows).all():
        return rows.astype("float32")
    labels = rows[:, 0]
    if labels.min() < 0:
        row = int(np.argmin(labels))
        raise refusal(f"The label in {where(row)} should count from 0", f"{labels[row]:g}", error=DataError)
    if labels.max() >= MOST_CLASSES:
        row = int(np.argmax(labels))
        text = f"The label in {where(row)} should be one of fewer than {MOST_CLASSES:,} classes: write names as text"
        raise refusal(text, f"{labels[row]:.0f}", error=DataError)
    _warn_of_gaps(labels, where)
    return labels.astype("int32")


def _warn_of_gaps(labels, where):
    """Warns if the largest label is not the number of classes: a count that begins with 1, values to predict."""
    known = np.unique(labels).astype(int)
    missing = np.setdiff1d(np.arange(known[-1]), known)
    if len(missing):
        text = f"labels count from 0, and {listed(map(str, missing))} of 0 to {known[-1]} are those of no row"
        warnings.warn(f"{text} ({where(0)} and the next); write labels as text to have no other classes", stacklevel=2)
