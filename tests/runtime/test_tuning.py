"""Recipes under KerasTuner's own tuners, with small models."""

import sys

import keras
import keras_tuner as kt
import numpy as np
import pytest

import keras_dl
from keras_dl.data import DataSpec
from keras_dl.runtime import hypermodel, objective
from keras_dl.runtime.tuning.data import batches
from keras_dl.runtime.tuning.recipe import with_objective

X = np.random.default_rng(0).random((40, 4)).astype("float32")
Y = X @ np.array([[1.0], [-2.0], [0.5], [3.0]], "float32")
X_TEST, Y_TEST = X[:12] * 0.5, Y[:12] * 0.5


def build(hp, data_spec):
    """A line through points, fitted by gradient descent."""
    network = keras.Sequential([keras.Input(data_spec.shape), keras.layers.Dense(1)])
    model = keras_dl.models.Supervised(network)
    rate = hp.Float("learning_rate", 1e-3, 1e-1, default=1e-2, sampling="log")
    model.compile(keras.optimizers.SGD(rate), loss="mean_squared_error", jit_compile=False)
    return model


def fit_options(hp):
    return {"batch_size": hp.Int("batch_size", 4, 8, default=8), "epochs": hp.Fixed("epochs", 3)}


def recipe(seed=0):
    return hypermodel(build, DataSpec.of(X), fit_options, seed)


def tune(folder, kind=kt.RandomSearch, goal=None, model=None, **options):
    goal = goal or objective("loss")
    tuner = kind(model or recipe(), objective=goal, seed=1, directory=folder, **options)
    tuner.search(X, Y, validation_data=(X_TEST, Y_TEST), verbose=0)
    return tuner


def by_hand(values, epochs=3):
    """The model and history that the hyperparameters give without KerasTuner."""
    hp = kt.HyperParameters()
    hp.values.update(values)
    keras.utils.set_random_seed(0)
    model = build(hp, DataSpec.of(X))
    data = keras_dl.data.pipeline(X, Y, hp.values["batch_size"], seed=0)
    held_out = keras_dl.data.pipeline(X_TEST, Y_TEST, hp.values["batch_size"], shuffle=False)
    return model, model.fit(data, validation_data=held_out, epochs=epochs, verbose=0).history


@pytest.mark.parametrize(
    ("name", "found", "direction"),
    [
        *((name, f"val_{name}", "max") for name in ("elbo", "log_prob", "psnr", "precision", "recall", "density")),
        *((name, f"val_{name}", "max") for name in ("coverage", "accuracy", "inception_score", "modes")),
        *((name, f"val_{name}", "min") for name in ("kid", "fid", "loss", "sliced_wasserstein", "w2")),
        ("mode_coverage", "val_modes", "max"),
        ("wasserstein2", "val_w2", "min"),
        ("val_kid", "val_kid", "min"),
        ("generator_loss", "val_generator_loss", "min"),
        ("val_kind_loss", "val_kind_loss", "min"),
        ("mean_squared_error", "val_mean_squared_error", "min"),
        ("sparse_categorical_accuracy", "val_sparse_categorical_accuracy", "max"),
    ],
)
def test_objectives_know_their_direction(name, found, direction):
    best = objective(name)
    assert (best.name, best.direction) == (found, direction)
    assert objective(name, held_out=False).name == found.removeprefix("val_")


@pytest.mark.parametrize(("name", "near"), [("kidd", "kid"), ("lossy", "loss"), ("xyzzy", "elbo")])
def test_objectives_of_no_known_direction_are_refused(name, near):
    with pytest.raises(ValueError, match=rf"larger or smaller.*{near}.*Received: metric='{name}'"):
        objective(name)


def branching(hp, data_spec):
    """A space in which choices open others, and in which two do not go together."""
    if hp.Choice("network", ["mlp", "conv", "deep"]) == "mlp":
        hp.Int("units", 2, 64)
    elif hp.values["network"] == "conv":
        hp.Int("filters", 2, 64)
        if hp.Boolean("pooling"):
            hp.Choice("pool", ["max", "mean"])
    elif data_spec == "small":
        raise ValueError("too deep for these data")
    return dict(hp.values)


def branching_options(hp):
    return {"binarize": hp.Fixed("binarize", "none" if hp.values["network"] == "mlp" else "static")}


def test_what_choices_open_is_found():
    found = hypermodel(branching, "small", branching_options).explore()
    assert list(found) == ["network", "units", "binarize", "filters", "pooling", "pool"]
    assert list(hypermodel(branching, "small").explore({"network": "mlp"})) == ["network", "units"]
    with pytest.raises(ValueError, match="too deep"):
        hypermodel(branching, "small").explore({"network": "deep"})


def test_nothing_is_built_twice_to_find_the_space():
    builds = []

    def counted(hp, data_spec):
        builds.append(dict(hp.values))
        return branching(hp, data_spec)

    made = hypermodel(counted, "small", branching_options)
    found = made.explore()
    # The defaults, two other networks, pooling with its default pool, and the other pool.
    assert [values.get("network") for values in builds[:3]] == [None, "conv", "deep"] and len(builds) == 5
    assert builds[3]["pooling"] is True and builds[4]["pool"] == "mean"
    assert made.explore() == found and len(builds) == 5
    made.declare_hyperparameters(kt.HyperParameters())
    made.explore({"network": "conv", "filters": 2})
    assert len(builds) == 5
    assert made.explore({"network": "conv", "filters": 3})["filters"].max_value == 64 and len(builds) == 8


def test_the_space_that_a_tuner_sees_has_no_fixed_ones_but_those_that_it_was_given():
    hp = kt.HyperParameters()
    hypermodel(branching, "small", branching_options).declare_hyperparameters(hp)
    assert [p.name for p in hp.space] == ["network", "units", "filters", "pooling", "pool"]
    hp = kt.HyperParameters()
    hp.Fixed("network", "conv")
    hypermodel(branching, "small", branching_options).declare_hyperparameters(hp)
    assert [p.name for p in hp.space] == ["network", "filters", "pooling", "pool"]


def test_a_fixed_value_that_follows_a_choice_follows_it():
    made = hypermodel(branching, "small", branching_options)
    hp = kt.HyperParameters()
    made.declare_hyperparameters(hp)
    for network, binarize in (("mlp", "none"), ("conv", "static"), ("mlp", "none")):
        hp.values["network"] = network
        _, options, values = made.make(hp)
        assert options == {"binarize": binarize} and values["binarize"] == binarize
        assert ("units" in values) == (network == "mlp")


def test_the_seed_decides_the_initial_weights():
    weights = [recipe(seed).build(kt.HyperParameters()).get_weights()[0] for seed in (0, 0, 1)]
    assert (weights[0] == weights[1]).all() and (weights[0] != weights[2]).any()


def test_a_trial_is_the_run_of_its_hyperparameters(tmp_path):
    hp = kt.HyperParameters()
    hp.Fixed("epochs", 2)
    tuner = tune(tmp_path, max_trials=3, hyperparameters=hp)
    for trial in tuner.oracle.trials.values():
        history = by_hand(trial.hyperparameters.values, epochs=2)[1]
        assert len(history["val_loss"]) == 2 and trial.score == min(history["val_loss"])
    rates = {trial.hyperparameters.get("learning_rate") for trial in tuner.oracle.trials.values()}
    assert len(rates) == 3 and all(1e-3 <= rate <= 1e-1 for rate in rates)


def test_the_best_model_is_that_of_the_best_epoch(tmp_path):
    worst_first = kt.Objective("val_loss", "max")  # the loss falls, so that the best epoch is the first
    tuner = tune(tmp_path, goal=worst_first, max_trials=1)
    (trial,) = tuner.oracle.trials.values()
    expected, history = by_hand(trial.hyperparameters.values, epochs=1)
    found = tuner.get_best_models()[0]
    assert trial.score == history["val_loss"][0] and found.state.epoch == 1
    np.testing.assert_array_equal(found.get_weights()[0], expected.get_weights()[0])


class LaterPhase(keras.callbacks.Callback):
    """Takes the loss out of the logs of the first epoch, as if its update ran in a later phase."""

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 0:
            del logs["val_loss"]


def test_a_trial_is_judged_by_the_epochs_that_have_the_objective(tmp_path):
    """The loss falls, so that the best of the epochs by the opposite goal is the first that has it."""
    goal = kt.Objective("val_loss", "max")
    tuner = kt.RandomSearch(recipe(), objective=goal, seed=1, directory=tmp_path, max_trials=1)
    tuner.search(X, Y, validation_data=(X_TEST, Y_TEST), callbacks=[LaterPhase()], verbose=0)
    (trial,) = tuner.oracle.trials.values()
    assert trial.score == by_hand(trial.hyperparameters.values)[1]["val_loss"][1]


def test_epochs_without_the_objective_do_not_count():
    history = keras.callbacks.History()
    rows = [{"phase": 1, "pixels": 0.0}, {"phase": 2, "game": 3.0}, {"phase": 2, "game": 2.0}]
    history.epoch = [4, 5, 6]
    history.history = {"phase": [1, 2, 2], "pixels": [0.0], "game": [3.0, 2.0]}
    found = with_objective(history, rows, kt.Objective("game", "min"))
    assert found.epoch == [5, 6] and found.history == {"phase": [2, 2], "game": [3.0, 2.0]}
    of_all = [kt.Objective("phase", "min"), kt.Objective("phase", "max")]
    both = kt.oracles.RandomSearchOracle(of_all, max_trials=1).objective
    assert with_objective(history, rows, both) is history
    assert with_objective(history, rows, kt.Objective("other", "min")) is history


@pytest.mark.full
def test_averaged_weights_are_those_of_the_best_epoch(tmp_path):
    def averaged(hp, data_spec):
        encoder = keras_dl.networks.mlp_encoder(data_spec.shape, 2, hidden=(4,))
        decoder = keras_dl.networks.mlp_decoder(2, data_spec.shape, hidden=(4,))
        model = keras_dl.models.VAE(encoder, decoder, likelihood="bernoulli", ema_momentum=0.9)
        model.compile(keras.optimizers.Adam(hp.Float("learning_rate", 1e-3, 1e-1, sampling="log")), jit_compile=False)
        return model

    made = hypermodel(averaged, DataSpec.of(X), lambda hp: {"batch_size": 8, "binarize": "stochastic", "epochs": 3})
    tuner = kt.RandomSearch(made, objective=kt.Objective("val_elbo", "min"), max_trials=1, directory=tmp_path, seed=1)
    tuner.search(X, validation_data=(X_TEST,), verbose=0)
    expected = made.build(tuner.get_best_hyperparameters()[0])
    expected.fit(keras_dl.data.pipeline(X, batch_size=8, binarize="stochastic"), epochs=1, verbose=0)
    found = tuner.get_best_models()[0]
    assert found.state.epoch == 1
    assert expected.ema_networks
    for name, average in expected.ema_networks.items():
        for one, other in zip(average.get_weights(), found.ema_networks[name].get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.full
def test_hyperband_allots_the_epochs_and_goes_on_where_a_trial_stopped(tmp_path):
    steps = {}

    class Steps(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            steps[self.params["epochs"], len(steps)] = int(self.model.state.step.numpy())

    hp = kt.HyperParameters()
    hp.Fixed("batch_size", 8)
    tuner = kt.Hyperband(
        recipe(), objective("loss"), max_epochs=2, factor=2, hyperparameters=hp, seed=1, directory=tmp_path
    )
    tuner.search(X, Y, validation_data=(X_TEST, Y_TEST), verbose=0, callbacks=[Steps()])
    allotted = [trial.hyperparameters.values["tuner/epochs"] for trial in tuner.oracle.trials.values()]
    assert allotted == [epochs for epochs, _ in steps] and sorted(set(allotted)) == [1, 2]
    assert all(count == 5 * epochs for (epochs, _), count in steps.items())  # 40 rows in batches of 8
    promoted = [t for t in tuner.oracle.trials.values() if "tuner/trial_id" in t.hyperparameters.values]
    assert promoted
    for trial in promoted:
        history = by_hand(trial.hyperparameters.values, epochs=2)[1]
        assert trial.score == pytest.approx(history["val_loss"][1], rel=1e-6)


def test_a_trial_that_diverges_fails_with_its_reason_and_the_others_go_on(tmp_path):
    def diverging(hp, data_spec):
        model = build(hp, data_spec)
        if hp.Boolean("diverges", default=True):
            model.optimizer.learning_rate = 1e30
        return model

    tuner = tune(tmp_path, model=hypermodel(diverging, DataSpec.of(X), fit_options), max_trials=3)
    ended = {t.hyperparameters.get("diverges"): t for t in tuner.oracle.trials.values()}
    assert ended[True].status == "FAILED" and "not finite in epoch 1" in ended[True].message
    assert "update" in ended[True].message and "step" in ended[True].message
    assert ended[False].status == "COMPLETED"


def test_datasets_stay_as_they_are(tmp_path):
    data = keras_dl.data.pipeline(X, Y, 20)
    tuner = kt.RandomSearch(recipe(), objective("loss"), max_trials=1, directory=tmp_path)
    seen = []
    watch = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    made = tuner.hypermodel
    hp = kt.HyperParameters()
    made.fit(hp, made.build(hp), data, validation_data=data, callbacks=[watch], epochs=1, verbose=0)
    assert max(seen) == 1


def test_functions_are_asked_for():
    with pytest.raises(TypeError, match="build should be a function. Received: 'vae'"):
        hypermodel("vae", None)
    with pytest.raises(TypeError, match="fit_options should be a function"):
        hypermodel(build, None, {"epochs": 3})


def search(folder, tuned=None, recipe=None, kind=kt.RandomSearch, max_trials=1, **options):
    """The history of the last trial, its batches, and the tuner."""
    steps = []

    class Steps(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            steps.append(int(self.model.state.step.numpy()))

    tuner = kind(
        recipe or tuned_by_rate(), objective("loss"), max_trials=max_trials, seed=1, directory=folder, **options
    )
    tuner.search(X, Y, verbose=0, callbacks=[Steps()], **{"validation_data": (X_TEST, Y_TEST), **(tuned or {})})
    return tuner, steps


def tuned_by_rate(seed=0, least=1e-3, extra=False):
    """A recipe of which only the rate is searched."""

    def rated(hp, data_spec):
        network = keras.Sequential([keras.Input(data_spec.shape), keras.layers.Dense(1)])
        model = keras_dl.models.Supervised(network)
        rate = hp.Float("learning_rate", least, 1e-1, sampling="log")
        if extra:
            hp.Int("units", 1, 8)
        model.compile(keras.optimizers.SGD(rate), loss="mean_squared_error", jit_compile=False)
        return model

    return hypermodel(rated, DataSpec.of(X), lambda hp: {"batch_size": 8, "epochs": 2}, seed)


def by_fit(tuner, **options):
    """The held-out losses that `fit` gives with the same hyperparameters."""
    made = tuner.hypermodel
    model = made.build(tuner.get_best_hyperparameters()[0])
    data = keras_dl.data.pipeline(X, Y, **{"batch_size": 8, "seed": 0, **options})
    held_out = keras_dl.data.pipeline(X_TEST, Y_TEST, 8, shuffle=False)
    return model.fit(data, validation_data=held_out, epochs=2, verbose=0).history["val_loss"]


@pytest.mark.grid("batch_size-batch_size", "shuffle-shuffle")
@pytest.mark.parametrize(
    ("tuned", "same"),
    [
        ({"batch_size": 20}, {"batch_size": 20}),
        ({"batch_size": None}, {}),
        ({"shuffle": False}, {"shuffle": False}),
        ({"sample_weight": np.linspace(0, 1, 40)}, {"sample_weight": np.linspace(0, 1, 40)}),
        ({"validation_batch_size": 5}, {}),
    ],
    ids=lambda options: " ".join(options) or "-",
)
def test_what_search_is_given_comes_before_what_the_recipe_says(tuned, same, tmp_path):
    tuner, (steps,) = search(tmp_path, tuned)
    assert steps == 2 * -(-40 // same.get("batch_size", 8))
    (trial,) = tuner.oracle.trials.values()
    assert trial.score == pytest.approx(min(by_fit(tuner, **same)), rel=1e-5)


def test_weights_without_targets_end_a_search():
    """Every trial would fail."""
    with pytest.raises(kt.errors.FatalValueError, match="sample_weight with y.*Received: y=None"):
        batches(X, None, None, {}, {"sample_weight": np.ones(40)}, 0, 0)
    with pytest.raises(ValueError, match="sample_weight should come with y.*Received: y=None"):
        keras_dl.data.pipeline(X, sample_weight=np.ones(40))


def test_part_of_the_arrays_may_be_held_out(tmp_path):
    tuner, (steps,) = search(tmp_path, {"validation_split": 0.2, "validation_data": None})
    assert steps == 2 * 4 and next(iter(tuner.oracle.trials.values())).status == "COMPLETED"


def test_options_that_do_not_go_together_end_the_search(tmp_path):
    made = hypermodel(build, DataSpec.of(X), lambda hp: {"batch_size": 8, "binarize": "static"})
    with pytest.raises(ValueError, match=r"validation_data where the recipe says binarize. Received: validation_split"):
        search(tmp_path / "a", {"validation_split": 0.2, "validation_data": None}, made)
    with pytest.raises(ValueError, match="batch_size with arrays only.*Received: batch_size=4"):
        tuner = kt.RandomSearch(recipe(), objective("loss"), max_trials=1, directory=tmp_path / "b")
        tuner.search(keras_dl.data.pipeline(X, Y, 8), batch_size=4, verbose=0)
    with pytest.raises(TypeError, match="search should be given options of fit: .*Received: batchsize=4"):
        search(tmp_path / "c", {"batchsize": 4})


@pytest.mark.full
def test_every_execution_of_a_trial_is_another_run(tmp_path):
    tuner, steps = search(tmp_path, max_trials=2, executions_per_trial=2)
    assert steps == [10] * 4
    again = search(tmp_path / "again", max_trials=2, executions_per_trial=2)[0]
    for trial in tuner.oracle.trials.values():
        assert trial.score == again.oracle.trials[trial.trial_id].score
        best = []
        for number in (0, 1):
            hp = trial.hyperparameters
            tuner.hypermodel._repeated = (hp if number else None, number)
            seed, model = tuner.hypermodel._seed(hp), tuner.hypermodel.build(hp)
            data = keras_dl.data.pipeline(X, Y, 8, seed=seed)
            held_out = keras_dl.data.pipeline(X_TEST, Y_TEST, 8, shuffle=False)
            best.append(min(model.fit(data, validation_data=held_out, epochs=2, verbose=0).history["val_loss"]))
        assert best[0] != best[1] and trial.score == pytest.approx(np.mean(best), rel=1e-6)
        tuner.hypermodel._repeated = (None, 0)


def test_a_failed_execution_leaves_the_next_trial_the_first_seed(tmp_path):
    made = tuned_by_rate()
    hp = kt.HyperParameters()
    model = made.build(hp)
    made._repeated = (hp, 1)
    with pytest.raises(ValueError):
        made.fit(hp, model, X[:, :2], Y, verbose=0)
    assert made._seed(hp) == 0


@pytest.mark.full
@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"least": 1e-4}, "learning_rate had min_value 0.001, now 0.0001"),
        ({"extra": True}, "units was not searched"),
    ],
)
def test_a_search_does_not_go_on_in_another_space(changed, message, tmp_path):
    search(tmp_path)
    with pytest.raises(ValueError, match=f"should ask for what it asked for when the search in .* Received: {message}"):
        search(tmp_path, recipe=tuned_by_rate(**changed), max_trials=2)
    assert len(search(tmp_path, max_trials=2)[0].oracle.trials) == 2
    search(tmp_path, recipe=tuned_by_rate(**changed), max_trials=1, overwrite=True)


@pytest.mark.full
def test_ranges_that_the_tuner_is_given_are_no_change_of_the_recipe(tmp_path):
    hp = kt.HyperParameters()
    hp.Float("learning_rate", 5e-3, 6e-3)
    search(tmp_path, hyperparameters=hp)
    tuner, _ = search(tmp_path, hyperparameters=hp, max_trials=2)
    assert all(5e-3 <= t.hyperparameters.get("learning_rate") <= 6e-3 for t in tuner.oracle.trials.values())


def test_without_tensorboard_a_sentence_comes_before_the_search(tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "tensorboard"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(ImportError, match="should find TensorBoard: pip install tensorboard.*Received: "):
        kt.RandomSearch(recipe(), objective=objective("loss"), directory=tmp_path)
