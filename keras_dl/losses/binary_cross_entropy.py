"""Binary cross-entropy, of probabilities or logits, with torch's clamp, element weights and positive weights."""

from typing import Any

from keras import ops

from keras_dl.losses import tensors
from keras_dl.losses.base import Loss, register
from keras_dl.types import Tensor


@register
def binary_cross_entropy(
    y_true: Tensor,
    y_pred: Tensor,
    weight: Tensor | None = None,
    pos_weight: Tensor | None = None,
    from_logits: bool = False,
) -> Tensor:
    """Binary cross-entropy: `-v (p y log x + (1 - y) log(1 - x))` (torch's `BCELoss` and `BCEWithLogitsLoss`).

    Of probabilities, both logarithms are at least -100, and the derivative is (x - y) / max(x (1 - x), 1e-12) for
    p = 1, so both are finite at x = 0 and 1. Of logits z, x = sigmoid(z) and the value is the stable
    p y softplus(-z) + (1 - y) softplus(z).

    Args:
        y_true: Targets y from 0 to 1, any shape, integer or float; the value is NaN for others.
        y_pred: Probabilities x, or logits z, the shape of `y_true`.
        weight: Weight v of the elements, any shape that broadcasts to `y_pred`; ones by default.
        pos_weight: Weight p of the positive part, a number or one per class (the last axis); 1 by default.
        from_logits: Whether `y_pred` holds logits.

    Returns:
        One value per element, the shape of `y_pred`.

    Example:

    >>> print(binary_cross_entropy([1.0, 0.0], [0.0, 0.5]).numpy().round(4))
    [100.       0.6931]
    """
    y_pred = tensors.as_float(y_pred)
    y_true = tensors.like_predictions(y_true, y_pred)
    known = tensors.are_shares(y_true)
    y_true = ops.where(known, y_true, ops.zeros_like(y_true))
    pos_weight = ops.convert_to_tensor(1.0 if pos_weight is None else pos_weight, dtype=y_pred.dtype)
    if from_logits:
        values = pos_weight * y_true * ops.softplus(-y_pred) + (1 - y_true) * ops.softplus(y_pred)
    else:
        values = _of_probabilities(y_true, y_pred, pos_weight)
    # The value alone is NaN: what a weight or a mask leaves out, such as padding, may have any target.
    values = ops.where(known, values, float("nan"))
    return values if weight is None else values * ops.convert_to_tensor(weight, dtype=values.dtype)


def _of_probabilities(target, x, pos_weight):
    """The clamped values, with a derivative that stays finite where a logarithm does not."""

    @ops.custom_gradient
    def entropy(target, x):
        log_x, log_not_x = ops.maximum(ops.log(x), -100.0), ops.maximum(ops.log1p(-x), -100.0)

        def gradient(upstream):
            slope = x - target - (pos_weight - 1) * target * (1 - x)
            of_target = log_not_x - pos_weight * log_x
            return upstream * of_target, upstream * slope / ops.maximum(x * (1 - x), 1e-12)

        return -(pos_weight * target * log_x + (1 - target) * log_not_x), gradient

    return entropy(target, x)


@register
class BinaryCrossEntropy(Loss):
    """Mean binary cross-entropy of probabilities or logits (torch's `BCELoss` and `BCEWithLogitsLoss`).

    The mean divides by the number of elements, whatever their weights. The values are those of `binary_cross_entropy`;
    a certain and wrong probability costs 100.

    Args:
        weight: Weight of the elements, a number or nested lists that broadcast to the predictions; ones by default.
        pos_weight: Weight of the positive part, a number or one per class (the last axis); 1 by default.
        from_logits: Whether predictions are logits.
        reduction: `"mean"`, `"sum"`, `"batchmean"` or `"none"`.
        name: Name of the loss.
        dtype: Dtype of the computation.

    Example:

    >>> print(round(float(BinaryCrossEntropy(from_logits=True)([1.0, 0.0], [0.0, 0.0])), 4))
    0.6931
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        pos_weight: Tensor | None = None,
        from_logits: bool = False,
        reduction: str | None = "mean",
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.weight = tensors.plain(weight)
        self.pos_weight = tensors.plain(pos_weight)
        self.from_logits = from_logits

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return binary_cross_entropy(
            y_true, y_pred, weight=self.weight, pos_weight=self.pos_weight, from_logits=self.from_logits
        )

    def get_config(self) -> dict[str, Any]:
        return {
            "weight": self.weight,
            "pos_weight": self.pos_weight,
            "from_logits": self.from_logits,
            **super().get_config(),
        }
