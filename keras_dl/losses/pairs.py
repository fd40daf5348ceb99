"""Losses on pairs: labels and (a, b), ranking scores or comparing vectors on the last axis."""

from typing import Any

from keras import ops

from keras_dl.losses import tensors
from keras_dl.losses.base import Loss, register
from keras_dl.losses.distances import norm
from keras_dl.types import Tensor

_PAIR = ("a", "b")


@register
def margin_ranking(y_true: Tensor, y_pred: Tensor, margin: float = 0.0) -> Tensor:
    """Margin ranking loss: `max(0, -y (a - b) + m)` (torch's `margin_ranking_loss`).

    Args:
        y_true: Labels y, 1 where a should rank above b and -1 where below, shape (batch, ...); the value is NaN for
            others.
        y_pred: Scores (a, b), each of shape (batch, ...), or one tensor that stacks them, shape (batch, 2, ...).
        margin: m, in units of the scores.

    Returns:
        One value per element, the shape of a.

    Example:

    >>> print(margin_ranking([1, -1], (np.array([0.5, 0.5]), np.array([0.0, 0.0])), margin=0.25).numpy())
    [0.   0.75]
    """
    a, b = tensors.unpack(y_pred, _PAIR)
    labels, known = tensors.either(tensors.pair_labels(y_true, a), 1, -1)
    return ops.where(known, ops.maximum(-labels * (a - b) + margin, 0.0), float("nan"))


@register
def contrastive(y_true: Tensor, y_pred: Tensor, margin: float = 1.0) -> Tensor:
    """Contrastive loss: `y d^2 + (1 - y) max(0, m - d)^2`, d = |a - b| (Hadsell et al. 2006, who halve it).

    At a = b the derivative of d is taken as 0.

    Args:
        y_true: Labels y, 1 for a similar pair and 0 for a dissimilar one, or between, shape (batch, ...); the value is
            NaN for others.
        y_pred: Embeddings (a, b), each of shape (batch, ..., features), or one tensor that stacks them, shape
            (batch, 2, ..., features).
        margin: m, the distance beyond which dissimilar pairs cost nothing.

    Returns:
        One value per pair, shape (batch, ...).

    Example:

    >>> print(contrastive([1, 0], (np.array([[0.0], [0.0]]), np.array([[0.5], [0.25]]))).numpy())
    [0.25   0.5625]
    """
    a, b = tensors.unpack(y_pred, _PAIR)
    squared = ops.sum(ops.square(a - b), axis=-1)
    similar, known = tensors.shares(tensors.pair_labels(y_true, squared))  # -1 is none of its labels
    values = similar * squared + (1 - similar) * ops.square(ops.maximum(margin - norm(a - b, 2), 0.0))
    return ops.where(known, values, float("nan"))


@register
def cosine_embedding(y_true: Tensor, y_pred: Tensor, margin: float = 0.0) -> Tensor:
    """Cosine embedding loss: `1 - cos` for y = 1, `max(0, cos - m)` for y = -1 (torch's `cosine_embedding_loss`).

    cos = a.b / sqrt((|a|^2 + 1e-12) (|b|^2 + 1e-12)), which is 0 with a finite derivative for zero vectors.

    Args:
        y_true: Labels y, 1 for a similar pair and -1 for a dissimilar one, shape (batch, ...); the value is NaN for
            others, such as 0.
        y_pred: Vectors (a, b), each of shape (batch, ..., features), or one tensor that stacks them, shape
            (batch, 2, ..., features).
        margin: m, the cosine below which dissimilar pairs cost nothing.

    Returns:
        One value per pair, shape (batch, ...).

    Example:

    >>> print(cosine_embedding([1, -1], (np.array([[1.0, 0.0]] * 2), np.array([[0.0, 1.0], [2.0, 0.0]]))).numpy())
    [1. 1.]
    """
    a, b = tensors.unpack(y_pred, _PAIR)
    inverse_norms = [ops.rsqrt(ops.sum(ops.square(x), axis=-1) + 1e-12) for x in (a, b)]
    cosine = ops.sum(a * b, axis=-1) * inverse_norms[0] * inverse_norms[1]
    labels, known = tensors.either(tensors.pair_labels(y_true, cosine), 1, -1)
    similar = (1 + labels) / 2
    values = similar * (1 - cosine) + (1 - similar) * ops.maximum(cosine - margin, 0.0)
    return ops.where(known, values, float("nan"))


class _PairLoss(Loss):
    """What the three classes share: a margin, and the labels of a pair that a subclass knows."""

    pair_labels = (-1, 1)

    def __init__(self, margin: float, reduction: str | None = "mean", name: str | None = None, dtype: Any = None):
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.margin = margin

    def get_config(self) -> dict[str, Any]:
        return {"margin": self.margin, **super().get_config()}


@register
class MarginRanking(_PairLoss):
    """Mean margin ranking loss of scores: `mean max(0, -y (a - b) + m)` (torch's `MarginRankingLoss`).

    It is called as `loss(labels, (a, b))`.

    Args:
        margin: m, in units of the scores.
        reduction: `"mean"`, `"sum"`, `"batchmean"` or `"none"`.
        name: Name of the loss.
        dtype: Dtype of the computation.

    Example:

    >>> print(float(MarginRanking(margin=0.25)([1, -1], (np.array([0.5, 0.5]), np.array([0.0, 0.0])))))
    0.375
    """

    def __init__(self, margin: float = 0.0, reduction: str | None = "mean", name: str | None = None, dtype: Any = None):
        super().__init__(margin, reduction=reduction, name=name, dtype=dtype)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return margin_ranking(y_true, y_pred, margin=self.margin)


@register
class Contrastive(_PairLoss):
    """Mean contrastive loss of embeddings: `mean of y d^2 + (1 - y) max(0, m - d)^2` (Hadsell et al. 2006).

    It is called as `loss(labels, (a, b))`, labels 1 for similar pairs and 0 for dissimilar ones. The paper's loss is
    half of it, with labels the other way round.

    Args:
        margin: m, the distance beyond which dissimilar pairs cost nothing.
        reduction: `"mean"`, `"sum"`, `"batchmean"` or `"none"`.
        name: Name of the loss.
        dtype: Dtype of the computation.

    Example:

    >>> print(float(Contrastive()([1, 0], (np.array([[0.0], [0.0]]), np.array([[0.5], [0.25]])))))
    0.40625
    """

    pair_labels = (0, 1)

    def __init__(self, margin: float = 1.0, reduction: str | None = "mean", name: str | None = None, dtype: Any = None):
        super().__init__(margin, reduction=reduction, name=name, dtype=dtype)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return contrastive(y_true, y_pred, margin=self.margin)


@register
class CosineEmbedding(_PairLoss):
    """Mean cosine embedding loss: `1 - cos(a, b)` for similar pairs, `max(0, cos - m)` for others (torch's).

    It is called as `loss(labels, (a, b))`, labels 1 for similar pairs and -1 for dissimilar ones. The cosine of a zero
    vector is 0, with a finite derivative.

    Args:
        margin: m, the cosine below which dissimilar pairs cost nothing.
        reduction: `"mean"`, `"sum"`, `"batchmean"` or `"none"`.
        name: Name of the loss.
        dtype: Dtype of the computation.

    Example:

    >>> print(float(CosineEmbedding()([1], (np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])))))
    1.0
    """

    def __init__(self, margin: float = 0.0, reduction: str | None = "mean", name: str | None = None, dtype: Any = None):
        super().__init__(margin, reduction=reduction, name=name, dtype=dtype)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return cosine_embedding(y_true, y_pred, margin=self.margin)
