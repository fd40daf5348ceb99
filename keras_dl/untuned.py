"""Options of a dataset that tf.data does not tune."""

import tensorflow as tf

#: For `dataset.with_options`. An iterator that is dropped, as after an error or an interruption, waits for the thread
#: that tunes it, which sleeps for up to a minute.
UNTUNED = tf.data.Options()
UNTUNED.autotune.enabled = False
