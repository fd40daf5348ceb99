"""Losses on numbers: absolute, squared and smooth absolute error, per element."""

from typing import Any

from keras import ops

from keras_dl.checks import check_number
from keras_dl.losses import tensors
from keras_dl.losses.base import Loss, register
from keras_dl.types import Tensor


@register
def l1(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Absolute error: `|x - y|`, with derivative 0 at x = y.

    Args:
        y_true: Targets y, any shape.
        y_pred: Predictions x, the shape of `y_true`.

    Returns:
        One value per element, the shape of `y_pred`.

    Example:

    >>> print(l1([1.0, 2.0], [1.5, 0.0]).numpy())
    [0.5 2. ]
    """
    y_pred = tensors.as_float(y_pred)
    return ops.abs(y_pred - tensors.like_predictions(y_true, y_pred))


@register
def l2(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Squared error: `(x - y)^2`.

    Args:
        y_true: Targets y, any shape.
        y_pred: Predictions x, the shape of `y_true`.

    Returns:
        One value per element, the shape of `y_pred`.

    Example:

    >>> print(l2([1.0, 2.0], [1.5, 0.0]).numpy())
    [0.25 4.  ]
    """
    y_pred = tensors.as_float(y_pred)
    return ops.square(y_pred - tensors.like_predictions(y_true, y_pred))


@register
def smooth_l1(y_true: Tensor, y_pred: Tensor, beta: float = 1.0) -> Tensor:
    """Smooth absolute error: `d^2 / (2 beta)` for |d| < beta, `|d| - beta / 2` beyond, d = x - y (Girshick 2015).

    It is Huber's loss with delta = beta, divided by beta.

    Args:
        y_true: Targets y, any shape.
        y_pred: Predictions x, the shape of `y_true`.
        beta: Width of the quadratic part, in units of y; 0 gives `l1`.

    Returns:
        One value per element, the shape of `y_pred`.

    Raises:
        ValueError: If `beta` is negative.

    Example:

    >>> print(smooth_l1([1.0, 2.0], [1.5, 0.0]).numpy())
    [0.125 1.5  ]
    """
    check_number(beta, "beta", least=0)
    distance = l1(y_true, y_pred)
    if beta == 0:
        return distance
    near = ops.minimum(distance, beta)  # both parts in one expression: no branch can overflow
    return 0.5 * near * (near / beta) + (distance - near)


@register
class L1(Loss):
    """Mean absolute error: `mean |x - y|`.

    Args:
        reduction: `"mean"`, `"sum"`, `"batchmean"` or `"none"`.
        name: Name of the loss.
        dtype: Dtype of the computation.

    Example:

    >>> print(float(L1()([1.0, 2.0], [1.5, 0.0])))
    1.25
    """

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return l1(y_true, y_pred)


@register
class L2(Loss):
    """Mean squared error: `mean (x - y)^2`.

    Args:
        reduction: `"mean"`, `"sum"`, `"batchmean"` or `"none"`.
        name: Name of the loss.
        dtype: Dtype of the computation.

    Example:

    >>> print(float(L2()([1.0, 2.0], [1.5, 0.0])))
    2.125
    """

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return l2(y_true, y_pred)


@register
class SmoothL1(Loss):
    """Mean smooth absolute error: quadratic within `beta` of the target, linear beyond (Girshick 2015).

    Args:
        beta: Width of the quadratic part, in units of y; 0 gives the absolute error.
        reduction: `"mean"`, `"sum"`, `"batchmean"` or `"none"`.
        name: Name of the loss.
        dtype: Dtype of the computation.

    Raises:
        ValueError: If `beta` is negative.

    Example:

    >>> print(float(SmoothL1()([1.0, 2.0], [1.5, 0.0])))
    0.8125
    """

    def __init__(self, beta: float = 1.0, reduction: str | None = "mean", name: str | None = None, dtype: Any = None):
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.beta = beta

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return smooth_l1(y_true, y_pred, beta=self.beta)

    def get_config(self) -> dict[str, Any]:
        return {"beta": self.beta, **super().get_config()}
