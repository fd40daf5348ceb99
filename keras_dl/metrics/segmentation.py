"""Overlap of predicted masks with the true ones over the batches of an epoch: Dice and IoU."""

from typing import Any

import keras
from keras import ops

from keras_dl.checks import refusal
from keras_dl.types import Tensor

NO_CLASS = -(2**31)


class _Overlap(keras.metrics.Metric):
    """Sums pixels over batches, replicas and workers; a subclass says what they are worth."""

    direction = "max"
    _direction = "up"  # what Keras' callbacks read, such as EarlyStopping

    def __init__(
        self,
        num_classes: int,
        include_background: bool = True,
        class_id: int | None = None,
        ignore_index: int = -100,
        from_logits: bool = False,
        name: str | None = None,
        dtype: Any = None,
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

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> None:
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

    def result(self) -> Tensor:
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
                f"`y_true` should hold class indices, or {self.num_classes} one-hot classes on the last axis",
                f"shape {tuple(y_true.shape)}",
            )
        one = ops.isclose(ops.sum(ops.cast(y_true, "float32"), axis=-1), 1.0)
        return ops.where(one, ops.cast(ops.argmax(y_true, axis=-1), "int32"), NO_CLASS)

    def _predicted(self, y_pred):
        if y_pred.shape[-1] != self.num_classes:
            raise refusal(
                f"`y_pred` should have the shape (batch, ..., {self.num_classes})", f"shape {tuple(y_pred.shape)}"
            )
        if self.num_classes == 1:
            threshold = 0.0 if self.from_logits else 0.5
            return ops.cast(ops.cast(ops.squeeze(y_pred, -1), "float32") > threshold, "int32")
        return ops.argmax(y_pred, axis=-1)

    def get_config(self) -> dict[str, Any]:
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

    def __init__(self, num_classes: int, **options):
        super().__init__(num_classes, **options)

    def _values(self, hits, true, predicted):
        return ops.divide_no_nan(hits, true + predicted - hits), (true + predicted) != 0


def _whole(labels):
    """Class indices as int32; a fraction, which a cast would round down to a class, becomes none."""
    indices = ops.cast(labels, "int32")
    return ops.where(ops.equal(ops.cast(indices, labels.dtype), labels), indices, NO_CLASS)
