"""Triplet margin loss, of given triplets or of triplets mined inside the batch."""

from typing import Any

from keras import ops

from keras_dl.checks import check_number, refusal
from keras_dl.losses import tensors
from keras_dl.losses.base import WeighedLoss, register
from keras_dl.losses.distances import norm, smaller
from keras_dl.losses.mining import MININGS, mined_triplets
from keras_dl.types import Tensor

_TRIPLET = ("anchor", "positive", "negative")


@register
def triplet_margin(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2.0,
    swap: bool = False,
    eps: float = 1e-6,
) -> Tensor:
    """Triplet margin loss: `max(0, d(a, p) - d(a, n) + m)`, d(x, y) = |x - y + eps|_p (torch's `triplet_margin_loss`).

    Args:
        anchor: Embeddings a, shape (batch, ..., features).
        positive: Embeddings of the anchors' classes, the shape of `anchor`.
        negative: Embeddings of other classes, the shape of `anchor`.
        margin: m, in units of the distance.
        p: Order of the norm, above 0 (`math.inf` allowed).
        swap: Whether the negative's distance is min(d(a, n), d(p, n)) (Balntas et al. 2016).
        eps: Added to every difference, as torch does.

    Returns:
        One value a triplet, shape (batch, ...).

    Raises:
        ValueError: If `p` is not above 0.

    Example:

    >>> print(triplet_margin(np.zeros((1, 2)), np.array([[3.0, 4.0]]), np.array([[0.0, 5.5]])).numpy().round(4))
    [0.5]
    """
    check_number(p, "p", above=0, infinite=True)
    anchor, positive, negative = tensors.unpack((anchor, positive, negative), _TRIPLET)
    to_positive = norm(anchor - positive + eps, p)
    to_negative = norm(anchor - negative + eps, p)
    if swap:
        to_negative = smaller(to_negative, norm(positive - negative + eps, p))
    return ops.maximum(to_positive - to_negative + margin, 0.0)


@register
class TripletMargin(WeighedLoss):
    """Mean triplet margin loss, `mean max(0, d(a, p) - d(a, n) + m)`, of given or mined triplets.

    Without `mining` it is called as `loss(anchor, positive, negative)`, or, if Keras' two arguments are wanted, as
    `loss(None, (anchor, positive, negative))`; the three may also be stacked on axis 1 of one tensor. With `mining` it
    is called as `loss(labels, embeddings)`, labels of shape (batch,), and takes the triplets of the batch in which
    anchor and positive are different rows of one class and the negative is of another:

        "all"        every one of them
        "semi-hard"  those with d(a, p) < d(a, n) < d(a, p) + m (Schroff et al. 2015)
        "hard"       one an anchor: its farthest positive and its nearest negative (Hermans et al. 2017); at first
                     this may draw all embeddings onto one point

    The mean is over the triplets taken, those that cost 0 included; if there is none the loss is 0 with gradient 0.
    `"all"` and `"semi-hard"` hold batch^3 numbers. Mined values depend on the whole batch (`couples_batch`), under
    `tf.distribute` on the replica's batch.

    Args:
        margin: m, in units of the distance.
        p: Order of the norm, above 0 (`math.inf` allowed).
        swap: Whether the negative's distance in the value is min(d(a, n), d(p, n)) (Balntas et al. 2016); triplets are
            chosen by d(a, n).
        eps: Added to every difference, as torch does.
        mining: `None`, `"all"`, `"semi-hard"` or `"hard"`.
        reduction: `"mean"`, `"sum"`, `"batchmean"` or `"none"`.
        name: Name of the loss.
        dtype: Dtype of the computation.

    Raises:
        ValueError: If `p` is not above 0, or `mining` is unknown.

    Example:

    >>> loss = TripletMargin(mining="hard")
    >>> print(round(float(loss([0, 0, 1], np.array([[0.0], [1.0], [3.0]]))), 4))
    0.0
    """

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        swap: bool = False,
        eps: float = 1e-6,
        mining: str | None = None,
        reduction: str | None = "mean",
        name: str | None = None,
        dtype: Any = None,
    ):
        if mining is not None and mining not in MININGS:
            raise refusal(f"`mining` should be None or one of {MININGS}", mining=mining)
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.margin = margin
        self.p = p
        self.swap = swap
        self.eps = eps
        self.mining = mining
        self.couples_batch = mining is not None

    def __call__(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        if self.mining is None and _are_three_tensors(y_true, y_pred, sample_weight):
            y_true, y_pred, sample_weight = None, (y_true, y_pred, sample_weight), None
        return super().__call__(y_true, y_pred, sample_weight=sample_weight)

    def values_and_weights(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        options = {"margin": self.margin, "p": self.p, "swap": self.swap, "eps": self.eps}
        if self.mining is not None:
            return mined_triplets(y_true, y_pred, mining=self.mining, **options)
        values = triplet_margin(*tensors.unpack(y_pred, _TRIPLET), **options)
        return values, ops.ones_like(values)

    def get_config(self) -> dict[str, Any]:
        return {
            "margin": self.margin,
            "p": self.p,
            "swap": self.swap,
            "eps": self.eps,
            "mining": self.mining,
            **super().get_config(),
        }

    @property
    def has_weights(self) -> bool:
        return self.mining is not None


def _are_three_tensors(anchor, positive, negative):
    """Whether three arguments are an anchor, a positive and a negative, rather than labels, predictions and weights."""
    arguments = (anchor, positive, negative)
    if isinstance(positive, tuple) or any(argument is None for argument in arguments):
        return False
    shapes = [tuple(ops.shape(ops.convert_to_tensor(argument))) for argument in arguments]
    return len({len(shape) for shape in shapes}) == 1 and len(shapes[0]) > 0
