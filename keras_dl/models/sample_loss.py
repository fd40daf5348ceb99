"""Keras losses as values of single samples, which is what the base sums over replicas."""

import keras
import numpy as np
import tensorflow as tf

from keras_dl.models.base.structure import outputs_of


class SampleLoss:
    """Gives each sample its part of a loss whose mean over the global batch is the objective.

    A loss's values over the elements of a sample (the pixels of a segmentation) are averaged, so that the mean over
    samples is Keras' mean over elements; `reduction="sum"` sums instead. A loss of `keras_dl.losses` that divides by
    weights of its own (class weights, ignored labels) keeps its weighted mean: values and weights are summed by
    sample, and the base divides one by the other over the global batch.

    Args:
        loss: A `keras.losses.Loss`, its name, a function of `(y_true, y_pred)`, or a nest of them, one an output.
        loss_weights: Weights of the outputs' losses, a nest like `loss`; `None` for ones.
        network: The network, whose outputs the losses should match.

    Raises:
        ValueError: If there is no loss, or it does not match the outputs.
    """

    def __init__(self, loss, loss_weights, network):
        if loss is None:
            raise ValueError("compile should be given a loss. Received: loss=None")
        self.losses = [keras.losses.get(one) for one in tf.nest.flatten(loss)]
        self.outputs = outputs_of(network)
        outputs = tf.nest.flatten(self.outputs)
        weights = [1.0] * len(self.losses) if loss_weights is None else tf.nest.flatten(loss_weights)
        if len(self.losses) not in (1, len(outputs)) or len(weights) != len(self.losses):
            raise ValueError(
                f"loss and loss_weights should have one entry, or one for each of {len(outputs)} outputs. "
                f"Received: {len(self.losses)} losses and {len(weights)} weights"
            )
        if len(self.losses) < len(outputs):
            self.losses, weights = self.losses * len(outputs), weights * len(outputs)
        self.loss_weights = weights
        self.output_shape = tuple(outputs[0].shape) if len(outputs) == 1 and outputs[0] is not None else None
        self.has_weights = len(self.losses) == 1 and _has_weights(self.losses[0])

    def __call__(self, y_true, y_pred, sample_weight=None, total=1.0):
        """Returns the loss of every sample, shape `(batch,)`; `total` is the number of rows of the global batch."""
        predictions, targets = _matched(y_pred, y_true)
        found = 0.0
        for loss, weight, target, prediction in zip(self.losses, self.loss_weights, targets, predictions, strict=True):
            found += weight * self._one(loss, target, prediction, total)
        return found if sample_weight is None else found * _flat(sample_weight)

    def check(self, y_true):
        """Refuses labels that a loss over classes has no class for: a step fails on them, or gives NaN."""
        outputs, targets = _matched(self.outputs, y_true)
        if len(outputs) == len(targets) == len(self.losses):
            for loss, output, target in zip(self.losses, outputs, targets, strict=True):
                if output is not None:
                    _check_labels(loss, np.asarray(target), tuple(output.shape))

    def weights(self, y_true):
        """Returns every sample's weight in the mean, shape `(batch,)`, for a loss that has weights of its own."""
        # The weights depend on the targets; predictions only lend them a shape.
        known = [tf.shape(y_true)[i] if n is None else n for i, n in enumerate(self.output_shape)]
        weights = self.losses[0].weights(y_true, tf.zeros(known))
        return _by_sample(tf.reduce_sum, tf.cast(weights, tf.float32))

    def _one(self, loss, target, prediction, total):
        prediction = tf.cast(prediction, tf.float32)
        reduction = getattr(loss, "reduction", "mean")
        if getattr(loss, "couples_batch", False):
            values = tf.math.divide_no_nan(*map(tf.reduce_sum, loss.values_and_weights(target, prediction)))
        elif isinstance(loss, keras.losses.Loss):
            target = target if hasattr(loss, "values_and_weights") else tf.cast(target, tf.float32)
            values = loss.call(target, prediction)
        else:
            values = loss(target, prediction)
        values = tf.cast(values, tf.float32)
        if values.shape.rank == 0:
            return tf.fill([tf.shape(prediction)[0]], values)
        if self.has_weights or reduction in ("sum", "batchmean"):
            summed = _by_sample(tf.reduce_sum, values)
            return summed * total if reduction == "sum" else summed
        return _by_sample(tf.reduce_mean, values)


def _check_labels(loss, labels, output_shape):
    by_class = hasattr(loss, "ignore_index") and not getattr(loss, "multilabel", False) and output_shape[-1] != 1
    name = getattr(loss, "name", None) or getattr(loss, "__name__", "")
    if not by_class and name != "sparse_categorical_crossentropy":
        return
    rank = len(output_shape)
    if labels.ndim != rank - 1 and not (labels.ndim == rank and labels.shape[-1] == 1):
        return  # probabilities
    ignored = loss.ignore_index if by_class else getattr(loss, "ignore_class", None)
    labels = labels if ignored is None else labels[labels != ignored]
    classes = output_shape[-1]
    if classes and labels.size and (labels.min() < 0 or labels.max() >= classes):
        received = f"values from {labels.min()} to {labels.max()}"
        raise ValueError(f"y should be integer labels from 0 to {classes - 1}. Received: {received}")


def _has_weights(loss):
    # A loss that couples the batch needs its predictions to know its weights: it divides by them itself.
    weighted = getattr(loss, "has_weights", False) and not loss.couples_batch
    return weighted and loss.reduction in ("mean", "none")


def _matched(y_pred, y_true):
    """Lists of outputs and their targets; one target serves all outputs (deep supervision)."""
    if isinstance(y_pred, dict) and isinstance(y_true, dict):
        names = sorted(y_pred)
        missing = [name for name in names if name not in y_true]
        if missing:
            raise ValueError(f"y should have a target for every output. Received: none for {', '.join(missing)}")
        return [y_pred[name] for name in names], [y_true[name] for name in names]
    predictions, targets = tf.nest.flatten(y_pred), tf.nest.flatten(y_true)
    return predictions, targets * len(predictions) if len(targets) == 1 else targets


def _by_sample(reduce, values):
    return reduce(values, list(range(1, values.shape.rank))) if values.shape.rank > 1 else values


def _flat(weight):
    weight = tf.cast(weight, tf.float32)
    return _by_sample(tf.reduce_mean, weight)
