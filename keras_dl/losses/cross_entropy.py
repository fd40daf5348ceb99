"""Negative log-likelihood and cross-entropy over classes, with torch's options, classes on the last axis."""

from typing import Any

from keras import ops

from keras_dl.checks import check_number, refusal
from keras_dl.losses import tensors
from keras_dl.losses.base import Loss, register
from keras_dl.types import Tensor


@register
def negative_log_likelihood(
    y_true: Tensor, y_pred: Tensor, weight: Tensor | None = None, ignore_index: int = -100
) -> Tensor:
    """Negative log-likelihood of the true class: `-w[y] x[y]`, x log-probabilities (torch's `nll_loss`).

    Args:
        y_true: Class indices y, shape (batch, ...), integer or float.
        y_pred: Log-probabilities x, shape (batch, ..., classes).
        weight: Weight w of each class, shape (classes,); ones by default.
        ignore_index: Label whose elements count for nothing.

    Returns:
        One value per element, shape (batch, ...); 0 where ignored.

    Raises:
        ValueError: If the shapes do not fit.

    Example:

    >>> print(negative_log_likelihood([1, -100], np.log([[0.5, 0.5], [0.9, 0.1]])).numpy().round(4))
    [0.6931 0.    ]
    """
    y_pred = tensors.as_float(y_pred)
    labels, valid = _labels_and_valid(y_true, y_pred, ignore_index)
    picked = ops.squeeze(ops.take_along_axis(y_pred, ops.expand_dims(labels, -1), axis=-1), -1)
    picked = ops.where(labels < y_pred.shape[-1], picked, float("nan"))  # XLA takes the nearest class instead
    values = ops.where(valid, -picked, ops.zeros_like(picked))  # an ignored element may hold log 0
    return values * _element_weights(labels, valid, y_pred, weight)


@register
def cross_entropy(
    y_true: Tensor, y_pred: Tensor, weight: Tensor | None = None, ignore_index: int = -100, label_smoothing: float = 0.0
) -> Tensor:
    """Cross-entropy between class labels and the softmax of logits (torch's `cross_entropy`).

    With p = softmax(x), K classes, weights w and smoothing e:

        class indices y:          (1 - e) w[y] (-log p_y) + (e / K) sum_c w_c (-log p_c)
        class probabilities y_c:  sum_c w_c ((1 - e) y_c + e / K) (-log p_c)

    Args:
        y_true: Class indices, shape (batch, ...), integer or float; or class probabilities, shape
            (batch, ..., classes), which one-hot labels are too; the value is NaN where they are not from 0 to 1.
        y_pred: Logits x, shape (batch, ..., classes).
        weight: Weight w of each class, shape (classes,); ones by default.
        ignore_index: Label whose elements count for nothing. It does not apply to probabilities.
        label_smoothing: e, from 0 to 1.

    Returns:
        One value per element, shape (batch, ...); 0 where ignored.

    Raises:
        ValueError: If the shapes do not fit, `label_smoothing` is out of range, or a non-negative `ignore_index`
            comes with probabilities.

    Example:

    >>> print(cross_entropy([0, -100], [[2.0, 0.0], [2.0, 0.0]]).numpy().round(4))
    [0.1269 0.    ]
    """
    check_number(label_smoothing, "label_smoothing", least=0, most=1)
    y_pred = tensors.as_float(y_pred)
    indices, probabilities = tensors.class_targets(y_true, y_pred)
    if probabilities is None:
        return _hard_cross_entropy(indices, y_pred, weight, ignore_index, label_smoothing)
    tensors.check_no_ignoring(ignore_index)
    known = tensors.are_shares(probabilities)
    probabilities = ops.where(known, probabilities, ops.zeros_like(probabilities))
    probabilities = (1 - label_smoothing) * probabilities + label_smoothing / y_pred.shape[-1]
    values = _weighted_entropy(probabilities, y_pred, weight)
    return ops.where(ops.all(known, axis=-1), values, float("nan"))


def _hard_cross_entropy(indices, logits, weight, ignore_index, label_smoothing):
    labels, valid = _labels_and_valid(indices, logits, ignore_index)
    # Ignored elements may hold anything. What comes out has no memory of a softmax, which Keras would look behind.
    logits = tensors.where_counted(logits, ops.expand_dims(valid, -1))
    values = ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)
    values = values * _element_weights(labels, valid, logits, weight)
    if label_smoothing == 0:
        return values
    spread = _weighted_entropy(ops.full_like(logits, 1 / logits.shape[-1]), logits, weight)
    spread = ops.where(valid, spread, ops.zeros_like(spread))
    return (1 - label_smoothing) * values + label_smoothing * spread


def _weighted_entropy(probabilities, logits, weight):
    weight = tensors.class_vector(weight, logits.shape[-1], logits.dtype)
    weighted = probabilities if weight is None else probabilities * weight
    return -ops.sum(weighted * ops.log_softmax(logits, axis=-1), axis=-1)


def _labels_and_valid(y_true, y_pred, ignore_index):
    """Class indices with 0 in place of the ignored, and which are not ignored.

    A negative index becomes one past the last class, so that the kernels refuse it instead of counting from the end.
    """
    indices, probabilities = tensors.class_targets(y_true, y_pred)
    if indices is None:
        shape = tuple(probabilities.shape)
        raise refusal("`y_true` should hold class indices", f"class probabilities of shape {shape}")
    valid = ops.not_equal(indices, ignore_index)
    labels = ops.where(indices < 0, y_pred.shape[-1], indices)
    return ops.where(valid, labels, ops.zeros_like(labels)), valid


def _element_weights(labels, valid, y_pred, weight):
    """w[y], and 0 where ignored."""
    weight = tensors.class_vector(weight, y_pred.shape[-1], y_pred.dtype)
    valid = ops.cast(valid, y_pred.dtype)
    return valid if weight is None else valid * ops.take(weight, labels, axis=0)


class _ClassLoss(Loss):
    """What the two classes share: class weights, the ignored label, and the weighted mean."""

    def __init__(
        self,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        reduction: str | None = "mean",
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.weight = tensors.plain(weight)
        self.ignore_index = ignore_index

    def weights(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        y_pred = tensors.as_float(y_pred)
        if tensors.class_targets(y_true, y_pred)[0] is None:
            return ops.ones_like(y_pred[..., 0])
        labels, valid = _labels_and_valid(y_true, y_pred, self.ignore_index)
        return _element_weights(labels, valid, y_pred, self.weight)

    def get_config(self) -> dict[str, Any]:
        return {"weight": self.weight, "ignore_index": self.ignore_index, **super().get_config()}


@register
class NegativeLogLikelihood(_ClassLoss):
    """Mean negative log-likelihood of log-probabilities: `sum -w[y] x[y] / sum w[y]` (torch's `NLLLoss`).

    Both sums run over the elements that are not ignored; if all are, the loss is 0 with gradient 0 (torch: NaN).

    Args:
        weight: Weight w of each class, shape (classes,); ones by default.
        ignore_index: Label whose elements count for nothing.
        reduction: `"mean"`, `"sum"`, `"batchmean"` or `"none"`.
        name: Name of the loss.
        dtype: Dtype of the computation.

    Example:

    >>> loss = NegativeLogLikelihood(weight=[1.0, 3.0])
    >>> print(round(float(loss([0, 1], np.log([[0.5, 0.5], [0.8, 0.2]]))), 4))
    1.3804
    """

    reads = "log-probabilities"

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return negative_log_likelihood(y_true, y_pred, weight=self.weight, ignore_index=self.ignore_index)


@register
class CrossEntropy(_ClassLoss):
    """Mean cross-entropy of logits, for class indices or class probabilities (torch's `CrossEntropyLoss`).

    For class indices the mean is `sum of values / sum w[y]` over the elements that are not ignored; if all are, the
    loss is 0 with gradient 0 (torch: NaN). For probabilities it divides by the number of elements. The values are those
    of `cross_entropy`.

    Args:
        weight: Weight w of each class, shape (classes,); ones by default.
        ignore_index: Label whose elements count for nothing. It does not apply to probabilities.
        label_smoothing: Share of the target spread evenly over the classes, from 0 to 1.
        reduction: `"mean"`, `"sum"`, `"batchmean"` or `"none"`.
        name: Name of the loss.
        dtype: Dtype of the computation.

    Raises:
        ValueError: If `label_smoothing` is out of range.

    Example:

    >>> loss = CrossEntropy(weight=[1.0, 3.0])
    >>> print(round(float(loss([0, 1], [[2.0, 0.0], [2.0, 0.0]])), 4))
    1.6269
    """

    reads = "logits"

    def __init__(
        self,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        label_smoothing: float = 0.0,
        reduction: str | None = "mean",
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(weight=weight, ignore_index=ignore_index, reduction=reduction, name=name, dtype=dtype)
        self.label_smoothing = label_smoothing

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return cross_entropy(
            y_true, y_pred, weight=self.weight, ignore_index=self.ignore_index, label_smoothing=self.label_smoothing
        )

    def get_config(self) -> dict[str, Any]:
        return {"label_smoothing": self.label_smoothing, **super().get_config()}
