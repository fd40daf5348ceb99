"""Keras losses as values of single samples, which is what the base sums over replicas."""

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import check_number, pixels_hint, refusal
from keras_dl.losses import BinaryCrossEntropy, Loss
from keras_dl.losses.tensors import ROUNDING
from keras_dl.models.output_loss import OutputLoss
from keras_dl.models.outputs import Outputs

#: Functions of Keras' losses of probabilities.
_OF_SHARES = [keras.losses.binary_crossentropy, keras.losses.binary_focal_crossentropy]
_OF_SHARES += [keras.losses.categorical_crossentropy, keras.losses.categorical_focal_crossentropy]
#: Functions of Keras' losses that compare numbers one by one.
_ELEMENTWISE = [
    getattr(keras.losses, name)
    for name in ("mean_squared_error", "mean_absolute_error", "mean_absolute_percentage_error", "huber", "log_cosh")
    + ("mean_squared_logarithmic_error", "poisson", "binary_crossentropy", "binary_focal_crossentropy")
]


class SampleLoss:
    """Gives each sample its part of a loss whose mean over the global batch is the objective, Keras' value.

    Args:
        loss: A loss, a list of them in the order of the outputs, or a dict by the outputs' names; outputs for which it
            is `None`, or that a dict does not name, are not charged.
        loss_weights: Weights of the outputs' losses, likewise; `None` for ones.
        network: The network, whose outputs the losses should match.

    Attributes:
        outputs: The network's `Outputs`.
        terms: Names of the single losses, `"a_loss"`, where several outputs have one, as Keras logs them.
        counts: Whether the denominators of means are found in the data (masks, ignored labels).

    Raises:
        ValueError: If there is no loss, or it does not match the outputs.
    """

    def __init__(self, loss, loss_weights, network):
        if loss is None:
            raise refusal("compile should be given a loss", "loss=None")
        self.outputs = Outputs(network)
        losses = self.outputs.one_each(loss, "loss")
        weights = self._weights(loss, loss_weights)
        if all(one is None for one in losses):
            raise refusal("compile should be given a loss of at least one output", loss=loss)
        masked = self._masked = self.outputs.masked(network)
        self._losses = [
            None if one is None else OutputLoss(one, weight, masked)
            for one, weight in zip(losses, weights, strict=True)
        ]
        names = self.outputs.loss_names([one and one.name for one in self._losses])
        self._terms = [f"{name}_loss" for name in names]
        self._charged = [one for one in self._losses if one is not None]
        several = len(self._charged) > 1
        self.terms = tuple(n for n, one in zip(self._terms, self._losses, strict=True) if one is not None and several)
        self.counts = any(one.counts for one in self._charged)

    def _weights(self, loss, loss_weights):
        """The weight of each output's loss: of one loss for all outputs one weight, or one for each."""
        one_for_all = not keras.tree.is_nested(loss)
        if one_for_all and isinstance(loss_weights, (list, tuple)) and len(loss_weights) == 1:
            (loss_weights,) = loss_weights
        weights = self.outputs.one_each(loss_weights, "loss_weights", default=1.0, shared=one_for_all)
        return [float(check_number(weight, "loss_weights")) for weight in weights]

    @property
    def losses(self):
        """The loss of each output, as the user means it; `None` for those that have none."""
        return [None if one is None else one.identifier for one in self._losses]

    def __call__(self, y_true, y_pred, sample_weight=None, draw=None):
        """Returns the loss of every sample, shape `(batch,)`, and the single losses that `terms` names, by name.

        Args:
            y_true, y_pred, sample_weight: A batch's targets, predictions and weights (or `None`).
            draw: The step's `Draw`, which knows the global batch; `None` where these rows are all of it.
        """
        whole = tf.cast(tf.shape(keras.tree.flatten(y_pred)[0])[0], tf.float32) if draw is None else draw.total
        sums = None if draw is None else draw.denominators
        counts = iter([] if sums is None else tf.unstack(sums))
        total, terms = 0.0, {}
        for name, loss, *data in self._by_output(y_true, y_pred, sample_weight):
            count = next(counts) if loss.counts and sums is not None else None
            values = terms[name] = loss(*data, whole, count)
            total += values if loss.weight == 1.0 else loss.weight * values
        return total, {name: terms[name] for name in self.terms}

    def sums(self, y_true, y_pred, sample_weight=None):
        """Returns the denominators of those means that find theirs in the data, a vector; see `Update.denominators`."""
        data = self._by_output(y_true, y_pred, sample_weight)
        return tf.stack([loss.count(*part) for _, loss, *part in data if loss.counts])

    def targets(self, y_true):
        """The target of every output, as a list, `None` for those that have no loss and were given none."""
        flat = keras.tree.flatten(y_true)
        if not isinstance(y_true, dict) and len(flat) == len(self._charged) < len(self.outputs):
            targets = iter(flat)
            return [None if loss is None else next(targets) for loss in self._losses]
        targets = self.outputs.one_each(y_true, "y")
        names = self.outputs.names
        missing = [n for n, one, y in zip(names, self._losses, targets, strict=True) if one is not None and y is None]
        if missing and y_true is not None:
            raise refusal("y should have a target for every output", f"none for {', '.join(missing)}")
        return targets

    def check(self, y_true, weighed=False):
        """Refuses targets that a loss has no class for, or that are not from 0 to 1 or of the output's shape.

        Args:
            y_true: Targets, arrays.
            weighed: Whether samples have weights: what these, or a mask, leave out may have any target from 0 to 1.
        """
        for loss, output, target in zip(self._losses, self.outputs.specs, self.targets(y_true), strict=True):
            if loss is not None and loss.loss is not None and output is not None:
                _check_labels(loss.loss, np.asarray(target), tuple(output.shape))
                if not (weighed or self._masked):
                    _check_shares(loss.identifier, loss.name, np.asarray(target), tuple(output.shape))
                _check_shape(loss.identifier, loss.name, tuple(np.shape(target)), tuple(output.shape))

    def _by_output(self, y_true, y_pred, sample_weight):
        """Each loss's name in `terms`, itself, its target, prediction and sample weights."""
        weights = self.outputs.one_each(sample_weight, "sample_weight")
        data = self.targets(y_true), self.outputs.predictions(y_pred), weights
        parts = zip(self._terms, self._losses, *data, strict=True)
        return [part for part in parts if part[1] is not None]


def _check_shares(loss, name, targets, output_shape):
    """Refuses targets of a loss of shares that are not from 0 to 1, such as a mask of 0 and 255.

    Keras' losses go down without end on them, those of `keras_dl.losses` are NaN.
    """
    ours = isinstance(loss, Loss) and (hasattr(loss, "ignore_index") or isinstance(loss, BinaryCrossEntropy))
    if not ours and getattr(loss, "fn", loss) not in _OF_SHARES:
        return
    if len(output_shape) > 1 and output_shape[-1] not in (1, None) and targets.shape[1:] != output_shape[1:]:
        return  # class indices
    ignored = getattr(loss, "ignore_index", None)
    targets = targets if ignored is None else targets[targets != ignored]
    if targets.size and (targets.min() < -ROUNDING or targets.max() > 1 + ROUNDING):
        hint = pixels_hint(targets.max()) if targets.min() >= 0 else ""
        received = f"values from {targets.min()} to {targets.max()}"
        raise refusal(f"y should lie in [0, 1] for the loss {name}{hint}", received)


def _check_shape(loss, name, shape, output_shape):
    """Refuses targets that a loss of numbers beside numbers would stretch to its predictions, one for many.

    As Keras does, it takes targets with an axis of one missing or too many at the end.
    """
    if getattr(loss, "fn", loss) not in _ELEMENTWISE:
        return
    expected = output_shape
    if len(shape) == len(expected) - 1 and expected[-1] == 1:
        expected = expected[:-1]
    elif len(shape) == len(expected) + 1 and shape[-1] == 1:
        shape = shape[:-1]
    alike = len(shape) == len(expected) and all(
        size is None or size == other for size, other in zip(expected[1:], shape[1:], strict=True)
    )
    if not alike:
        text = f"y should have the shape of the predictions, {output_shape}, for the loss {name}"
        raise refusal(text, f"shape {shape}")


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
    if labels.dtype.kind == "f" and (labels % 1).any():  # which Keras rounds down to a class
        fraction = labels[labels % 1 != 0].flat[0]
        raise refusal("y should be integer labels", f"{fraction}")
    if classes and labels.size and (labels.min() < 0 or labels.max() >= classes):
        received = f"values from {labels.min()} to {labels.max()}"
        raise refusal(f"y should be integer labels from 0 to {classes - 1}", received)
