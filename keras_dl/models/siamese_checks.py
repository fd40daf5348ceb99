"""Checks of the labels by which embeddings are compared."""

import warnings
from typing import Any

import numpy as np

from keras_dl.checks import refusal
from keras_dl.data.disk import Column
from keras_dl.losses import Contrastive, CosineEmbedding, TripletMargin

_TRIPLETS = (
    "labels should name two classes at least, one of them in two rows: without triplets the loss is 0, and nothing is "
    "learned"
)
_EVALUATED = (
    "labels to evaluate by should name two classes at least, one of them in two rows: without triplets the loss is 0, "
    "whatever was learned"
)
_PAIRS = (
    "labels of pairs should be both {0} and {1}: of pairs all alike, one embedding for everything has a loss of 0, of "
    "pairs all different, embeddings far apart whatever they are of"
)


def check_labels(labels, of_pairs):
    """Refuses labels that are not one a sample, or of pairs none of those of the loss, such as 0 where that takes -1.

    Args:
        labels: Array or tensor.
        of_pairs: The two labels of pairs, of which shares between may be given where they are 0 and 1; `None` for any.
    """
    shape = tuple(labels.shape)
    if len(shape) > 2 or (len(shape) == 2 and shape[1] != 1):
        raise refusal(
            "labels should have shape (batch,) or (batch, 1), a class a row; of one-hot labels, their argmax",
            f"shape {shape}",
        )
    values = np.unique(labels)
    if of_pairs is None:
        return
    known = (values >= 0) & (values <= 1) if of_pairs == (0, 1) else np.isin(values, of_pairs)
    if not known.all():
        raise refusal(f"labels of pairs should be {of_pairs[0]} or {of_pairs[1]}", f"{values[~known][:5]}")


def trained_on(labels, options):
    """The labels that `validation_split` among the options of `fit` leaves for training."""
    share = options.get("validation_split", 0.0)
    if not share or options.get("validation_data") is not None or not hasattr(labels, "__len__"):
        return labels
    return labels[: int(len(labels) * (1 - share))]


def held_out(labels, options):
    """The labels that `validation_split` among the options of `fit` leaves for validation, `None` if there is none."""
    trained = trained_on(labels, options)
    return None if trained is labels else labels[len(trained) :]


def warn_of_no_triplets(loss, labels):
    """Warns of labels to evaluate by, an array of all rows, among which a loss mines no triplets."""
    kinds = Kinds(loss)
    fault = kinds.of_all(labels) if kinds.mines else None
    if fault is not None:
        warnings.warn(str(refusal(_EVALUATED, f"labels {fault}")), stacklevel=4)  # at the call of `fit` or `evaluate`


class Kinds:
    """What looks whether labels are of the several kinds by which a loss can be learned; see `watching.Look`.

    Args:
        loss: The loss. Those that mine triplets and those of pairs, alike or not, cannot be learned by every label; of
            others nothing is asked.

    Attributes:
        expected: What the labels should be.
    """

    def __init__(self, loss: Any):
        self.mines = isinstance(loss, TripletMargin) and loss.mining is not None
        self.asks = self.mines or isinstance(loss, (Contrastive, CosineEmbedding))  # others may rank, all one way
        self.expected = _TRIPLETS if self.mines else _PAIRS.format(*getattr(loss, "pair_labels", (0, 1)))
        self._values: Any = []
        self._fault = ""
        self._fine = not self.asks

    def add(self, labels: Any) -> None:
        """Takes the labels of a batch, within which triplets are mined."""
        if self._fine or not len(labels):
            return
        values = np.unique(labels)
        if not self.mines:
            values = self._values = np.unique([*self._values, *values])[:2]
        self._fine = len(values) > 1 and not (self.mines and len(values) == len(labels))
        self._fault = f"{values[0]} alone" if len(values) == 1 else f"{len(values)} classes in as many rows"

    def fault(self) -> str | None:
        """Says of what kind all labels are, `None` if of several."""
        return None if self._fine else self._fault or None

    def of_all(self, labels: Any) -> str | None:
        """Takes the labels of all rows, an array at hand, and says of what kind they are, as `fault` does."""
        if not isinstance(labels, Column) and labels is not None and len(np.shape(labels)) in (1, 2):
            self.add(np.asarray(labels))
        return self.fault()

    def refuse(self, labels: Any) -> None:
        """Refuses labels at hand, an array of all rows, by which nothing can be learned."""
        if self.of_all(labels) is not None:
            raise refusal(self.expected, f"labels {self.fault()}" if self.mines else self.fault())
