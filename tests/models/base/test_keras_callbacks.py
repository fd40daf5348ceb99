"""Keras' callbacks with models of this package: at which batches they are called, and what they change."""

import pathlib

import keras
import numpy as np
import pytest

import keras_dl
from keras_dl.models.fitting.progress import acts_on_batches
from tests.models.base.test_like_keras import CROSS_ENTROPY as LOSS
from tests.models.base.test_like_keras import LABELS, X, close, dense, pair

MANY, MANY_LABELS = np.tile(X, (4, 1)), np.tile(LABELS, 4)  # ten batches of 4
UNIT = np.abs(X[:, :3]) % 1  # within a sigmoid


class Watch(keras.callbacks.Callback):
    """Remembers every call; warms the learning rate up, stops and raises where it is told to."""

    def __init__(self, stop_at=None):
        super().__init__()
        self.calls, self.stop_at = [], stop_at

    def on_train_batch_begin(self, batch, logs=None):
        self.calls.append(("begin", batch))
        self.model.optimizer.learning_rate = 0.01 * (batch + 1)

    def on_train_batch_end(self, batch, logs=None):
        self.calls.append(("end", batch, sorted(logs)))
        self.model.stop_training = batch == self.stop_at

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append(("epoch", epoch, sorted(logs)))


@pytest.mark.parametrize("stop_at", [None, 3])
def test_called_at_every_batch(stop_at):
    stock, ours = pair(dense, loss=LOSS)
    ours.compile(keras.optimizers.SGD(0.1), loss=LOSS)  # as users do: XLA and stacks where they pay
    watches = [Watch(stop_at), Watch(stop_at)]
    for model, watch in zip((stock, ours), watches, strict=True):
        model.fit(MANY, MANY_LABELS, batch_size=4, epochs=2, shuffle=False, callbacks=watch, verbose=0)
    assert watches[0].calls == watches[1].calls
    close(ours.get_weights(), stock.get_weights())


ACT = {
    "any": (Watch(), True),
    "lambda": (keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None), True),
    "lambda of epochs": (keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: None), False),
    "TerminateOnNaN": (keras.callbacks.TerminateOnNaN(), True),
    "checkpoints by batches": (keras.callbacks.ModelCheckpoint("m.keras", save_freq=3), True),
    "checkpoints by epochs": (keras.callbacks.ModelCheckpoint("m.keras"), False),
    "backups": (keras.callbacks.BackupAndRestore("folder"), False),
    "TensorBoard": (keras.callbacks.TensorBoard("folder"), False),
    "TensorBoard by batches": (keras.callbacks.TensorBoard("folder", update_freq=2), True),
    "History": (keras.callbacks.History(), False),
    "EarlyStopping": (keras.callbacks.EarlyStopping(), False),
    "CSVLogger": (keras.callbacks.CSVLogger("file"), False),
    "NanGuard": (keras_dl.callbacks.NanGuard(), False),
}


@pytest.mark.parametrize("name", ACT)
def test_steps_are_stacked_unless_a_callback_acts_on_batches(name):
    callback, acts = ACT[name]
    assert acts_on_batches(callback) == acts


def callbacks_of(folder):
    """Callbacks of Keras, each with what it leaves behind."""
    return {
        "EarlyStopping": lambda: keras.callbacks.EarlyStopping("loss", min_delta=9.0, restore_best_weights=True),
        "LearningRateScheduler": lambda: keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5),
        "ReduceLROnPlateau": lambda: keras.callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=9.0),
        "ModelCheckpoint": lambda: keras.callbacks.ModelCheckpoint(
            folder / "{batch:02d}.weights.h5", save_freq=3, save_weights_only=True
        ),
        "CSVLogger": lambda: keras.callbacks.CSVLogger(folder / "log.csv"),
        "TerminateOnNaN": keras.callbacks.TerminateOnNaN,
        "ProgbarLogger": keras.callbacks.ProgbarLogger,
        "none": lambda: None,
    }  # fmt: skip


@pytest.mark.grid("EarlyStopping", "ReduceLROnPlateau", "ModelCheckpoint")
@pytest.mark.parametrize("name", callbacks_of(pathlib.Path()))
def test_keras_callbacks(name, tmp_path):
    left = []
    for index, model in enumerate(pair(dense, loss=LOSS)):
        folder = tmp_path / str(index)
        folder.mkdir()
        callback = callbacks_of(folder)[name]()
        options = {"batch_size": 4, "epochs": 3, "shuffle": False, "verbose": 0, "callbacks": callback}
        history = model.fit(MANY, MANY_LABELS, **options)
        files = sorted(path.name for path in folder.iterdir())
        left.append((history.history, history.epoch, history.params, files, model.get_weights()))
    (ours_history, *ours, ours_weights), (history, *stock, weights) = left[1], left[0]
    assert ours == stock
    close(ours_history, history)
    close(ours_weights, weights)


def gan():
    generator = keras_dl.networks.mlp_generator(2, (3,), hidden=(4,))
    return keras_dl.models.GAN(generator, keras_dl.networks.mlp_critic((3,), hidden=(4,)), seed=0)


def rates(model):
    return [float(o.learning_rate) for o in (model.generator_optimizer, model.critic_optimizer)]


def test_learning_rates_of_all_optimizers_change_alike(tmp_path):
    halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)

    model = gan()
    model.compile(generator_optimizer=keras.optimizers.SGD(0.1), critic_optimizer=keras.optimizers.SGD(0.4))
    model.fit(UNIT, batch_size=10, epochs=2, callbacks=[halve], verbose=0)
    np.testing.assert_allclose(rates(model), [0.025, 0.1], rtol=1e-6)
    plateau = keras.callbacks.ReduceLROnPlateau("critic_loss", mode="min", patience=0, min_delta=1e9, factor=0.5)
    model.save(tmp_path / "m.keras")
    model = keras.saving.load_model(tmp_path / "m.keras")
    model.fit(UNIT, batch_size=10, epochs=2, callbacks=[plateau], verbose=0)
    np.testing.assert_allclose(rates(model), [0.0125, 0.05], rtol=1e-6)
    named = gan()
    named.compile("critic_optimizer", generator_optimizer=keras.optimizers.SGD(0.1), critic_optimizer="sgd")
    named.fit(UNIT, batch_size=10, callbacks=[halve], verbose=0)
    np.testing.assert_allclose(rates(named), [0.1, 0.005], rtol=1e-6)


class Seen(keras.callbacks.Callback):
    """Notes the rates at each step."""

    acts_on_batches = True

    def on_train_begin(self, logs=None):
        self.rates = []

    def on_train_batch_end(self, batch, logs=None):
        self.rates.append(rates(self.model))


class BothRates(keras.callbacks.Callback):
    """Sets the rate of each player."""

    def on_epoch_begin(self, epoch, logs=None):
        self.model.generator_optimizer.learning_rate = 0.1 * 0.5**epoch
        self.model.critic_optimizer.learning_rate = 0.4 * 0.5**epoch


@pytest.mark.parametrize(
    ("callback", "expected"),
    [
        (lambda: keras.callbacks.LearningRateScheduler(lambda epoch: 0.2 * epoch), [[0, 0], [0.05, 0.2], [0.1, 0.4]]),
        (BothRates, [[0.1, 0.4], [0.05, 0.2], [0.025, 0.1]]),
    ],
)
def test_rates_keep_their_ratio_through_zero_and_where_each_is_set(callback, expected):
    model, seen = gan(), Seen()
    model.compile(generator_optimizer=keras.optimizers.SGD(0.1), critic_optimizer=keras.optimizers.SGD(0.4))
    model.fit(UNIT, batch_size=10, epochs=3, callbacks=[callback(), seen], verbose=0)
    np.testing.assert_allclose(seen.rates, expected, rtol=1e-6)


def test_soft_labels_weigh_as_the_nearest_class():
    y = np.array([0.1, 0.9, 0.4, 0.6, 1.0, 0.0, 0.8, 0.2, 0.7, 0.3], "float32")
    losses = []
    for make in (keras_dl.models.Supervised, lambda network: network):
        keras.utils.set_random_seed(0)
        model = make(keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)]))
        model.compile(keras.optimizers.SGD(0.1), loss="mse")
        history = model.fit(UNIT, y, class_weight={0: 2.0, 1: 0.5}, batch_size=4, shuffle=False, verbose=0)
        losses.append(history.history["loss"])
    np.testing.assert_allclose(*losses, rtol=1e-5)


def test_a_loss_that_does_not_exist_is_refused_with_those_that_do():
    model = gan()
    model.compile()
    for callback in (
        keras.callbacks.EarlyStopping(),
        keras.callbacks.ReduceLROnPlateau(),
        keras.callbacks.ModelCheckpoint("m.keras", save_best_only=True),
    ):
        message = "monitor should be one of .*critic_loss.*generator_loss.*Received: monitor='val_loss'"
        with pytest.raises(ValueError, match=message):
            model.fit(UNIT, callbacks=[callback], verbose=0)
    assert int(model.state.step) == 0


def test_one_optimizer_for_all_is_copied():
    model = gan()
    for given, rate in ((keras.optimizers.SGD(0.3), 0.3), ("sgd", 0.01)):
        model.compile(given)
        assert model.generator_optimizer is not model.critic_optimizer
        assert isinstance(model.critic_optimizer, keras.optimizers.SGD)
        np.testing.assert_allclose(rates(model), [rate, rate], rtol=1e-6)
    with pytest.raises(ValueError, match="Received no generator_optimizer"):
        model.compile(critic_optimizer="adam")
