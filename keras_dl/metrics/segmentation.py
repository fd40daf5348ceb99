"""Overlap of predicted masks with the true ones: Dice and IoU, of arrays and over the batches of an epoch."""

import keras
import numpy as np
from keras import ops

from keras_dl.checks import refusal

NO_CLASS = -(2**31)


def dice_score(y_true, y_pred, num_classes=None, ignore_index=-100):
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


def iou_score(y_true, y_pred, num_classes=None, ignore_index=-100):
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


def pixel_error(y_true, y_pred, ignore_index=-100):
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
        raise refusal(f"Expected class indices from 0 to {num_classes - 1}", f"values from {smallest} to {largest}")
    hits = np.bincount(y_true[y_true == y_pred], minlength=num_classes)
    return hits, np.bincount(y_true, minlength=num_classes), np.bincount(y_pred, minlength=num_classes)


class _Overlap(keras.metrics.Metric):
    """Sums pixels over batches, replicas and workers; a subclass says what they are worth."""

    direction = "max"
    _direction = "up"  # what Keras' callbacks read, such as EarlyStopping

    def __init__(
        self,
        num_classes,
        include_background=True,
        class_id=None,
        ignore_index=-100,
        from_logits=False,
        name=None,
        dtype=None,
    ):
        super().__init__(name=name or type(self).__name__.lower(), dtype=dtype)
        if not isinstance(num_classes, int) or num_classes < 1 or (num_classes == 1 and not include_background):
            raise refusal(
                "`num_classes` should be a positive integer, and above 1 without the background",
                num_classes=num_classes,
                include_background=include_background,
            )
        if class_id is not None and class_id not in range(max(num_classes, 2)):
            raise refusal(f"`class_id` should be one of {max(num_classes, 2)} classes", class_id=class_id)
        self.num_classes = num_classes
        self.include_background = include_background
        self.class_id = class_id
        self.ignore_index = ignore_index
        self.from_logits = from_logits
        # Float32 would lose single pixels after 2^24 of them.
        shape = (max(num_classes, 2),)
        names = ("hits", "true_pixels", "predicted_pixels")
        self.counts = [self.add_variable(shape, "zeros", dtype="float64", name=name) for name in names]

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds a batch: class indices (or one-hot classes), and predictions of shape `(batch, ..., num_classes)`."""
        y_pred = ops.convert_to_tensor(y_pred)
        labels, predicted = self._labels(y_true, y_pred), self._predicted(y_pred)
        counted = ops.not_equal(labels, self.ignore_index)
        weights = ops.cast(counted, "float32")
        if sample_weight is not None:
            sample_weight = ops.cast(sample_weight, "float32")
            missing = len(labels.shape) - len(sample_weight.shape)
            weights *= ops.reshape(sample_weight, (*ops.shape(sample_weight), *[1] * missing))
        num_classes = max(self.num_classes, 2)
        known = ops.logical_and(labels >= 0, labels < num_classes)
        # A label that is no class makes the result NaN, as it does the losses; one-hot it would be left out in silence.
        unknown = ops.any(ops.logical_and(ops.logical_not(known), weights > 0))
        true = ops.one_hot(labels, num_classes, dtype="float32")
        predicted = ops.one_hot(predicted, num_classes, dtype="float32")
        weights = ops.expand_dims(weights, -1)
        for variable, pixels in zip(self.counts, (true * predicted, true, predicted), strict=True):
            sums = ops.sum(pixels * weights, axis=tuple(range(len(labels.shape))))
            sums = ops.where(unknown, float("nan"), ops.cast(sums, variable.dtype))
            variable.assign_add(ops.cast(sums, variable.dtype))

    def result(self):
        """Returns the mean over the classes that have pixels, or the value of `class_id`; 0 if there are none.

        NaN once a label was no class.
        """
        values, present = self._values(*self.counts)
        first = 0 if self.include_background and self.num_classes > 1 else 1
        chosen = slice(first, None) if self.class_id is None else slice(self.class_id, self.class_id + 1)
        present = ops.cast(present, values.dtype)[chosen]
        return ops.cast(ops.divide_no_nan(ops.sum(values[chosen] * present), ops.sum(present)), self.dtype)

    def _labels(self, y_true, y_pred):
        y_true = ops.convert_to_tensor(y_true)
        if len(y_true.shape) < len(y_pred.shape):
            return _whole(y_true)
        if y_true.shape[-1] == 1:
            return _whole(ops.squeeze(y_true, -1))
        if y_true.shape[-1] != self.num_classes:
            raise refusal(
                f"Expected class indices, or {self.num_classes} one-hot classes on the last axis",
                f"shape {tuple(y_true.shape)}",
            )
        one = ops.isclose(ops.sum(ops.cast(y_true, "float32"), axis=-1), 1.0)
        return ops.where(one, ops.cast(ops.argmax(y_true, axis=-1), "int32"), NO_CLASS)

    def _predicted(self, y_pred):
        if y_pred.shape[-1] != self.num_classes:
            raise refusal(
                f"Expected predictions of shape (batch, ..., {self.num_classes})", f"shape {tuple(y_pred.shape)}"
            )
        if self.num_classes == 1:
            threshold = 0.0 if self.from_logits else 0.5
            return ops.cast(ops.cast(ops.squeeze(y_pred, -1), "float32") > threshold, "int32")
        return ops.argmax(y_pred, axis=-1)

    def get_config(self):
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "include_background": self.include_background,
            "class_id": self.class_id,
            "ignore_index": self.ignore_index,
            "from_logits": self.from_logits,
        }


# The loss of the same name is keras_dl>Dice.
@keras.saving.register_keras_serializable(package="keras_dl", name="metrics.Dice")
class Dice(_Overlap):
    """Mean Dice score over the classes, of all pixels of an epoch: `2 TP / (2 TP + FP + FN)`.

    Pixels are summed over the batches (and replicas) before the division, so a class that a batch lacks does not count
    there; classes without any pixel, true or predicted, are left out of the mean, and without any class the result is
    0. A label that is no class and not `ignore_index` makes it NaN. `dice_score` gives the score of single cases.

    Args:
        num_classes: Number of classes; 1 for a binary mask, whose foreground counts alone.
        include_background: Whether class 0 counts.
        class_id: The class to report alone; `None` for the mean. A binary mask has classes 0 and 1.
        ignore_index: Label whose pixels count for nothing.
        from_logits: For a binary mask: whether predictions are logits, with the threshold at 0 rather than 0.5.
        name: Name of the metric.
        dtype: Dtype of the result.

    Example:

    >>> metric = Dice(num_classes=2, include_background=False)
    >>> metric.update_state([[0, 1, 1]], [[[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]])
    >>> print(round(float(metric.result()), 4))
    0.6667
    """

    def _values(self, hits, true, predicted):
        return ops.divide_no_nan(2 * hits, true + predicted), (true + predicted) != 0


@keras.saving.register_keras_serializable(package="keras_dl")
class IoU(_Overlap):
    """Mean intersection over union over the classes, of all pixels of an epoch: `TP / (TP + FP + FN)`.

    Args:
        num_classes: Number of classes; 1 for a binary mask, whose foreground counts alone.
        **options: `include_background`, `class_id`, `ignore_index`, `from_logits`, `name` and `dtype`, as in `Dice`.

    Example:

    >>> metric = IoU(num_classes=2, include_background=False)
    >>> metric.update_state([[0, 1, 1]], [[[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]])
    >>> float(metric.result())
    0.5
    """

    def __init__(self, num_classes, **options):
        super().__init__(num_classes, **options)

    def _values(self, hits, true, predicted):
        return ops.divide_no_nan(hits, true + predicted - hits), (true + predicted) != 0


def _whole(labels):
    """Class indices as int32; a fraction, which a cast would round down to a class, becomes none."""
    indices = ops.cast(labels, "int32")
    return ops.where(ops.equal(ops.cast(indices, labels.dtype), labels), indices, NO_CLASS)


def _same_shape(y_true, y_pred):
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    if y_true.shape != y_pred.shape:
        raise refusal("Expected masks of the same shape", f"{y_true.shape} and {y_pred.shape}")
    for y in (y_true, y_pred):
        if y.dtype.kind not in "biu":
            raise refusal("Expected class indices, integers or booleans", f"dtype {y.dtype}")
    return y_true.astype("int64"), y_pred.astype("int64")


def _ratio(numerator, denominator):
    return np.divide(numerator, denominator, out=np.full(len(numerator), np.nan), where=denominator > 0)
