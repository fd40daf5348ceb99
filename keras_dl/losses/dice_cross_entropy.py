"""The sum of Dice loss and cross-entropy, one value per sample."""

from typing import Any

from keras import ops

from keras_dl.checks import refusal
from keras_dl.losses import tensors
from keras_dl.losses.base import WeighedLoss, register
from keras_dl.losses.binary_cross_entropy import binary_cross_entropy
from keras_dl.losses.cross_entropy import CrossEntropy
from keras_dl.losses.overlap import Dice
from keras_dl.losses.segmentation_targets import is_binary, targets_and_valid
from keras_dl.types import Tensor


@register
def dice_cross_entropy(
    y_true: Tensor,
    y_pred: Tensor,
    weight: Tensor | None = None,
    dice_weight: float = 1.0,
    cross_entropy_weight: float = 1.0,
    smooth: float = 0.0,
    multilabel: bool = False,
    include_background: bool = True,
    ignore_index: int = -100,
) -> Tensor:
    """Dice loss plus cross-entropy of logits, per sample: `u D + v C` (Isensee et al. 2021, with u = v = 1).

    D is the mean of `dice` over the classes that have a true pixel in the sample, C the weighted mean of
    `cross_entropy` over the sample's pixels that are not ignored (of `binary_cross_entropy` for a binary mask or
    `multilabel`). Either is 0, with gradient 0, if there is nothing to average.

    Args:
        y_true: Class indices, shape (batch, ...), or targets from 0 to 1, shape (batch, ..., classes).
        y_pred: Logits, shape (batch, ..., classes). One class means a binary mask.
        weight: Weight of each class in the cross-entropy, shape (classes,); ones by default. Not for binary masks.
        dice_weight: u.
        cross_entropy_weight: v.
        smooth: Added to numerator and denominator of the Dice loss.
        multilabel: Whether each channel is a mask of its own, so that masks may overlap.
        include_background: Whether class 0 counts in the Dice loss.
        ignore_index: Label whose pixels count for nothing.

    Returns:
        One value per sample, shape (batch,).

    Raises:
        ValueError: If the shapes do not fit, or class weights come with binary masks.

    Example:

    >>> print(dice_cross_entropy([[0, 1]], [[[0.0, 0.0], [0.0, 0.0]]]).numpy().round(4))  # 1 / 2 + log 2
    [1.1931]
    """
    options = (smooth, multilabel, include_background, ignore_index)
    return _values_and_weights(y_true, y_pred, weight, dice_weight, cross_entropy_weight, *options)[0]


def _values_and_weights(
    y_true, y_pred, weight, dice_weight, cross_entropy_weight, smooth, multilabel, include_background, ignore_index
):
    y_pred = tensors.as_float(y_pred)
    masks = {"multilabel": multilabel, "include_background": include_background, "ignore_index": ignore_index}
    overlap, present = Dice(smooth=smooth, from_logits=True, **masks).values_and_weights(y_true, y_pred)
    entropy, counted = _cross_entropy(y_true, y_pred, weight, multilabel, ignore_index)
    values = dice_weight * _sample_mean(overlap, present) + cross_entropy_weight * _sample_mean(entropy, counted)
    counted = ops.sum(counted, axis=tuple(range(1, len(counted.shape))))
    return values, ops.cast(counted > 0, values.dtype)


def _cross_entropy(y_true, y_pred, weight, multilabel, ignore_index):
    if not is_binary(y_pred, multilabel):
        return CrossEntropy(weight=weight, ignore_index=ignore_index).values_and_weights(y_true, y_pred)
    if weight is not None:
        raise refusal("`weight` should be None with binary masks", f"weight={weight}")
    targets, valid, known = targets_and_valid(y_true, y_pred, True, ignore_index)
    y_pred = tensors.where_counted(y_pred, valid > 0)
    values = valid * binary_cross_entropy(targets, y_pred, from_logits=True)
    return ops.where(known, values, float("nan")), valid


def _sample_mean(values, weights):
    axes = tuple(range(1, len(values.shape)))
    return ops.divide_no_nan(ops.sum(values, axis=axes), ops.sum(weights, axis=axes))


@register
class DiceCrossEntropy(WeighedLoss):
    """Mean of Dice loss plus cross-entropy of logits: `mean of u D + v C` over the samples (Isensee et al. 2021).

    D and C are a sample's own means, as in `dice_cross_entropy`. If every sample has every class, no ignored pixel
    and no class weights, the loss is `u Dice(from_logits=True) + v CrossEntropy()`. Samples whose pixels are all
    ignored do not count; if all are, the loss is 0 with gradient 0.

    Args:
        weight: Weight of each class in the cross-entropy, shape (classes,); ones by default. Not for binary masks.
        dice_weight: u.
        cross_entropy_weight: v.
        smooth: Added to numerator and denominator of the Dice loss.
        multilabel: Whether each channel is a mask of its own, so that masks may overlap.
        include_background: Whether class 0 counts in the Dice loss.
        ignore_index: Label whose pixels count for nothing.
        reduction: `"mean"`, `"sum"`, `"batchmean"` or `"none"`.
        name: Name of the loss.
        dtype: Dtype of the computation.

    Example:

    >>> print(round(float(DiceCrossEntropy()([[0, 1]], [[[0.0, 0.0], [0.0, 0.0]]])), 4))
    1.1931
    """

    reads = "logits"

    def __init__(
        self,
        weight: Tensor | None = None,
        dice_weight: float = 1.0,
        cross_entropy_weight: float = 1.0,
        smooth: float = 0.0,
        multilabel: bool = False,
        include_background: bool = True,
        ignore_index: int = -100,
        reduction: str | None = "mean",
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.weight = tensors.plain(weight)
        self.dice_weight = dice_weight
        self.cross_entropy_weight = cross_entropy_weight
        self.smooth = smooth
        self.multilabel = multilabel
        self.include_background = include_background
        self.ignore_index = ignore_index

    def values_and_weights(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        return _values_and_weights(y_true, y_pred, **self._options())

    def get_config(self) -> dict[str, Any]:
        return {**self._options(), **super().get_config()}

    def _options(self):
        return {
            "weight": self.weight,
            "dice_weight": self.dice_weight,
            "cross_entropy_weight": self.cross_entropy_weight,
            "smooth": self.smooth,
            "multilabel": self.multilabel,
            "include_background": self.include_background,
            "ignore_index": self.ignore_index,
        }
