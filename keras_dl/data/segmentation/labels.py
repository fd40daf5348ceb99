"""Masks: whole numbers of files, and the classes that they stand for."""

import numpy as np

from keras_dl.checks import refusal
from keras_dl.data.segmentation.problems import listed, named

IGNORED = -100  # the class of pixels that train nothing and are not scored, as losses and metrics have it
ROUNDING = 1e-3
LARGEST = 2**31 - 1


def whole_numbers(values, path, step=0.0):
    """Returns the labels of a file as integers.

    Fractions are rounded if they are within 1e-3 of a whole number, or within half a step: a file may store numbers
    as multiples of a step, which a library has chosen to hold the largest.

    Args:
        values: Array of any real type.
        path: The file.
        step: Difference between neighbouring numbers that the file can hold, 0 if unknown.

    Returns:
        An integer array.

    Raises:
        ValueError: If they are no whole numbers.

    Example:

    >>> from pathlib import Path
    >>> whole_numbers(np.array([0.0, 1.0000153]), Path("a.nii")).tolist()
    [0, 1]
    """
    if values.dtype.kind in "biu":
        return values.astype("uint8") if values.dtype == bool else values
    finite = np.isfinite(values).all() and np.abs(values).max(initial=0) <= LARGEST
    tolerance = max(ROUNDING, 0.505 * step) if step < 0.5 else ROUNDING
    rounded = np.rint(values) if finite else values
    if not finite or np.abs(values - rounded).max(initial=0) > tolerance:
        strange = np.unique(values[~(np.abs(values - np.rint(values)) <= tolerance)] if finite else values)
        raise refusal(
            "labels should be whole numbers: round the mask (numpy.rint) and save it as integers",
            f"{listed(map(str, strange))} in {named(path)}",
        )
    return rounded.astype("int32")


def compact(labels):
    """Returns integers in the smallest type that holds them.

    Example:

    >>> compact(np.array([0, 255])).dtype, compact(np.array([-1, 200])).dtype
    (dtype('uint8'), dtype('int16'))
    """
    types = [np.min_scalar_type(int(end(initial=0))) for end in (labels.min, labels.max)]
    return labels.astype(np.result_type(*types), copy=False)


def to_classes(labels, label_values, ignore=None):
    """Returns class indices: places in `label_values`, and `IGNORED` for the label `ignore`.

    Args:
        labels: Integer array, of these labels alone.
        label_values: The label of each class, ascending.
        ignore: A label, or `None`.

    Example:

    >>> to_classes(np.array([0, 255, 7]), (0, 255), ignore=7).tolist()
    [0, 1, -100]
    """
    classes = np.empty(labels.shape, "int32")
    for first in range(len(labels)):  # the places of a large scan at once would take eight bytes a pixel
        part, found = labels[first : first + 1], classes[first : first + 1]
        found[...] = np.searchsorted(label_values, part)
        if ignore is not None:
            found[part == ignore] = IGNORED
    return classes
