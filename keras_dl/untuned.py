"""Datasets that tf.data does not tune."""

import tensorflow as tf


def untuned(dataset):
    """Returns a dataset without tf.data's tuning.

    An iterator that is dropped, as after an error or an interruption, waits for the thread that tunes it, which sleeps
    for up to a minute.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)
