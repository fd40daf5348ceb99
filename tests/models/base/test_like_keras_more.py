"""`Supervised` beside stock `keras.Model`: losses of layers, precision, data frames, callbacks that write, graphs."""

import keras
import numpy as np
import pytest

from tests.models.base import test_like_keras
from tests.models.base.test_like_keras import (
    CROSS_ENTROPY,
    LABELS,
    ONE_HOT,
    SERIES,
    SERIES_TARGETS,
    SIZES,
    TABLE,
    WEIGHTS,
    X,
    close,
    dense,
    masking,
    pair,
)

COMMON = {"batch_size": 5, "epochs": 2, "shuffle": False, "verbose": 0}


@keras.saving.register_keras_serializable("test_like_keras_more")
class Charged(keras.layers.Layer):
    """Charges the size of what it is given, and a constant, while it trains and while it is evaluated."""

    def call(self, x):
        self.add_loss(0.1 * keras.ops.mean(keras.ops.square(x)))
        self.add_loss(keras.ops.cast(0.25, "float32"))
        return x


def charged():
    return keras.Sequential([keras.Input((5,)), keras.layers.Dense(4, "tanh"), Charged(), keras.layers.Dense(3)])


@pytest.mark.parametrize("run_eagerly", [True, False])
def test_losses_that_layers_add(run_eagerly):
    stock, ours = pair(charged, loss=CROSS_ENTROPY, run_eagerly=run_eagerly)
    close(*[model.fit(X, LABELS, **COMMON).history for model in (ours, stock)])
    close(ours.get_weights(), stock.get_weights())
    close(*[model.evaluate(X, LABELS, batch_size=5, verbose=0) for model in (ours, stock)])


class OfBatch(keras.losses.Loss):
    """A mean over all elements, as one value."""

    def call(self, y_true, y_pred):
        return keras.ops.mean(keras.ops.square(y_true - y_pred))


OF_BATCHES = {
    "a value for each class": (dense, keras.losses.CosineSimilarity(axis=0), X, ONE_HOT),
    "one value": (dense, OfBatch(reduction="sum"), X, ONE_HOT),
    "one value of masked series": (masking, OfBatch(), SERIES, SERIES_TARGETS),
}


@pytest.mark.parametrize("name", OF_BATCHES)
def test_losses_of_whole_batches(name):
    network, loss, x, y = OF_BATCHES[name]
    stock, ours = pair(network, loss=loss)
    close(*[model.fit(x, y, batch_size=4, shuffle=False, verbose=0).history["loss"] for model in (ours, stock)])
    close(ours.get_weights(), stock.get_weights())


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(policy):
    def build():
        layers = [keras.layers.Dense(4, "tanh", dtype=policy), keras.layers.Dense(3, dtype="float32")]
        return keras.Sequential([keras.Input((5,)), *layers])

    stock, ours = pair(build, loss=CROSS_ENTROPY, metrics=["accuracy"])
    histories = [model.fit(X, LABELS, **COMMON).history for model in (ours, stock)]
    assert histories[0].keys() == histories[1].keys()
    for name, values in histories[0].items():
        np.testing.assert_allclose(values, histories[1][name], rtol=2e-2, err_msg=name)
    for one, other in zip(ours.get_weights(), stock.get_weights(), strict=True):
        assert one.dtype == other.dtype == "float32"
        np.testing.assert_allclose(one, other, atol=5e-3)
    assert ours.predict(X, verbose=0).dtype == stock.predict(X, verbose=0).dtype


def frames(pandas):
    frame = pandas.DataFrame(X, columns=list("abcde"))
    labels, weights = pandas.Series(LABELS), pandas.Series(WEIGHTS)
    one_hot = pandas.DataFrame(ONE_HOT)
    shifted = frame.set_index(frame.index + 100)
    return {
        "a frame": (frame, labels, {}, CROSS_ENTROPY),
        "weights": (frame, labels, {"sample_weight": weights}, CROSS_ENTROPY),
        "a frame of targets": (frame, one_hot, {}, "mse"),
        "another index": (shifted, labels, {}, CROSS_ENTROPY),
        "validation": (frame, labels, {"validation_data": (frame, labels)}, CROSS_ENTROPY),
        "float64": (frame.astype("float64"), labels, {"validation_split": 0.3}, CROSS_ENTROPY),
    }


@pytest.mark.parametrize("name", ["a frame", "weights", "a frame of targets", "another index", "validation", "float64"])
def test_data_frames(name):
    pandas = pytest.importorskip("pandas")
    x, y, options, loss = frames(pandas)[name]
    stock, ours = pair(dense, loss=loss)
    close(*[model.fit(x, y, **COMMON, **options).history for model in (ours, stock)])
    close(ours.get_weights(), stock.get_weights())
    close(*[model.evaluate(x, y, batch_size=5, verbose=0) for model in (ours, stock)])
    close(*[model.predict(x, batch_size=5, verbose=0) for model in (ours, stock)])
    close(*[model.train_on_batch(x, y) for model in (ours, stock)])


def test_a_series_of_one_feature():
    pandas = pytest.importorskip("pandas")
    x, y = pandas.DataFrame({"size": SIZES[:, 0]}), pandas.Series(SIZES[:, 0], name="twice") * 2
    stock, ours = pair(lambda: dense(1, (1,)), loss="mse")
    close(*[model.fit(x, y, **COMMON).history for model in (ours, stock)])
    close(ours.get_weights(), stock.get_weights())


class Stop(keras.callbacks.Callback):
    """Ends training as a crash does."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise InterruptedError


def test_backup_and_restore(tmp_path):
    models, histories = pair(dense, loss=CROSS_ENTROPY), []
    for number, model in enumerate(models):
        folder = tmp_path / str(number)
        options = {**COMMON, "epochs": 4}
        with pytest.raises(InterruptedError):
            model.fit(X, LABELS, **options, callbacks=[keras.callbacks.BackupAndRestore(folder), Stop(2)])
        stock, ours = pair(dense, loss=CROSS_ENTROPY)
        fresh = (stock, ours)[number]
        histories.append(fresh.fit(X, LABELS, **options, callbacks=[keras.callbacks.BackupAndRestore(folder)]))
    assert [len(history.epoch) for history in histories] == [2, 2]
    close(histories[0].history, histories[1].history)
    whole, _ = pair(dense, loss=CROSS_ENTROPY)
    whole.fit(X, LABELS, **{**COMMON, "epochs": 4})
    for history in histories:
        close(history.model.get_weights(), whole.get_weights())


def scalars(folder):
    """What the logs of a folder hold, `{(part, tag, step): value}`."""
    import tensorflow as tf

    values = {}
    for path in sorted(folder.rglob("events*")):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                if value.metadata.plugin_data.plugin_name == "scalars" or value.HasField("tensor"):
                    array = tf.make_ndarray(value.tensor)
                    if array.dtype.kind == "f" and array.ndim == 0:
                        values[path.parent.name, value.tag, event.step] = float(array)
    return values


def test_tensorboard(tmp_path):
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    logs = []
    for number, model in enumerate(pair(dense, loss=CROSS_ENTROPY, metrics=["accuracy"])):
        callback = keras.callbacks.TensorBoard(tmp_path / str(number), histogram_freq=1, write_graph=False)
        model.fit(X, LABELS, **COMMON, validation_data=(X, LABELS), callbacks=[callback])
        logs.append(scalars(tmp_path / str(number)))
    assert logs[0].keys() == logs[1].keys() and len(logs[0]) >= 8
    for key, value in logs[0].items():
        np.testing.assert_allclose(logs[1][key], value, rtol=1e-4, err_msg=str(key))


#: Rows that graphs of Keras compute otherwise than eager Keras (single losses weigh a smaller last batch like others),
#: then one of each kind; how data are read and divided does not depend on graphs, and some rows are graphs.
GRAPHS = [
    "a name", "regularizers of weights and activities", "Masking and weights", "class weights of labels",
    "sum", "mean with sample weights", "a list of one", "frozen layers", "ignore_class", "a dict of outputs",
    "an output without a loss", "one loss for all outputs", "weights of each output", "metrics", "weighted metrics",
    "auto_scale_loss", "several inputs", "integer inputs", "sample weights", "weights of time steps by labels",
    "Masking, classes", "Masking and a sum", "mask_zero", "class weights of one-hot vectors",
]  # fmt: skip


@pytest.mark.full
@pytest.mark.parametrize("name", GRAPHS)
def test_rows_in_graphs(name, monkeypatch):
    build, compile_options, x, options = TABLE[name]
    options = {"batch_size": 5, **options}  # whole batches
    row = build, {"run_eagerly": False, **compile_options}, x, options
    monkeypatch.setitem(TABLE, name, row)
    test_like_keras.test_arrays(name)
