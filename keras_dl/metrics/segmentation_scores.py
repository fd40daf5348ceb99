"""Scores of predicted masks, arrays, beside the true ones: Dice, IoU and the share of wrong pixels."""

import numpy as np

from keras_dl.checks import refusal
from keras_dl.types import Tensor


def dice_score(y_true: Tensor, y_pred: Tensor, num_classes: int | None = None, ignore_index: int = -100) -> np.ndarray:
    """Dice score of each class: `2 TP / (2 TP + FP + FN)` (Dice, 1945).

    1 if a class has the same pixels in both, 0 if it is in only one of them, NaN if it is in neither: leave
    those classes out of a mean (`np.nanmean`), as they say nothing about the prediction.

    Args:
        y_true: Array of class indices, of any shape.
        y_pred: Array of predicted class indices of that shape.
        num_classes: Number of classes; by default one more than the largest index.
        ignore_index: Label whose pixels count for nothing.

    Returns:
        Float64 array of shape `(num_classes,)`, class 0 (the background) included.

    Raises:
        ValueError: If the shapes differ, or an index is not a class.

    Example:

    >>> dice_score([0, 1, 1, 2], [0, 0, 1, 2], num_classes=4).round(4).tolist()
    [0.6667, 0.6667, 1.0, nan]
    """
    hits, true, predicted = pixel_counts(y_true, y_pred, num_classes, ignore_index)
    return _ratio(2 * hits, true + predicted)


def iou_score(y_true: Tensor, y_pred: Tensor, num_classes: int | None = None, ignore_index: int = -100) -> np.ndarray:
    """Intersection over union of each class: `TP / (TP + FP + FN)` (Jaccard, 1912).

    `IoU = Dice / (2 - Dice)`; NaN if a class is in neither array.

    Args:
        y_true: Array of class indices, of any shape.
        y_pred: Array of predicted class indices of that shape.
        num_classes: Number of classes; by default one more than the largest index.
        ignore_index: Label whose pixels count for nothing.

    Returns:
        Float64 array of shape `(num_classes,)`, class 0 (the background) included.

    Raises:
        ValueError: If the shapes differ, or an index is not a class.

    Example:

    >>> iou_score([0, 1, 1, 2], [0, 0, 1, 2]).tolist()
    [0.5, 0.5, 1.0]
    """
    hits, true, predicted = pixel_counts(y_true, y_pred, num_classes, ignore_index)
    return _ratio(hits, true + predicted - hits)


def pixel_error(y_true: Tensor, y_pred: Tensor, ignore_index: int = -100) -> float:
    """Share of the pixels whose class is wrong.

    For two classes it is the squared Euclidean distance between the masks per pixel, one of the two definitions of the
    ISBI 2012 challenge (Arganda-Carreras et al., 2015).

    Args:
        y_true: Array of class indices, of any shape.
        y_pred: Array of predicted class indices of that shape.
        ignore_index: Label whose pixels count for nothing.

    Returns:
        Float from 0 to 1; NaN if no pixel counts.

    Raises:
        ValueError: If the shapes differ.

    Example:

    >>> pixel_error([0, 1, 1, 2], [0, 0, 1, 2])
    0.25
    """
    y_true, y_pred = _same_shape(y_true, y_pred)
    valid = y_true != ignore_index
    return float(np.mean((y_true != y_pred)[valid])) if valid.any() else float("nan")


def pixel_counts(y_true, y_pred, num_classes=None, ignore_index=-100):
    """Returns how many pixels of each class are hits (true positives), true, and predicted: three int arrays.

    Args:
        y_true: Array of class indices, of any shape.
        y_pred: Array of predicted class indices of that shape.
        num_classes: Number of classes; by default one more than the largest index.
        ignore_index: Label whose pixels count for nothing.

    Example:

    >>> [counts.tolist() for counts in pixel_counts([0, 1, 1], [0, 0, 1])]
    [[1, 1], [1, 2], [2, 1]]
    """
    y_true, y_pred = _same_shape(y_true, y_pred)
    valid = y_true != ignore_index
    y_true, y_pred = y_true[valid], y_pred[valid]
    largest = max((int(y.max()) for y in (y_true, y_pred) if y.size), default=0)
    smallest = min((int(y.min()) for y in (y_true, y_pred) if y.size), default=0)
    num_classes = largest + 1 if num_classes is None else num_classes
    if smallest < 0 or largest >= num_classes:
        raise refusal(f"class indices should be from 0 to {num_classes - 1}", f"values from {smallest} to {largest}")
    hits = np.bincount(y_true[y_true == y_pred], minlength=num_classes)
    return hits, np.bincount(y_true, minlength=num_classes), np.bincount(y_pred, minlength=num_classes)


def _same_shape(y_true, y_pred):
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    if y_true.shape != y_pred.shape:
        raise refusal("masks should have the same shape", f"{y_true.shape} and {y_pred.shape}")
    for y in (y_true, y_pred):
        if y.dtype.kind not in "biu":
            raise refusal("class indices should be integers or booleans", f"dtype {y.dtype}")
    return y_true.astype("int64"), y_pred.astype("int64")


def _ratio(numerator, denominator):
    return np.divide(numerator, denominator, out=np.full(len(numerator), np.nan), where=denominator > 0)
