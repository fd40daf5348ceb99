"""Losses on the overlap of masks: Dice and Tversky, one value per sample and class."""

from functools import partial
from typing import Any

from keras import ops

from keras_dl.checks import check_number, checked, refusal
from keras_dl.losses import tensors
from keras_dl.losses.base import WeighedLoss, register
from keras_dl.losses.segmentation_targets import is_binary, probabilities_of, targets_and_valid
from keras_dl.types import Tensor


@register
def dice(
    y_true: Tensor,
    y_pred: Tensor,
    smooth: float = 0.0,
    from_logits: bool = False,
    multilabel: bool = False,
    include_background: bool = True,
    ignore_index: int = -100,
) -> Tensor:
    """Dice loss: `1 - (2 sum p y + s) / (sum p + sum y + s)` over the pixels of a sample (Milletari et al. 2016).

    It is `tversky` with alpha = beta = 1/2. A class without a true pixel in the sample gives 0 with gradient 0.

    Args:
        y_true: Class indices, shape (batch, ...), or targets y from 0 to 1, shape (batch, ..., classes).
        y_pred: Probabilities p, or logits, shape (batch, ..., classes). One class means a binary mask.
        smooth: s, added to numerator and denominator.
        from_logits: Whether `y_pred` holds logits, of a softmax, or of sigmoids for a binary mask or `multilabel`.
        multilabel: Whether each channel is a mask of its own, so that masks may overlap.
        include_background: Whether class 0 counts.
        ignore_index: Label whose pixels count for nothing.

    Returns:
        One value per sample and class, shape (batch, classes), without class 0 unless `include_background`.

    Raises:
        ValueError: If the shapes do not fit, or there is nothing but background.

    Example:

    >>> print(dice([[0, 1, 1]], [[[0.5, 0.5], [0.0, 1.0], [0.0, 1.0]]]).numpy().round(4))
    [[0.3333 0.1111]]
    """
    options = (from_logits, multilabel, include_background, ignore_index)
    return _tversky(y_true, y_pred, 0.5, 0.5, smooth / 2, *options)[0]


@register
def tversky(
    y_true: Tensor,
    y_pred: Tensor,
    alpha: float = 0.5,
    beta: float = 0.5,
    smooth: float = 0.0,
    from_logits: bool = False,
    multilabel: bool = False,
    include_background: bool = True,
    ignore_index: int = -100,
) -> Tensor:
    """Tversky loss: `1 - (TP + s) / (TP + alpha FP + beta FN + s)` (Salehi et al. 2017).

    Over the pixels of a sample TP = sum p y, FP = sum p (1 - y), FN = sum (1 - p) y. A class without a true pixel in
    the sample gives 0 with gradient 0.

    Args:
        y_true: Class indices, shape (batch, ...), or targets y from 0 to 1, shape (batch, ..., classes).
        y_pred: Probabilities p, or logits, shape (batch, ..., classes). One class means a binary mask.
        alpha: Weight of false positives, as in the paper (Keras' own function weights false negatives with it).
        beta: Weight of false negatives.
        smooth: s, added to numerator and denominator.
        from_logits: Whether `y_pred` holds logits, of a softmax, or of sigmoids for a binary mask or `multilabel`.
        multilabel: Whether each channel is a mask of its own, so that masks may overlap.
        include_background: Whether class 0 counts.
        ignore_index: Label whose pixels count for nothing.

    Returns:
        One value per sample and class, shape (batch, classes), without class 0 unless `include_background`.

    Raises:
        ValueError: If the shapes do not fit, or there is nothing but background.

    Example:

    >>> print(tversky([[1, 1]], [[[0.5], [1.0]]], alpha=0.3, beta=0.7).numpy().round(4))
    [[0.1892]]
    """
    options = (from_logits, multilabel, include_background, ignore_index)
    return _tversky(y_true, y_pred, alpha, beta, smooth, *options)[0]


def _tversky(y_true, y_pred, alpha, beta, smooth, from_logits, multilabel, include_background, ignore_index):
    """The values, and 1 for each sample and class that has a true pixel."""
    y_pred = tensors.as_float(y_pred)
    if len(y_pred.shape) < 2:
        raise refusal("`y_pred` should have the shape (batch, ..., classes)", f"shape {tuple(y_pred.shape)}")
    binary = is_binary(y_pred, multilabel)
    targets, valid, known = targets_and_valid(y_true, y_pred, binary, ignore_index)
    probabilities = probabilities_of(tensors.where_counted(y_pred, valid > 0), from_logits, binary) * valid
    pixels = tuple(range(1, len(y_pred.shape) - 1))
    true_positive = ops.sum(probabilities * targets, axis=pixels)
    predicted = ops.sum(probabilities, axis=pixels)
    actual = ops.sum(targets, axis=pixels)
    known = ops.all(known, axis=pixels)
    # Values alone are NaN: a sample whose weight is 0 may have any target.
    present = ops.cast(ops.logical_or(actual > 0, ops.logical_not(known)), y_pred.dtype)
    false_positive, false_negative = predicted - true_positive, actual - true_positive
    union = true_positive + alpha * false_positive + beta * false_negative
    values = present * (1 - ops.divide_no_nan(true_positive + smooth, union + smooth))
    values = ops.where(known, values, float("nan"))
    if include_background:
        return values, present
    if y_pred.shape[-1] == 1:
        raise refusal("there should be several classes without the background", "predictions of one class")
    return values[:, 1:], present[:, 1:]


class _Overlap(WeighedLoss):
    """What the two classes share: the options on masks, and a mean over the classes that are there."""

    def __init__(
        self,
        smooth: float = 0.0,
        from_logits: bool = False,
        multilabel: bool = False,
        include_background: bool = True,
        ignore_index: int = -100,
        reduction: str | None = "mean",
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.smooth = smooth
        self.from_logits = from_logits
        self.multilabel = multilabel
        self.include_background = include_background
        self.ignore_index = ignore_index

    def values_and_weights(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        alpha, beta, smooth = self._coefficients()
        options = (self.from_logits, self.multilabel, self.include_background, self.ignore_index)
        return _tversky(y_true, y_pred, alpha, beta, smooth, *options)

    def get_config(self) -> dict[str, Any]:
        return {
            "smooth": self.smooth,
            "from_logits": self.from_logits,
            "multilabel": self.multilabel,
            "include_background": self.include_background,
            "ignore_index": self.ignore_index,
            **super().get_config(),
        }


@register
class Dice(_Overlap):
    """Mean Dice loss: `1 - (2 sum p y + s) / (sum p + sum y + s)` per sample and class (Milletari et al. 2016).

    The mean is over the samples and classes that have a true pixel; without any, the loss is 0 with gradient 0.

    Args:
        smooth: s, added to numerator and denominator.
        from_logits: Whether predictions are logits, of a softmax, or of sigmoids for a binary mask or `multilabel`.
        multilabel: Whether each channel is a mask of its own, so that masks may overlap.
        include_background: Whether class 0 counts.
        ignore_index: Label whose pixels count for nothing.
        reduction: `"mean"`, `"sum"`, `"batchmean"` or `"none"`.
        name: Name of the loss.
        dtype: Dtype of the computation.

    Example:

    >>> print(round(float(Dice()([[0, 1, 1]], [[[0.5, 0.5], [0.0, 1.0], [0.0, 1.0]]])), 4))
    0.2222
    """

    def _coefficients(self):
        return 0.5, 0.5, self.smooth / 2


@register
@checked({"alpha": partial(check_number, least=0)})
class Tversky(_Overlap):
    """Mean Tversky loss: `1 - (TP + s) / (TP + alpha FP + beta FN + s)` per sample and class (Salehi et al. 2017).

    The mean is over the samples and classes that have a true pixel; without any, the loss is 0 with gradient 0.

    Args:
        alpha: Weight of false positives.
        beta: Weight of false negatives.
        smooth: s, added to numerator and denominator.
        **options: `from_logits`, `multilabel`, `include_background`, `ignore_index`, `reduction`, `name` and `dtype`,
            as in `Dice`.

    Example:

    >>> print(round(float(Tversky(alpha=0.3, beta=0.7)([[1, 1]], [[[0.5], [1.0]]])), 4))
    0.1892
    """

    def __init__(self, alpha: float = 0.5, beta: float = 0.5, smooth: float = 0.0, **options):
        super().__init__(smooth=smooth, **options)
        self.alpha = alpha
        self.beta = beta

    def _coefficients(self):
        return self.alpha, self.beta, self.smooth

    def get_config(self) -> dict[str, Any]:
        return {"alpha": self.alpha, "beta": self.beta, **super().get_config()}
