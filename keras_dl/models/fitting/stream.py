"""Checks of batches that come one by one, from a dataset or a generator."""

import numpy as np
import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.data.checks import check_arrays
from keras_dl.models.conditions import check_classes, unpack

_SMALL = 2**16  # bytes of arrays that are copied together sooner than each is looked at


class Stream:
    """Refuses batches that a model cannot use, before it sees them.

    The first is checked as arrays are. A later one is, too, where it goes beyond those before it: by its shape, its
    type, or the smallest and largest value of an array, which take some microseconds to find and show NaN as well.

    Args:
        model: The model.

    Attributes:
        count: How many batches of the epoch have come.
    """

    def __init__(self, model):
        self.model, self.count = model, 0
        self._classes = model.condition_classes() if model.has_conditions else None
        self._ranges: dict = {}

    @property
    def unchecked(self):
        """Whether the next batch is the first."""
        return not self._ranges

    def begin(self):
        """Called as an epoch begins."""
        self.count = 0

    def check(self, batches):
        """Refuses what the model cannot use of a list of batches, the next ones; their rows are here by now.

        Raises:
            ValueError: With the number of the batch in its epoch, from 1.
        """
        if self.unchecked and not batches:
            raise refusal("data should hold at least one batch", "none")
        arrays = [[_array(leaf) for leaf in tf.nest.flatten(batch)] for batch in batches]
        if self._known(arrays):
            self.count += len(batches)
            return
        for batch, leaves in zip(batches, arrays, strict=True):
            self.count += 1
            try:
                self._check(batch, leaves)
            except (TypeError, ValueError) as error:
                error.args = (f"{error} (batch {self.count})",)
                raise

    def check_replicas(self, batch, strategy):
        """Refuses what the model cannot use of a batch that replicas share."""

        def rows(part):
            return np.concatenate([_array(local) for local in strategy.experimental_local_results(part)])

        self.check([tf.nest.map_structure(rows, batch)])

    def _known(self, arrays):
        """Whether batches, given as lists of arrays, lie within those before them, small ones together."""
        kinds = set(map(_kind, arrays))
        if len(kinds) != 1 or self.model.checks_values or self._classes is not None:
            return False
        known = self._ranges.get(kinds.pop())
        if known is None or not all(map(_has_equal_rows, arrays)):
            return False
        for column, outer in zip(zip(*arrays, strict=True), known, strict=True):
            if len(column) > 1 and column[0].nbytes < _SMALL:
                column = (np.concatenate(column),)
            if not all(_lies_within(_range(leaf), outer) for leaf in column):
                return False
        return True

    def _check(self, batch, leaves):
        ranges, kind = [_range(leaf) for leaf in leaves], _kind(leaves)
        known = self._ranges.get(kind)
        within = known is not None and all(map(_lies_within, ranges, known)) and _has_equal_rows(leaves)
        data = tf.nest.pack_sequence_as(batch, leaves)
        if not within or self.model.checks_values:
            check_arrays(data, missing=self.model.takes_missing)
            self.model.check_data(data)
            self._ranges[kind] = ranges if known is None else list(map(_united, ranges, known))
        elif self._classes is not None:  # labels may lie in their range and be no integers
            condition = unpack(data)[1]
            if condition is not None:
                check_classes(condition, self._classes)


def _kind(leaves):
    """What batches have in common that are alike."""
    return tuple([(leaf.dtype, leaf.shape[1:]) for leaf in leaves])


def _has_equal_rows(leaves):
    return all(leaf.shape[:1] == leaves[0].shape[:1] for leaf in leaves)


def _array(leaf):
    return leaf.numpy() if isinstance(leaf, tf.RaggedTensor) else np.asarray(leaf)  # of a tensor no copy


def _range(leaf):
    """The least and the largest of an array; NaN where it holds NaN, or nothing that can be compared."""
    return (leaf.min(), leaf.max()) if leaf.size and leaf.dtype.kind in "biuf" else (np.nan, np.nan)


def _lies_within(inner, outer):
    return inner[0] >= outer[0] and inner[1] <= outer[1]


def _united(one, other):
    return np.fmin(one[0], other[0]), np.fmax(one[1], other[1])
