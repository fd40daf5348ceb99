"""Means of an epoch: every update's loss and terms, and which of them first was not finite."""

import keras
import numpy as np
import tensorflow as tf

from keras_dl.models.base.epoch_metrics import gather

_PARTS = 2**20  # more than the inner updates of a step


def make_trackers(updates):
    """A `keras.metrics.Mean` for the loss and every term of every update, by `(update's name, term)`."""
    names = {}
    for update in updates:
        for term in ("loss", *update.terms):
            names[update.name, term] = f"{update.name}_{term}" if len(updates) > 1 else term
    return {key: keras.metrics.Mean(name=name) for key, name in names.items()}


def track(trackers, part, values, terms, charge):
    """Adds what a part found to the trackers; returns its means on this replica, the loss's first."""
    share = tf.math.divide_no_nan(1.0, part.local_rows)
    means = []
    for term, value in {"loss": values, **terms}.items():
        means.append(tf.reduce_sum(value) * share + (charge if term == "loss" else 0.0))
        trackers[part.update.name, term].update_state(means[-1], sample_weight=part.local_rows)
    return tf.stack(means)


class FirstNotFinite:
    """Remembers when each mean first was NaN or infinite, within steps that run stacked in one computation too.

    A moment is a number that grows with the step and with the inner update in it; 0 means never.

    Args:
        updates: The model's updates.
    """

    def __init__(self, updates):
        self._terms = {update.name: (*update.terms, "loss") for update in updates}  # a term before the loss it spoils
        options = {
            "trainable": False,
            "synchronization": tf.VariableSynchronization.ON_READ,
            "aggregation": tf.VariableAggregation.SUM,
        }
        self._moments = {
            name: tf.Variable(np.zeros(len(terms), np.int64), **options) for name, terms in self._terms.items()
        }

    def note(self, update, means, step, ordinal):
        """Notes an inner update's means, the loss's first, in step `step`, in which it has the number `ordinal`."""
        moments = self._moments[update.name]
        new = (moments == 0) & ~tf.math.is_finite(tf.roll(means, -1, 0))
        moments.assign(tf.where(new, step * _PARTS + ordinal + 1, moments))

    def reset(self):
        """Forgets all moments."""
        for moments in self._moments.values():
            moments.assign(tf.zeros_like(moments))

    def find(self, strategy):
        """Returns `(update's name, term, step)` of the first, the step counted from 1; `None` where there is none.

        Under several workers all of them must call it.
        """
        variables = list(self._moments.values())
        if strategy.num_replicas_in_sync == 1:
            found = [variable.numpy()[None] for variable in variables]
        else:
            found = [moments.numpy() for moments in gather(strategy, lambda: variables)]
        first = None
        for (name, terms), moments in zip(self._terms.items(), found, strict=True):
            for term, moment in zip(terms, np.where(moments > 0, moments, np.inf).min(0), strict=True):
                if np.isfinite(moment) and (first is None or moment < first[0]):
                    first = moment, (name, term, int(moment - 1) // _PARTS + 1)
        return first and first[1]
