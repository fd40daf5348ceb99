"""PSNR beside its definition over all values, whatever the batches, and as what fit and early stopping monitor."""

import keras
import numpy as np
import pytest

from keras_dl.metrics import PSNR


def arrays(rows=10):
    rng = np.random.default_rng(0)
    y = rng.uniform(-1, 1, (rows, 3)).astype("float32")
    return y, y + 0.1 * rng.standard_normal(y.shape).astype("float32")


def test_definition_over_uneven_batches():
    y, y_pred = arrays()
    metric = PSNR(value_range=2.0)
    metric.update_state(y[:7], y_pred[:7])
    metric.update_state(y[7:], y_pred[7:])
    expected = 10 * np.log10(4 / np.mean(np.square(y.astype("f8") - y_pred)))
    assert float(metric.result()) == pytest.approx(expected, rel=1e-5)
    assert float(metric.result()) == pytest.approx(float(keras.ops.psnr(y, y_pred, 2.0)), rel=1e-5)
    metric.reset_state()
    metric.update_state(y, y)
    assert float(metric.result()) == pytest.approx(120.0)


def test_config_and_direction():
    metric = PSNR(value_range=255.0, name="quality")
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    assert (copy.name, copy.value_range) == ("quality", 255.0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, kernel_initializer="identity")])
    model.compile("sgd", "mse", metrics=[PSNR()])
    stop = keras.callbacks.EarlyStopping(monitor="psnr", patience=1)
    model.fit(*arrays(), epochs=2, verbose=0, callbacks=[stop])
    assert stop.monitor_op is np.greater or stop.monitor_op is keras.ops.greater


@pytest.mark.parametrize("value_range", [0.0, -1.0, float("nan"), float("inf")])
def test_other_ranges_are_refused(value_range):
    with pytest.raises(ValueError, match="Received: value_range"):
        PSNR(value_range)
