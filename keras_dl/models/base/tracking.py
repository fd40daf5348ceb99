"""Means of an epoch: every update's loss and terms."""

import keras
import tensorflow as tf


def make_trackers(updates):
    """A `keras.metrics.Mean` for the loss and every term of every update, by `(update's name, term)`."""
    keys = [(update.name, term) for update in updates for term in ("loss", *update.terms)]
    return {key: keras.metrics.Mean(name=metric_name(updates, *key)) for key in keys}


def metric_name(updates, update, term):
    """What logs call a term of an update, by the update's name."""
    return f"{update}_{term}" if len(updates) > 1 else term


def track(trackers, part, values, terms, charge):
    """Adds what a part found to the trackers; returns its means on this replica, the loss's first."""
    share = tf.math.divide_no_nan(1.0, part.local_rows)
    means = []
    for term, value in {"loss": values, **terms}.items():
        means.append(tf.reduce_sum(value) * share + (charge if term == "loss" else 0.0))
        trackers[part.update.name, term].update_state(means[-1], sample_weight=part.local_rows)
    return tf.stack(means)
