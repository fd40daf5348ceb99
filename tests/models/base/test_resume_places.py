"""Where a loaded model goes on: in the same data at its place, in other data at their start."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_dl
from tests.models.base.test_like_keras import CROSS_ENTROPY as LOSS
from tests.models.base.test_like_keras import LABELS, X, dense, pair

MANY, MANY_LABELS = np.tile(X, (4, 1)) + np.arange(40, dtype="float32")[:, None] / 10, np.tile(LABELS, 4)


def model():
    return pair(dense, loss=LOSS)[1]


class SaveAt(keras.callbacks.Callback):
    """Saves the model after a batch of an epoch and ends the run as an interruption does."""

    def __init__(self, path, epoch, batch):
        super().__init__()
        self.path, self.at = path, (epoch, batch)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.at:
            self.model.save(self.path)
            raise KeyboardInterrupt


def interrupted(path, epoch=0, batch=3, data=None, **options):
    """A model that was saved within an epoch, the interrupted one and the loaded one."""
    part = model()
    data = {"x": MANY, "y": MANY_LABELS, "batch_size": 4} if data is None else data
    with pytest.raises(KeyboardInterrupt):
        part.fit(**data, epochs=6, verbose=0, callbacks=[SaveAt(path, epoch, batch)], **options)
    return part, keras.saving.load_model(path)


def steps(fitted, *args, **options):
    before = int(fitted.state.step)
    fitted.fit(*args, verbose=0, **options)
    return int(fitted.state.step) - before


def dataset(x=MANY, y=MANY_LABELS, size=4):
    return tf.data.Dataset.from_tensor_slices((x, y)).batch(size)


# What a model that has done 4 of 10 batches is given, and the steps that are left of it.
GIVEN = {
    "the same arrays": (lambda: {"x": MANY, "y": MANY_LABELS, "batch_size": 4}, 6),
    "other arrays": (lambda: {"x": MANY[:12] + 1, "y": MANY_LABELS[:12], "batch_size": 4}, 3),
    "other values": (lambda: {"x": MANY + 1, "y": MANY_LABELS, "batch_size": 4}, 10),
    "another batch size": (lambda: {"x": MANY, "y": MANY_LABELS, "batch_size": 16}, 3),
}


@pytest.mark.parametrize("name", GIVEN)
def test_arrays(name, tmp_path):
    build, left = GIVEN[name]
    _, loaded = interrupted(tmp_path / "m.keras")
    assert steps(loaded, **build()) == left
    assert steps(loaded, **build()) == {6: 10}.get(left, left)  # the next epoch is a whole one


@pytest.mark.parametrize(("other", "left"), [(False, 6), (True, 10)])
def test_datasets(other, left, tmp_path):
    _, loaded = interrupted(tmp_path / "m.keras", data={"x": dataset()})
    assert steps(loaded, dataset(MANY + other)) == left


def test_a_shuffled_dataset_goes_on(tmp_path):
    _, loaded = interrupted(tmp_path / "m.keras", data={"x": dataset().shuffle(10)})
    assert steps(loaded, dataset().shuffle(10)) == 6


def pipeline():
    return keras_dl.data.pipeline(MANY, MANY_LABELS, batch_size=4, seed=3)


STEPPED = {
    "arrays": lambda: {"x": MANY, "y": MANY_LABELS, "batch_size": 4},
    "dataset": lambda: {"x": dataset()},
    "pipeline": lambda: {"x": pipeline()},
    "repeated pipeline": lambda: {"x": pipeline().repeat()},
    "repeated dataset": lambda: {"x": dataset().repeat()},
}


@pytest.mark.parametrize("within", [False, True])
@pytest.mark.parametrize("name", STEPPED)
@pytest.mark.grid("pipeline-True", "dataset-False")
def test_steps_per_epoch_goes_on_to_the_bit(name, within, tmp_path):
    """Epochs of 4 of 10 batches, resumed after three of six, or within the fourth."""
    path, options = tmp_path / "m.keras", {"steps_per_epoch": 4, "verbose": 0}
    whole = model()
    whole.fit(**STEPPED[name](), epochs=6, **options)
    if within:
        _, resumed = interrupted(path, 3, 1, STEPPED[name](), steps_per_epoch=4)
    else:
        part = model()
        part.fit(**STEPPED[name](), epochs=3, **options)
        part.save(path)
        resumed = keras.saving.load_model(path)
    resumed.fit(**STEPPED[name](), epochs=6, initial_epoch=3, **options)
    assert int(resumed.state.step) == int(whole.state.step)
    for one, other in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_interrupted_fit_leaves_train_on_batch_alone(tmp_path):
    data = {"x": dataset().repeat()}
    for left in interrupted(tmp_path / "m.keras", 0, 1, data, steps_per_epoch=2):
        before = int(left.state.step)
        left.train_on_batch(X, LABELS)
        left.train_on_batch(X, LABELS)
        assert int(left.state.step) == before + 2


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 10

    def __getitem__(self, index):
        return MANY[4 * index : 4 * index + 4], MANY_LABELS[4 * index : 4 * index + 4]


@pytest.mark.parametrize("data", [Batches, lambda: (Batches()[i] for i in range(10))], ids=["batches", "generator"])
def test_metrics_of_data_that_are_no_datasets(data, tmp_path):
    """Metrics of a model that was just loaded have no variables until its first batches, passed over, give them."""
    uninterrupted, part = model(), model()
    for one in (uninterrupted, part):
        one.compile(keras.optimizers.SGD(0.1), loss=LOSS, metrics=["accuracy"], run_eagerly=True)
    expected = uninterrupted.fit(data(), epochs=1, verbose=0).history
    with pytest.raises(KeyboardInterrupt):
        part.fit(data(), epochs=1, verbose=0, callbacks=[SaveAt(tmp_path / "m.keras", 0, 3)])
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    history = loaded.fit(data(), epochs=1, verbose=0).history
    for ours, theirs in zip(loaded.get_weights(), uninterrupted.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    if data is Batches:
        assert history == expected
