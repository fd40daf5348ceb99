"""Files of weights, and what of a place in the data they bring back."""

import keras
import numpy as np
import pytest

from tests.models.base.test_like_keras import CROSS_ENTROPY, close, dense, pair
from tests.models.base.test_resume_places import MANY, MANY_LABELS, steps

DATA = {"x": MANY, "y": MANY_LABELS, "batch_size": 8, "verbose": 0}  # 5 batches


class SaveWeights(keras.callbacks.Callback):
    """Saves weights after a batch and ends the run as an interruption does."""

    def __init__(self, path, batch):
        super().__init__()
        self.path, self.batch = path, batch

    def on_train_batch_end(self, batch, logs=None):
        if batch == self.batch:
            self.model.save_weights(self.path)
            raise KeyboardInterrupt


def models():
    return pair(dense, loss=CROSS_ENTROPY, optimizer="adam")


def saved_within_an_epoch(model, path, **options):
    with pytest.raises(KeyboardInterrupt):
        model.fit(**DATA, **options, epochs=3, callbacks=[SaveWeights(path, 1)])
    return path


def test_a_fit_after_load_weights_trains_whole_epochs_as_in_keras(tmp_path):
    results = []
    for number, model in enumerate(models()):
        path = saved_within_an_epoch(model, tmp_path / f"{number}.weights.h5", shuffle=False)
        fresh = models()[number]
        fresh.optimizer.build(fresh.trainable_variables)  # else Keras leaves out what the file holds of it
        fresh.load_weights(path)
        close(fresh.get_weights(), model.get_weights())
        history = fresh.fit(**DATA, shuffle=False, epochs=2).history
        results.append((fresh, history))
    (stock, expected), (ours, history) = results
    assert int(ours.optimizer.iterations) == int(stock.optimizer.iterations) == 2 + 10
    close(history, expected)
    close(ours.get_weights(), stock.get_weights())


def test_a_file_of_the_whole_model_goes_on_within_its_epoch(tmp_path):
    model = models()[1]
    path = saved_within_an_epoch(model, tmp_path / "m.weights.h5")
    model.save(tmp_path / "m.keras")
    for load, left in (
        (lambda fresh: keras.saving.load_model(tmp_path / "m.keras"), 3),
        (lambda fresh: fresh.load_weights(tmp_path / "m.keras") or fresh, 3),
        (lambda fresh: fresh.load_weights(path) or fresh, 5),
    ):
        assert steps(load(models()[1]), MANY, MANY_LABELS, batch_size=8) == left


def test_weights_of_another_run_give_up_the_place_of_this_one(tmp_path):
    path, other = saved_within_an_epoch(models()[1], tmp_path / "m.weights.h5"), models()[1]
    other.fit(**DATA)
    other.load_weights(path)
    assert steps(other, MANY, MANY_LABELS, batch_size=8) == 5


def test_backup_and_restore_goes_on_within_an_epoch(tmp_path):
    """Keras begins the epoch anew with weights of its middle; here the run is the uninterrupted one."""
    whole = models()[1]
    whole.fit(**DATA, epochs=2)

    def backup():
        return keras.callbacks.BackupAndRestore(tmp_path / "backup", save_freq=2)

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        models()[1].fit(**DATA, epochs=2, callbacks=[backup(), Stop()])
    resumed = models()[1]
    resumed.fit(**DATA, epochs=2, callbacks=[backup()])
    assert int(resumed.state.step) == int(whole.state.step) == 10
    for one, other in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["m.h5", "m.hdf5"])
def test_models_are_not_written_as_hdf5(name, tmp_path):
    """Keras' loader of such files knows no class but its own, registered or not."""
    with pytest.raises(ValueError, match=r"`filepath` should end in .keras .*Received: filepath='.*m\.h"):
        models()[1].save(tmp_path / name)
    assert not (tmp_path / name).exists()
