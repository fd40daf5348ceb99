"""Datasets that tf.data does not tune."""

import tensorflow as tf

#: For `dataset.with_options`. An iterator that is dropped before its data end, as after an error or the last of
#: `steps_per_epoch`, may wait for the thread that tunes it, which sleeps for up to a minute.
UNTUNED = tf.data.Options()
UNTUNED.autotune.enabled = False


def untuned(dataset):
    """A dataset without that thread, unless its options ask for it; anything else, as arrays are, as it is.

    What `AUTOTUNE` stands for in it is then fixed from the start: as many parallel calls as there are threads, 16 at
    most.
    """
    if not isinstance(dataset, tf.data.Dataset) or dataset.options().autotune.enabled is not None:
        return dataset
    return dataset.with_options(UNTUNED)
