"""Checks of batches that come one by one, from a dataset or a generator."""

import numpy as np
import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.data.checks import check_arrays
from keras_dl.models.base.conditions import check_classes, unpack


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
        for batch in batches:
            self.count += 1
            try:
                self._check(tf.nest.map_structure(_array, batch))
            except (TypeError, ValueError) as error:
                error.args = (f"{error} (batch {self.count})",)
                raise

    def _check(self, batch):
        leaves = tf.nest.flatten(batch)
        key = tuple((leaf.dtype, leaf.shape[1:]) for leaf in leaves)
        extremes = np.array([(-leaf.min(), leaf.max()) if _is_number(leaf) else (np.nan, np.nan) for leaf in leaves])
        alike = len({leaf.shape[:1] for leaf in leaves}) == 1
        known = self._ranges.get(key)
        if known is None or not alike or self.model.checks_values or not (extremes <= known).all():
            check_arrays(batch, missing=self.model.takes_missing)
            self.model.check_data(batch)
            self._ranges[key] = extremes if known is None else np.fmax(extremes, known)
        elif self._classes is not None:  # labels may lie in their range and be no integers
            condition = unpack(batch)[1]
            if condition is not None:
                check_classes(condition, self._classes)


def _array(leaf):
    return leaf.numpy() if isinstance(leaf, tf.RaggedTensor) else np.asarray(leaf)  # of a tensor no copy


def _is_number(leaf):
    return leaf.size and leaf.dtype.kind in "biuf"
