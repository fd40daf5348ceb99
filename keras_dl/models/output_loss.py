"""The loss of one output: the values of its elements, what its mean divides by, and Keras' habits of both."""

import keras
import tensorflow as tf
from keras.src.backend import get_keras_mask  # where a mask is found on a tensor; Keras does not export it
from keras.src.trainers.compile_utils import get_loss  # Keras' reading of names and functions, "crossentropy" too

from keras_dl.checks import refusal

_LATE = ("crossentropy", "ce")  # names that mean different losses for different targets


class OutputLoss:
    """A loss as one value a sample, whose mean over the global batch is Keras' value over the batch.

    Keras' value is `sum(w v) / n` over the elements (time steps, pixels) of all samples, where `n` is their number or,
    where some are masked, that of the others; reductions `"sum"` and `"mean_with_sample_weight"` divide by 1 and by
    `sum(w)`. A loss of `keras_dl.losses` with weights of its own (ignored labels, class weights) divides by their sum.

    Args:
        loss: A `keras.losses.Loss`, its name, or a function of `(y_true, y_pred)`.
        weight: Factor of this loss in the total.
        masked: Whether the output may carry a mask.

    Attributes:
        identifier: The loss as the user means it, a `Loss` or a function.
        name: The loss's name, by which logs call it where its output has none.
        counts: Whether the mean's denominator is anything but a number of elements: it is then found in the data.

    Raises:
        ValueError: If the loss has no reduction.
    """

    def __init__(self, loss, weight, masked):
        late = isinstance(loss, str) and loss.lower() in _LATE
        self.identifier = None if late else keras.losses.get(loss)
        self.weight = weight
        self.loss = None if late else get_loss(loss, None, None)
        self.name = loss if late else self.loss.name
        if not late and not self._is_ours and self._reduction in (None, "none"):
            raise refusal("loss should have a reduction, 'sum_over_batch_size' or 'sum'", f"{self.loss.name} with none")
        reduces = self._reduction not in ("sum", "batchmean")
        finds = masked or self._weighs or getattr(self.loss, "ignore_class", None) is not None
        self.counts = not self._couples and reduces and (finds or self._reduction == "mean_with_sample_weight")

    @property
    def _is_ours(self):
        return hasattr(self.loss, "values_and_weights")

    @property
    def _couples(self):
        return getattr(self.loss, "couples_batch", False)

    @property
    def _weighs(self):
        # A loss that couples the batch needs its predictions to know its weights: it divides by them itself.
        return getattr(self.loss, "has_weights", False) and not self._couples

    @property
    def _reduction(self):
        return getattr(self.loss, "reduction", "sum_over_batch_size")

    def __call__(self, target, prediction, sample_weight, rows, count=None):
        """Returns the loss of every sample, shape `(batch,)`.

        Args:
            target, prediction, sample_weight: Those of the output; weights for samples or for elements, or `None`.
            rows: Rows of the global batch, a float scalar.
            count: The mean's denominator over the global batch; `None` where the rows at hand are all there are.
        """
        values, counts = self._elements(target, prediction, sample_weight)
        local = tf.shape(prediction)[0]
        if counts is not None:
            count = tf.reduce_sum(counts) if count is None else count
            return _sums(values, local) * tf.math.divide_no_nan(rows, count)
        if self._reduction in ("sum", "batchmean"):
            return _sums(values, local) * (rows if self._reduction == "sum" else 1.0)
        return tf.reduce_mean(tf.reshape(values, [local, -1]), -1)

    def count(self, target, prediction, sample_weight):
        """Returns this replica's part of the mean's denominator, a float scalar."""
        return tf.reduce_sum(self._elements(target, prediction, sample_weight)[1])

    def _elements(self, target, prediction, sample_weight):
        """Weighed values of all elements, and what each counts in the denominator; `None` where each counts one."""
        if self.loss is None:
            self.loss = get_loss(_LATE[0], target, prediction)
        mask = get_keras_mask(prediction)
        prediction = tf.cast(prediction, tf.float32)
        if self._is_ours:
            return self._our_elements(target, prediction, sample_weight, mask)
        values = self.loss.call(_floats(target), prediction)
        masks = [m for m in (mask, get_keras_mask(values)) if m is not None]
        values = tf.cast(values, tf.float32)
        if _is_of_batch(values, prediction):
            values = self._of_batch(values, tf.shape(prediction)[0], sample_weight)
            masks = [tf.ones_like(values) for _ in masks]
        shape = values
        values, counts = _weigh(values, sample_weight), None
        if sample_weight is not None and self._reduction == "mean_with_sample_weight":
            counts = _align(sample_weight, shape)
        for mask in masks:
            values = _weigh(values, mask, "the mask of an output")
            counts = _weigh(tf.ones_like(shape) if counts is None else counts, mask)
        return values, counts if self._reduction != "sum" else None

    def _of_batch(self, values, rows, sample_weight):
        """One value for each row from a loss of the whole batch, so that together they make Keras' value."""
        if self._reduction == "sum" and sample_weight is None:
            return tf.fill([rows], tf.math.divide_no_nan(tf.reduce_sum(values), tf.cast(rows, tf.float32)))
        return tf.fill([rows], tf.reduce_mean(values))

    def _our_elements(self, target, prediction, sample_weight, mask):
        if self._couples:
            mean = tf.math.divide_no_nan(*map(tf.reduce_sum, self.loss.values_and_weights(target, prediction)))
            values, counts = tf.fill([tf.shape(prediction)[0]], tf.cast(mean, tf.float32)), None
        elif self._weighs and self._reduction in ("mean", "none"):
            values, counts = self.loss.values_and_weights(target, prediction)
        else:
            values, counts = self.loss.call(target, prediction), None
        values = tf.cast(values, tf.float32)
        if mask is not None and not self._couples:
            values = _weigh(values, mask)
            counts = _weigh(tf.ones_like(values) if counts is None else counts, mask)
        counts = None if counts is None or self._reduction in ("sum", "batchmean") else tf.cast(counts, tf.float32)
        return _weigh(values, sample_weight), counts


def _floats(target):
    return tf.cast(target, keras.config.floatx())


def _is_of_batch(values, prediction):
    """Whether a loss is one of the whole batch: its first axis is not that of the rows, as far as shapes tell."""
    return values.shape.rank == 0 or (values.shape[0] is not None and values.shape[0] != prediction.shape[0])


def _weigh(values, factor, what="sample_weight"):
    if factor is None:
        return values
    factor = _align(factor, values, what)
    return tf.where(factor == 0, 0.0, values * factor)  # padding has no label that is worth a value


def _align(factor, values, what="sample_weight"):
    """A factor of samples, or of elements, in a shape that multiplies the values."""
    factor = tf.cast(factor, tf.float32)
    if factor.shape.rank == values.shape.rank + 1 and factor.shape[-1] == 1:
        factor = tf.squeeze(factor, -1)
    if factor.shape.rank > values.shape.rank:
        raise refusal(
            f"{what} should weigh samples or elements, of shape {tuple(values.shape)}",
            f"shape {tuple(factor.shape)}",
        )
    return tf.reshape(factor, tf.concat([tf.shape(factor), [1] * (values.shape.rank - factor.shape.rank)], 0))


def _sums(values, rows):
    return tf.reduce_sum(tf.reshape(values, [rows, -1]), -1)
