"""Where a phase ends: behind the validation of its last epoch, however the data say that they end."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl.models.base import Phase
from tests.models.base.test_memory import linear
from tests.processes import shared

X = np.ones((8, 1), "float32")  # two batches of four: an epoch, and a phase
WAYS = [(known, steps) for known in (True, False) for steps in (1, 3)]
EXPECTED = [[(0, 2), (1, 2)]] * len(WAYS)


class Watch(keras.callbacks.Callback):
    """Notes the phase and the optimizer's steps in it, when the validation begins."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_test_begin(self, logs=None):
        self.seen.append((self.model.state.phase, int(self.model.optimizer.iterations.numpy())))


def watched(known, steps):
    """Phases and steps at the validation of two epochs, of data whose length is known or is not."""
    model = linear(("main",))
    model.set_phases(
        [Phase("first", 8), Phase("second", 8, restart=("optimizer",)), Phase("third", restart=("optimizer",))]
    )
    model.compile(keras.optimizers.SGD(0.1), steps_per_execution=steps, jit_compile=False)
    batches, watch = tf.data.Dataset.from_tensor_slices(X).batch(4), Watch()
    batches = batches if known else batches.filter(lambda x: tf.reduce_all(x > 0))
    model.fit(batches, epochs=2, validation_data=(X,), verbose=0, callbacks=[watch])
    return watch.seen


def _on_replicas():
    """Runs in a process of its own, since logical devices must be set before TensorFlow starts."""
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
    )
    with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
        return [watched(*way) for way in WAYS]


@pytest.mark.filterwarnings("ignore:.*ran out of data")
def test_a_phase_ends_behind_its_last_validation():
    assert [watched(*way) for way in WAYS] == EXPECTED


@pytest.mark.slow
def test_a_phase_ends_behind_its_last_validation_on_replicas():
    assert shared().call(_on_replicas, timeout=300) == EXPECTED
