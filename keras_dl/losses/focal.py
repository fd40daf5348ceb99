"""Focal loss, binary and over classes."""

from typing import Any

from keras import ops

from keras_dl.checks import check_number, check_numbers, checked, optional
from keras_dl.losses import tensors
from keras_dl.losses.base import WeighedLoss, register
from keras_dl.losses.binary_cross_entropy import binary_cross_entropy
from keras_dl.losses.segmentation_targets import is_binary, targets_and_valid
from keras_dl.types import Tensor


@register
def focal(
    y_true: Tensor,
    y_pred: Tensor,
    alpha: Tensor | None = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    multilabel: bool = False,
    ignore_index: int = -100,
) -> Tensor:
    """Focal loss: `-alpha_t (1 - p_t)^gamma log p_t` (Lin et al. 2017).

    For binary targets y, p_t = p y + (1 - p) (1 - y) and alpha_t = alpha y + (1 - alpha) (1 - y). Over classes p_t is
    the probability of the true class and alpha_t a constant, or the class's own if `alpha` is a list; for class
    probabilities y_c it is `-sum_c y_c alpha_c (1 - p_c)^gamma log p_c`.

    Args:
        y_true: Class indices, shape (batch, ...), or targets y from 0 to 1, shape (batch, ..., classes).
        y_pred: Probabilities p (of which logarithms are taken of at least 1e-12 over classes, and are at least -100 for
            binary targets), or logits, shape (batch, ..., classes). One class means binary targets.
        alpha: Weight of the positive part, a number or one per class; `None` for none.
        gamma: Focus on hard elements, at least 0; 0 leaves the cross-entropy.
        from_logits: Whether `y_pred` holds logits, of a softmax, or of sigmoids for binary targets or `multilabel`.
        multilabel: Whether each channel is a yes or no of its own.
        ignore_index: Label whose elements count for nothing.

    Returns:
        One value per element: the shape of `y_pred` for binary targets or `multilabel`, else (batch, ...).

    Raises:
        ValueError: If the shapes do not fit, or `gamma` is negative.

    Example:

    >>> print(focal([1, 0], [[0.0, 0.0], [0.0, 0.0]], from_logits=True).numpy().round(4))  # log 2 / 16
    [0.0433 0.0433]
    """
    return _values_and_weights(y_true, y_pred, alpha, gamma, from_logits, multilabel, ignore_index)[0]


def _values_and_weights(y_true, y_pred, alpha, gamma, from_logits, multilabel, ignore_index):
    check_number(gamma, "gamma", least=0)
    y_pred = tensors.as_float(y_pred)
    binary = is_binary(y_pred, multilabel)
    if isinstance(alpha, (list, tuple)):
        alpha = tensors.class_vector(alpha, y_pred.shape[-1], y_pred.dtype, "alpha")
    targets, valid, known = targets_and_valid(y_true, y_pred, binary, ignore_index)
    y_pred = tensors.where_counted(y_pred, valid > 0)
    if binary:
        values = valid * _binary(targets, y_pred, alpha, gamma, from_logits)
    else:
        valid, known = ops.squeeze(valid, -1), ops.all(known, axis=-1)
        values = valid * _over_classes(targets, y_pred, alpha, gamma, from_logits)
    return ops.where(known, values, float("nan")), valid


def _binary(targets, y_pred, alpha, gamma, from_logits):
    positive, negative = (ops.sigmoid(y_pred), ops.sigmoid(-y_pred)) if from_logits else (y_pred, 1 - y_pred)
    wrong = positive * (1 - targets) + negative * targets
    values = _power(wrong, gamma) * binary_cross_entropy(targets, y_pred, from_logits=from_logits)
    return values if alpha is None else values * (alpha * targets + (1 - alpha) * (1 - targets))


def _over_classes(targets, y_pred, alpha, gamma, from_logits):
    log_p = ops.log_softmax(y_pred, axis=-1) if from_logits else ops.log(ops.maximum(y_pred, 1e-12))
    values = -targets * _power(-ops.expm1(log_p), gamma) * log_p
    return ops.sum(values if alpha is None else values * alpha, axis=-1)


def _power(x, gamma):
    """x^gamma, with derivative 0 at x = 0."""
    if gamma == 0:
        return ops.ones_like(x)
    return ops.where(x > 0, ops.power(ops.where(x > 0, x, ops.ones_like(x)), gamma), ops.zeros_like(x))


@register
@checked({"alpha": optional(check_numbers)})
class Focal(WeighedLoss):
    """Mean focal loss: `mean of -alpha_t (1 - p_t)^gamma log p_t` over the elements not ignored (Lin et al. 2017).

    If all elements are ignored, the loss is 0 with gradient 0. The values are those of `focal`.

    Args:
        alpha: Weight of the positive part, a number or one per class; `None` for none.
        gamma: Focus on hard elements, at least 0; 0 leaves the cross-entropy.
        from_logits: Whether predictions are logits, of a softmax, or of sigmoids for binary targets or `multilabel`.
        multilabel: Whether each channel is a yes or no of its own.
        ignore_index: Label whose elements count for nothing.
        reduction: `"mean"`, `"sum"`, `"batchmean"` or `"none"`.
        name: Name of the loss.
        dtype: Dtype of the computation.

    Raises:
        ValueError: If `gamma` is negative.

    Example:

    >>> print(round(float(Focal(from_logits=True)([1, 0], [[0.0, 0.0], [0.0, 0.0]])), 4))
    0.0433
    """

    def __init__(
        self,
        alpha: Tensor | None = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        multilabel: bool = False,
        ignore_index: int = -100,
        reduction: str | None = "mean",
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.alpha = tensors.plain(alpha)
        self.gamma = gamma
        self.from_logits = from_logits
        self.multilabel = multilabel
        self.ignore_index = ignore_index

    def values_and_weights(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        return _values_and_weights(y_true, y_pred, **self._options())

    def get_config(self) -> dict[str, Any]:
        return {**self._options(), **super().get_config()}

    def _options(self):
        return {
            "alpha": self.alpha,
            "gamma": self.gamma,
            "from_logits": self.from_logits,
            "multilabel": self.multilabel,
            "ignore_index": self.ignore_index,
        }
