"""The data that `fit`, `evaluate` and `predict` take, as stock Keras takes them: datasets, generators, `PyDataset`s."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_dl
from keras_dl.models.fitting import choosing
from tests.models.base.test_like_keras import CROSS_ENTROPY as LOSS
from tests.models.base.test_like_keras import LABELS, ROWS, SERIES, STEP_LABELS, STEPS, WEIGHTS, X, close, dense, pair


def batches(*arrays, size=4):
    return [tuple(array[i : i + size] for array in arrays) for i in range(0, len(arrays[0]), size)]


class Batches(keras.utils.PyDataset):
    def __init__(self, *arrays, **options):
        super().__init__(**options)
        self.arrays = arrays

    @property
    def num_batches(self):
        return -(-ROWS // 4)

    def __getitem__(self, index):
        return batches(*self.arrays)[index]


def dataset(*arrays):
    return tf.data.Dataset.from_tensor_slices(arrays).batch(4)


def generator(*arrays):
    while True:
        yield from batches(*arrays)


def spec(*arrays):
    return tuple(tf.TensorSpec([None, *array.shape[1:]], array.dtype) for array in arrays)


# name: (function that makes the data, options of fit)
KINDS = {
    "dataset": (lambda: dataset(X, LABELS), {}),
    "dataset with weights": (lambda: dataset(X, LABELS, WEIGHTS), {}),
    "dataset with class weights": (lambda: dataset(X, LABELS), {"class_weight": {0: 1.0, 1: 3.0, 2: 1.0}}),
    "dataset shuffled by a seed": (lambda: dataset(X, LABELS).shuffle(3, seed=5), {}),
    "dataset without an end": (lambda: dataset(X, LABELS).repeat(), {"steps_per_epoch": 2}),
    "dataset with steps_per_epoch": (lambda: dataset(X, LABELS), {"steps_per_epoch": 2, "epochs": 3}),
    "validation": (lambda: dataset(X, LABELS), {"validation_data": dataset(X, LABELS), "validation_steps": 2}),
    "generator": (lambda: generator(X, LABELS), {"steps_per_epoch": 3}),
    "PyDataset": (lambda: Batches(X, LABELS), {"shuffle": False}),
    "PyDataset with weights": (lambda: Batches(X, LABELS, WEIGHTS), {"shuffle": False}),
    "PyDataset with class weights": (lambda: Batches(X, LABELS), {"shuffle": False, "class_weight": {1: 3.0}}),
    "PyDataset with workers": (lambda: Batches(X, LABELS, workers=2), {"shuffle": False}),
}  # fmt: skip


@pytest.mark.grid(
    "PyDataset with weights", "dataset with class weights", "dataset without an end", "generator", "validation"
)
@pytest.mark.parametrize("name", KINDS)
def test_kinds_of_data(name):
    build, options = KINDS[name]
    stock, ours = pair(dense, loss=LOSS, metrics=["accuracy"])
    options = {"epochs": 2, "verbose": 0, **options}
    close(*[model.fit(build(), **options).history for model in (ours, stock)])
    close(ours.get_weights(), stock.get_weights())
    if "steps_per_epoch" not in options:
        close(*[model.evaluate(build(), verbose=0) for model in (ours, stock)])
    close(*[model.predict(build(), steps=2, verbose=0) for model in (ours, stock)])


def test_on_batches():
    stock, ours = pair(dense, loss=LOSS, metrics=["accuracy"])
    for options in ({}, {"sample_weight": WEIGHTS}, {"class_weight": {0: 3.0}}, {"return_dict": True}):
        close(*[model.train_on_batch(X, LABELS, **options) for model in (ours, stock)])
    close(*[model.test_on_batch(X, LABELS, sample_weight=WEIGHTS) for model in (ours, stock)])
    close(*[model.predict_on_batch(X) for model in (ours, stock)])


def test_steps_count_batches_whatever_the_stack_of_training():
    _, ours = pair(dense, loss=LOSS, run_eagerly=False)
    data = dataset(X, LABELS)
    counts = []
    count = keras.callbacks.LambdaCallback()
    count.on_test_batch_end = lambda batch, logs=None: counts.append(batch)
    ours.fit(np.tile(X, (20, 1)), np.tile(LABELS, 20), batch_size=4, verbose=0)
    assert ours.steps_per_execution > 1
    assert ours.predict(data, steps=2, verbose=0).shape == (8, 3)
    ours.fit(np.tile(X, (20, 1)), np.tile(LABELS, 20), batch_size=4, validation_data=data.repeat(), validation_steps=3,
             callbacks=[count], verbose=0)  # fmt: skip
    assert counts == [0, 1, 2]


class Recorder(Batches):
    """Remembers the batches that it gave."""

    def __init__(self, *arrays):
        super().__init__(*arrays)
        self.seen = []

    def __getitem__(self, index):
        self.seen.append(index)
        return super().__getitem__(index)


def test_a_pydataset_is_shuffled_and_a_resumed_run_shuffles_alike(tmp_path):
    def trained(epochs, model=None):
        model = model or pair(dense, loss=LOSS)[1]
        many = Batches(np.tile(X, (4, 1)), np.tile(LABELS, 4))
        model.fit(many, epochs=epochs, initial_epoch=model.state.epoch, verbose=0)
        return model

    from keras_dl.models.fitting.datasets import ShuffledBatches

    orders = []
    data = ShuffledBatches(Batches(X, LABELS), seed=0)
    for epoch in range(8):
        data.place(epoch)
        orders.append(tuple(data.indices))
    assert all(sorted(order) == [0, 1, 2] for order in orders) and len(set(orders)) > 1
    whole, part = trained(3), trained(1)
    part.save(tmp_path / "m.keras")
    resumed = trained(3, keras.saving.load_model(tmp_path / "m.keras"))
    for one, other in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_dataset_that_can_be_read_once_loses_nothing():
    rows = iter(batches(X, LABELS))
    once = tf.data.Dataset.from_generator(lambda: rows, output_signature=spec(X, LABELS))
    stock, ours = pair(dense, loss=LOSS)
    close(ours.fit(once, verbose=0).history, stock.fit(dataset(X, LABELS), verbose=0).history)
    assert int(ours.state.step) == len(batches(X, LABELS))


class Traced(keras.layers.Layer):
    """Counts how often it is called."""

    calls = 0

    def call(self, x):
        Traced.calls += 1
        return x


def test_many_lengths_share_a_graph():
    def network():
        return keras.Sequential([keras.Input((None, 2)), keras.layers.Dense(3), Traced()])

    stock, _ = pair(network, loss=LOSS)
    ours = keras_dl.models.Supervised(network(), seed=0)
    ours.compile(keras.optimizers.SGD(0.1), loss=LOSS)
    ours.network.set_weights(stock.get_weights())
    Traced.calls = 0
    lengths = [1 + i % STEPS for i in range(5)] + list(range(5, 12))
    data = [(np.resize(SERIES, (4, n, 2)), np.resize(STEP_LABELS, (4, n))) for n in lengths]
    histories = []
    for model in (ours, stock):
        histories.append(model.fit(iter_of(data), steps_per_epoch=len(data), verbose=0).history)
        if model is ours:
            assert Traced.calls == 2  # the first length, and all others
    close(*histories)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_graphs_of_many_lengths_do_not_grow_with_them(jit_compile):
    network = keras.Sequential([keras.Input((None, 2)), keras.layers.Dense(3), Traced()])
    model = keras_dl.models.Supervised(network)
    model.compile("sgd", "mse", jit_compile=jit_compile)
    data = [(np.ones((4, n, 2), "float32"), np.ones((4, n, 3), "float32")) for n in range(1, 21)]

    def traces(use):
        Traced.calls = 0
        use()
        return Traced.calls

    uses = {
        "fit": lambda: model.fit(iter_of(data), steps_per_epoch=20, verbose=0),
        "evaluate": lambda: model.evaluate(iter_of(data), steps=20, verbose=0),
        "predict": lambda: [model.predict_on_batch(x) for x, _ in data],
    }
    assert {name: traces(use) for name, use in uses.items()} == dict.fromkeys(uses, 2)
    assert {name: traces(use) for name, use in uses.items()} == dict.fromkeys(uses, 0)


class Series(keras.utils.PyDataset):
    """Batches of 1, 2, 3, ... steps."""

    def __len__(self):
        return 6

    def __getitem__(self, index):
        return np.ones((4, index + 1, 2), "float32"), np.ones((4, index + 1, 3), "float32")


def as_dataset(batches):
    specs = tf.TensorSpec((None, None, 2)), tf.TensorSpec((None, None, 3))
    return tf.data.Dataset.from_generator(lambda: (batches[i] for i in range(6)), output_signature=specs)


@pytest.mark.parametrize("data", [as_dataset, lambda batches: batches], ids=["dataset", "py_dataset"])
def test_data_that_say_their_lengths_differ_have_one_graph_without_xla(data):
    network = keras.Sequential([keras.Input((None, 2)), keras.layers.Dense(3), Traced()])
    model = keras_dl.models.Supervised(network)
    model.compile("sgd", "mse")
    Traced.calls = 0
    model.fit(data(Series()), epochs=2, verbose=0)
    assert Traced.calls == 1 and not model.jit_compile


def test_py_datasets_of_one_length_may_be_compiled_by_xla(monkeypatch):
    class Alike(Series):
        def __getitem__(self, index):
            return super().__getitem__(3)

    monkeypatch.setattr(choosing, "pays_off", lambda model, rows, steps: (rows, steps) == (4, 6))
    model = keras_dl.models.Supervised(keras.Sequential([keras.Input((None, 2)), keras.layers.Dense(3)]))
    model.compile("sgd", "mse")
    model.fit(Alike(), verbose=0)
    assert model.jit_compile and model.xla_rows == 4


def iter_of(data):
    yield from data


def test_data_that_keras_refuses():
    _, ours = pair(dense, loss=LOSS)
    for call, message in (
        (lambda: ours.fit(map(tuple, batches(X, LABELS)), verbose=0), "Unrecognized data type"),
        (lambda: ours.fit(dataset(X, LABELS), LABELS, verbose=0), "`y` should not be passed"),
        (lambda: ours.fit(X, LABELS, shuffle="batch", verbose=0), "True or False. Received: shuffle='batch'"),
        (lambda: ours.fit(X, LABELS, class_weight={0: 1.0}, sample_weight=WEIGHTS, verbose=0), "Received: both"),
        (lambda: ours.fit(dataset(X, LABELS), validation_split=0.5, verbose=0), "validation_split"),
        (lambda: ours.fit(X, LABELS, sample_weight=np.ones((ROWS, 3)), verbose=0), "sample_weight should weigh"),
        (lambda: ours.fit(X, {"other": LABELS}, verbose=0), "y should be named"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    assert int(ours.state.step) == 0
