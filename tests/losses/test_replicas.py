"""Stock `fit` on one device and on two replicas: the same weights and the same reported losses.

Half of the labels of one replica are ignored and none of the other's, so a weighted mean that each replica takes for
itself would differ from the global one.
"""

import numpy as np
import pytest

from tests.processes import shared


def _cases():
    from keras_dl import losses

    random = np.random.default_rng(0)
    x = random.normal(size=(16, 4, 6)).astype("float32")
    labels = random.integers(3, size=(16, 4))
    labels[0:4, :2] = labels[8:12, :2] = -100
    targets = np.eye(3, dtype="float32")[np.maximum(labels, 0)]
    return x, {
        "l2": (losses.L2(), targets),
        "l2_sum": (losses.L2(reduction="sum"), targets),
        "kl_batchmean": (losses.KLDivergence(reduction="batchmean"), targets),
        "cross_entropy": (losses.CrossEntropy(weight=[0.2, 1.0, 5.0], label_smoothing=0.1), labels),
        "dice": (losses.Dice(from_logits=True, include_background=False), labels),
    }


def _fit(x, y, loss, strategy):
    import keras

    with strategy.scope():
        model = keras.Sequential([keras.Input(x.shape[1:]), keras.layers.Dense(3, kernel_initializer="ones")])
        model.compile(keras.optimizers.SGD(0.05), loss=loss)
    history = model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0).history["loss"]
    evaluated = model.evaluate(x, y, batch_size=8, verbose=0)
    return {"weights": model.get_weights()[0].tolist(), "losses": [*history, evaluated]}


def _fit_all():
    import tensorflow as tf

    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
    )
    strategies = tf.distribute.get_strategy(), tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    x, cases = _cases()
    return {name: [_fit(x, y, loss, strategy) for strategy in strategies] for name, (loss, y) in cases.items()}


@pytest.mark.slow
@pytest.mark.full
def test_two_replicas_train_as_one():
    results = shared().call(_fit_all, timeout=600)
    assert len(results) == len(_cases()[1])
    for name, (one, two) in results.items():
        assert np.abs(np.array(one["weights"]) - 1).max() > 1e-3, name
        np.testing.assert_allclose(two["weights"], one["weights"], rtol=1e-5, atol=1e-6, err_msg=name)
        np.testing.assert_allclose(two["losses"], one["losses"], rtol=1e-5, err_msg=name)
