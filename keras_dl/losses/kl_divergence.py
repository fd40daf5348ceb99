"""Kullback-Leibler divergence of log-probabilities, a term of the sum per element."""

from typing import Any

from keras import ops

from keras_dl.losses import tensors
from keras_dl.losses.base import Loss, register
from keras_dl.types import Tensor


@register
def kl_divergence(y_true: Tensor, y_pred: Tensor, log_target: bool = False) -> Tensor:
    """A term of the Kullback-Leibler divergence: `y (log y - x)`, x log-probabilities (torch's `kl_div`).

    If y = 0 it is 0, whatever x (0 log 0 = 0).

    Args:
        y_true: Probabilities y, or log-probabilities if `log_target`, any shape; the value is NaN for a
            probability that is not from 0 to 1.
        y_pred: Log-probabilities x, the shape of `y_true`.
        log_target: Whether `y_true` holds logarithms.

    Returns:
        One value per element, the shape of `y_pred`; their sum over the last axis is KL(y || e^x).

    Example:

    >>> print(kl_divergence([0.0, 1.0], np.log([0.5, 0.5])).numpy().round(4))
    [0.     0.6931]
    """
    y_pred = tensors.as_float(y_pred)
    y_true = tensors.like_predictions(y_true, y_pred)
    probabilities = ops.exp(y_true) if log_target else y_true
    known = ops.ones_like(probabilities, dtype="bool") if log_target else tensors.are_shares(probabilities)
    nothing = ops.logical_or(probabilities <= 0, ops.logical_not(known))
    logarithm = ops.where(nothing, 0.0, y_true) if log_target else ops.log(ops.where(nothing, 1.0, y_true))
    values = ops.where(nothing, ops.zeros_like(y_pred), probabilities * (logarithm - y_pred))
    return ops.where(known, values, float("nan"))


@register
class KLDivergence(Loss):
    """Kullback-Leibler divergence from predicted log-probabilities to the target: `sum y (log y - x)`.

    `"batchmean"` divides by the batch size, which is the divergence per sample; `"mean"`, as in torch, divides by the
    number of elements.

    Args:
        log_target: Whether targets are logarithms too.
        reduction: `"mean"`, `"sum"`, `"batchmean"` or `"none"`.
        name: Name of the loss.
        dtype: Dtype of the computation.

    Example:

    >>> loss = KLDivergence(reduction="batchmean")
    >>> print(round(float(loss([[0.0, 1.0]], np.log([[0.5, 0.5]]))), 4))
    0.6931
    """

    reads = "log-probabilities"

    def __init__(
        self, log_target: bool = False, reduction: str | None = "mean", name: str | None = None, dtype: Any = None
    ):
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.log_target = log_target

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return kl_divergence(y_true, y_pred, log_target=self.log_target)

    def get_config(self) -> dict[str, Any]:
        return {"log_target": self.log_target, **super().get_config()}
