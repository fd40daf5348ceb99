"""The base of every loss: unreduced values, the weights their mean divides by, and the reductions."""

import inspect
from functools import partial
from typing import Any

import keras
from keras import ops
from keras.src.losses.loss import scale_loss_for_distribution  # Keras' own, which it does not export

from keras_dl.checks import check_count, check_flag, check_number, check_numbers, checked, optional, refusal
from keras_dl.losses import tensors
from keras_dl.types import Tensor

REDUCTIONS = ("none", "sum", "mean", "batchmean")

#: What options of the classes may be, by their names.
OPTIONS = {
    **dict.fromkeys(("from_logits", "multilabel", "include_background", "log_target", "swap"), check_flag),
    **dict.fromkeys(("weight", "pos_weight"), optional(check_numbers)),
    **dict.fromkeys(("margin", "eps", "dice_weight", "cross_entropy_weight"), check_number),
    **dict.fromkeys(("smooth", "gamma", "beta"), partial(check_number, least=0)),
    "p": partial(check_number, above=0, infinite=True),
    "label_smoothing": partial(check_number, least=0, most=1),
    "ignore_index": partial(check_count, least=-(2**31)),
}


def register(made):
    """Makes a function, or a class with checked options, known to Keras under `keras_dl`; a decorator."""
    if inspect.isclass(made):
        made = checked(OPTIONS)(made)
    return keras.saving.register_keras_serializable(package="keras_dl")(made)


class Loss(keras.losses.Loss):
    """Base class of losses that return one value per element and know what their mean divides by.

    A subclass writes `call`, which returns the unreduced values v, and, if the mean is a weighted one, `weights`,
    which returns the elements' weights w (they already multiply v). With Keras' sample weights s the reductions are

        none       s v
        sum        sum(s v)
        mean       sum(s v) / sum(w), and 0 if sum(w) = 0
        batchmean  sum(s v) / batch size

    As everywhere in Keras, `sample_weight` scales the values and not the denominator. It has the shape of the values,
    or of their leading axes (one weight per sample). A Keras mask on the predictions removes elements from values and
    weights alike.

    Under `tf.distribute`, mean and batchmean follow Keras' convention: each replica returns its share, and the shares
    add up to the loss of the global batch (for replica batches of equal size; if `weights` is overridden, its sum is
    taken over all replicas, so the weighted mean is the global one). Code that divides by its own global count takes
    `call` and `weights` instead: both return one number per element and know nothing of replicas.

    Half-precision predictions are computed in float32.

    Args:
        reduction: `"mean"`, `"sum"`, `"batchmean"` or `"none"` (`None` means the same).
        name: Name of the loss.
        dtype: Dtype of the computation; Keras' `floatx` by default.

    Attributes:
        couples_batch: Whether a sample's values depend on the other samples of the batch, as mined triplets do.

    Raises:
        ValueError: If `reduction` is unknown.
    """

    couples_batch = False

    def __init__(self, reduction: str | None = "mean", name: str | None = None, dtype: Any = None):
        reduction = "none" if reduction is None else reduction
        if reduction not in REDUCTIONS:
            raise refusal(f"`reduction` should be one of {REDUCTIONS}", reduction=reduction)
        super().__init__(name=name, reduction=None, dtype=dtype)
        self.reduction = reduction

    def __call__(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        mask = getattr(y_pred, "_keras_mask", None)
        with keras.name_scope(self.name):
            y_pred = tensors.convert(y_pred, self.dtype)
            values, weights = self.values_and_weights(y_true, y_pred)
            for factor, also_weights in ((sample_weight, False), (mask, True)):
                if factor is not None:
                    factor = tensors.align_factor(ops.cast(factor, values.dtype), values)
                    values = tensors.weighed(values, factor)
                    weights = weights * factor if also_weights else weights
            return ops.cast(self._reduce(values, weights, y_pred, masked=mask is not None), self.dtype)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return the unreduced values: one per element, of which the first axis is the batch."""
        raise NotImplementedError

    def weights(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return the elements' weights, whose sum is the mean's denominator: the shape of `call`'s values.

        Ones unless a subclass says otherwise. They depend on `y_true` alone, except where `couples_batch`.
        """
        return ops.ones_like(self.call(y_true, y_pred))

    def values_and_weights(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        """Return `call`'s values and `weights`' weights, without computing the values twice."""
        values = self.call(y_true, y_pred)
        if not self.has_weights:
            return values, ops.ones_like(values)
        return values, self.weights(y_true, y_pred)

    def get_config(self) -> dict[str, Any]:
        return {"reduction": self.reduction, "name": self.name, "dtype": self.dtype}

    @property
    def has_weights(self) -> bool:
        """Whether `weights` can be other than ones, so that the mean is a weighted one."""
        return type(self).weights is not Loss.weights

    def _weights_are_ones(self):
        return not self.has_weights

    def _reduce(self, values, weights, y_pred, masked):
        if self.reduction == "none":
            return values
        total = ops.sum(values)
        if self.reduction == "sum":
            return total
        if self.reduction == "batchmean":
            rows = ops.shape(y_pred[0] if isinstance(y_pred, tuple) else y_pred)[0]
            count = ops.cast(rows, total.dtype)
        else:
            count = ops.stop_gradient(ops.sum(ops.cast(weights, total.dtype)))
        share = scale_loss_for_distribution(total)  # total / replicas; the same tensor if there is one replica
        if share is not total and (masked or self.has_weights):
            count = _mean_over_replicas(count)
        return ops.divide_no_nan(share, count)


class WeighedLoss(Loss):
    """Base of the losses that find values and weights in one pass: a subclass writes `values_and_weights`."""

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return self.values_and_weights(y_true, y_pred)[0]

    def weights(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return self.values_and_weights(y_true, y_pred)[1]

    def values_and_weights(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        raise NotImplementedError


def _mean_over_replicas(value):
    """The mean of a scalar over the replicas (itself outside a replica), through Keras' synchronised moments."""
    return ops.moments(ops.reshape(value, (1,)), axes=(0,), synchronized=True)[0]
