"""Runs that are trained longer than they were planned: schedules that are stretched, rates that are 0."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_dl
from keras_dl import runs, tasks

X = np.random.default_rng(0).random((32, 4)).astype("float32")
Y = X @ np.float32([[1.0], [-2.0], [0.5], [3.0]])
DATA = tasks.Arrays("points", X, Y, X[:8], Y[:8], conditional=True)
BATCHES = 4
SCHEDULES = keras.optimizers.schedules
OPTIMIZERS = {
    "Adam, cosine": lambda steps: keras.optimizers.Adam(SCHEDULES.CosineDecay(0.01, steps)),
    "SGD, polynomial": lambda steps: keras.optimizers.SGD(
        SCHEDULES.PolynomialDecay(0.01, steps, 0.0, power=0.9), 0.99, nesterov=True
    ),
    "Adam, scaled": lambda steps: keras.optimizers.LossScaleOptimizer(
        keras.optimizers.Adam(SCHEDULES.CosineDecay(0.01, steps))
    ),
    "constant": lambda steps: keras.optimizers.Adam(0.01),
}


def recipe(optimizer):
    def build(hp, data_spec):
        network = keras.Sequential([keras.Input(data_spec.shape), keras.layers.Dense(1)])
        model = keras_dl.models.Supervised(network, seed=0)
        epochs = hp.Fixed("epochs", 2)
        model.compile(OPTIMIZERS[optimizer](epochs * BATCHES), loss="mean_squared_error", jit_compile=False)
        return model

    def fit_options(hp):
        return {"batch_size": len(X) // BATCHES, "epochs": hp.Fixed("epochs", 2)}

    return SimpleNamespace(build=build, fit_options=fit_options, TASK=tasks.Task("values"))


def train(path, optimizer, epochs, resumes=False, extend=False, stop=None):
    """The model of a run that is trained up to a number of epochs."""
    folder, config = runs.RunFolder(path), {"hyperparameters": {"epochs": epochs}, "seed": 0}
    made = recipe(optimizer)
    strategy = tf.distribute.get_strategy()
    model, config, pipelines = runs.prepare(folder, made, config, DATA, strategy, resumes, extend)
    if not resumes:
        folder.create()
    run = runs.Run(folder, config | {"seed": 0}, made.TASK, DATA, model)
    if stop is not None:
        run.epochs = stop
    run.fit(*pipelines)
    return model


def state(model):
    (update,) = model.updates
    return [v.numpy() for v in (*model.variables, *update.optimizer.variables)]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.grid("Adam, cosine")
def test_an_extended_run_goes_on_along_the_longer_schedule(optimizer, tmp_path):
    before = state(train(tmp_path / "r", optimizer, epochs=2))
    extended = train(tmp_path / "r", optimizer, epochs=4, resumes=True, extend=True)
    assert extended.state.epoch == 4 and abs(before[0] - state(extended)[0]).max() > 1e-4
    # By hand: two epochs along the short schedule, then the rates of the long one at the steps that follow.
    by_hand, options = recipe(optimizer), {"epochs": 2}
    model = by_hand.build(settings(2), DATA.spec)
    data = keras_dl.data.pipeline(X, Y, len(X) // BATCHES, seed=0)
    model.fit(data, verbose=0, **options)
    longer = by_hand.build(settings(4), DATA.spec)
    for new, old in zip(all_variables(longer), all_variables(model), strict=True):
        new.assign(old)
    longer.state.epoch = longer.state.passes = 2
    longer.fit(data, initial_epoch=2, epochs=4, verbose=0)
    np.testing.assert_allclose(state(longer)[0], state(extended)[0], rtol=1e-6)


def settings(epochs):
    hp = runs.space.Settings({"epochs": epochs})
    keras.utils.set_random_seed(0)
    return hp


def all_variables(model):
    (update,) = model.updates
    return [*model.variables, *update.optimizer.variables, model.state.step]


@pytest.mark.parametrize("optimizer", sorted(set(OPTIMIZERS) - {"constant"}))
@pytest.mark.grid("Adam, cosine")
def test_epochs_at_a_rate_of_zero_are_refused(optimizer, tmp_path):
    train(tmp_path / "r", optimizer, epochs=2)
    with pytest.raises(ValueError, match="would be 0 in epoch 3.*--extend stretches.*Received: --epochs 3"):
        train(tmp_path / "r", optimizer, epochs=3, resumes=True)
    train(tmp_path / "r", optimizer, epochs=2, resumes=True)  # which is finished


def test_a_run_interrupted_before_its_end_is_refused_too(tmp_path):
    train(tmp_path / "r", "Adam, cosine", epochs=2, stop=1)
    with pytest.raises(ValueError, match="would be 0 in epoch 4"):
        train(tmp_path / "r", "Adam, cosine", epochs=4, resumes=True)


@pytest.mark.full
def test_a_constant_rate_needs_no_stretching(tmp_path):
    train(tmp_path / "r", "constant", epochs=2)
    longer = train(tmp_path / "r", "constant", epochs=4, resumes=True)
    np.testing.assert_array_equal(state(longer)[0], state(train(tmp_path / "whole", "constant", epochs=4))[0])


@pytest.mark.parametrize("extend", [False, True])
@pytest.mark.grid("True")
def test_an_interrupted_run_ends_as_it_would_have(extend, tmp_path):
    whole = train(tmp_path / "whole", "Adam, cosine", epochs=3)
    train(tmp_path / "r", "Adam, cosine", epochs=3, stop=1)
    resumed = train(tmp_path / "r", "Adam, cosine", epochs=3, resumes=True, extend=extend)
    for one, other in zip(state(whole), state(resumed), strict=True):
        np.testing.assert_array_equal(one, other)
