"""What a training remembers from step to step, mechanism by mechanism, and all of them across an interruption."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl.models import Supervised
from keras_dl.models.base import (
    Carried,
    HalfLife,
    ObjectiveModel,
    Phase,
    Rows,
    SampleBuffer,
    Update,
    mean_and_variance,
    moving,
)
from keras_dl.models.base.noise import Draw
from keras_dl.models.base.phases import Phases
from keras_dl.models.fitting.compiling import rescaled
from tests.models.remembering import assert_same, remembering

X = np.random.default_rng(0).random((37, 3)).astype("float32")


def fit(model, epochs=6, **options):
    model.fit(X, batch_size=8, epochs=epochs, verbose=0, **options)
    return model


@pytest.fixture(scope="module")
def uninterrupted():
    return fit(remembering(steps_per_batch=2))


def linear(loss_names, **updates):
    """A model of one weight `w`, started at 1, whose updates minimise `w * x` and the like."""

    class Linear(ObjectiveModel):
        def make_updates(self, optimizer):
            return tuple(
                Update(name, lambda x, draw: self.network(x)[:, 0], (self.network,), optimizer, **updates.get(name, {}))
                for name in loss_names
            )

    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")])
    return Linear({"network": network}, seed=0)


def test_updates_share_an_optimizer_and_both_move_the_weights():
    model = linear(("main", "lazy"), lazy={"every": 2})
    model.compile(keras.optimizers.SGD(0.1), jit_compile=False)
    model.fit(np.ones((4, 1), "float32"), batch_size=1, epochs=1, shuffle=False, verbose=0)
    # Four steps of the first and two of the second, each by 0.1 times a derivative of 1.
    np.testing.assert_allclose(model.network.get_weights()[0], [[1 - 0.6]], rtol=1e-6)
    assert int(model.optimizer.iterations.numpy()) == 6


@pytest.mark.parametrize("stack", [1, 4])
def test_a_lazy_update_counts_the_steps_in_which_a_batch_is_taken(stack):
    model = linear(("main", "lazy"), lazy={"every": 4})
    model.set_phases([Phase("halves", steps_per_batch=2)])
    model.compile(keras.optimizers.SGD(0.1), jit_compile=False, steps_per_execution=stack)
    model.fit(np.ones((16, 1), "float32"), batch_size=4, epochs=1, shuffle=False, verbose=0)
    # Four batches are eight steps: eight of the first, and the second in those of numbers 0 and 4.
    assert int(model.state.step.numpy()) == 8 and int(model.optimizer.iterations.numpy()) == 10


@pytest.mark.parametrize("rate", [0.1, keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)])
def test_an_optimizer_is_rescaled_for_a_lazy_update(rate):
    optimizer = rescaled(keras.optimizers.Adam(rate, beta_1=0.5, beta_2=0.99), 4)
    assert optimizer.beta_1 == pytest.approx(0.5**0.8) and optimizer.beta_2 == pytest.approx(0.99**0.8)
    optimizer.build([keras.Variable(1.0)])
    assert float(optimizer.learning_rate) == pytest.approx(0.08)


def test_a_saved_model_rescales_once(tmp_path):
    model = linear(("main", "lazy"), lazy={"every": 3, "rescale": True})
    model.compile(keras.optimizers.Adam(0.4, beta_1=0.5))
    assert model.optimizer.beta_1 == pytest.approx(0.5**0.75)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.3)
    config = model.get_compile_config()["optimizer"]
    assert config == "optimizer" or config["config"]["beta_1"] == 0.5
    restored = remembering()
    restored.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.optimizer.beta_1 == restored.optimizer.beta_1 == pytest.approx(0.9**0.75)


def test_a_carried_mean_is_that_of_the_rows():
    state = Carried((2,), start=[1.0, 3.0], rule=moving(0.75))
    rows = np.array([[1.0, 2.0], [3.0, 4.0], [8.0, 0.0]], "float32")
    state.commit(state.local(tf.constant(rows), 3), rows=3.0)
    np.testing.assert_allclose(state.value, 0.75 * np.array([1, 3]) + 0.25 * rows.mean(0), rtol=1e-6)
    before = np.array(state.value)
    state.commit(state.local(tf.constant(rows[:0]), 0), rows=0.0)
    np.testing.assert_array_equal(state.value, before)


def test_a_buffer_keeps_the_last_row_of_a_slot_and_bytes_of_a_range():
    pool = SampleBuffer(3, (1,), value_range=(-1, 1))
    rows = Rows(np.array([2, 0, 2, -1]), np.array([[-1.0], [0.2], [1.0], [0.7]], "float32"))
    pool.commit(pool.local(rows, 4), rows=4)
    assert int(pool.count.value) == 3
    np.testing.assert_allclose(pool.read([0, 2])[:, 0], [0.2, 1.0], atol=1 / 255)


def test_slots_of_a_draw_are_distinct_and_belong_to_the_rows():
    seed, step = tf.constant(5, tf.int64), tf.constant(2, tf.int64)
    whole = Draw(seed, step, 0, 7, 0).slots(9).numpy()
    part = Draw(seed, step, 0, 3, tf.constant(4, tf.int64)).slots(9).numpy()
    assert len(set(whole)) == 7 and set(whole) <= set(range(9))
    np.testing.assert_array_equal(part, whole[4:])


def test_a_buffer_of_bytes_takes_a_quarter():
    pool = SampleBuffer(8, (5, 3, 4), value_range=(0, 1), start=lambda size: np.linspace(0, 1, 480).reshape(size))
    assert np.asarray(pool.samples).nbytes == 480
    np.testing.assert_allclose(pool.read(np.arange(8)), np.linspace(0, 1, 480).reshape(8, 5, 3, 4), atol=0.5 / 255)


def test_each_class_has_slots_of_its_own():
    pool = SampleBuffer(6, (1,), num_classes=3)
    labels, positions = np.array([2, 0, 2, 2]), np.array([1, 0, 0, 1])
    slots = pool.slots_of(labels, positions)
    np.testing.assert_array_equal(slots, [5, 0, 4, 5])
    pool.commit(pool.local(Rows(slots, np.array([[1.0], [2.0], [3.0], [4.0]], "float32")), 4), rows=4)
    np.testing.assert_array_equal(pool.read(np.arange(6))[:, 0], [2, 0, 0, 0, 3, 4])
    np.testing.assert_array_equal(pool.count.value, [1, 0, 3])
    np.testing.assert_array_equal(pool.filled, [1, 0, 2])
    pool.commit(pool.local(Rows(np.array([-1]), np.array([[9.0]], "float32")), 1), rows=1)
    np.testing.assert_array_equal(pool.count.value, [1, 0, 3])
    with pytest.raises(ValueError, match="A ring should be of one class.*Received: num_classes=3"):
        pool.next_slots(None)
    with pytest.raises(ValueError, match="multiple of `num_classes`.*Received: capacity=7, num_classes=3"):
        SampleBuffer(7, (1,), num_classes=3)


def test_a_model_keeps_samples_of_each_class_apart(uninterrupted):
    """The means of samples say their class: those below 0.4 lie in the first half."""
    pool = uninterrupted.carried["classes"]
    means = pool.read(np.arange(pool.capacity)).numpy().mean(1)
    low, high = np.split(means, 2)
    assert (low < 0.4 + 1 / 255).all() and low.max() > 0 and (high[high > 0] > 0.4 - 1 / 255).all() and high.max() > 0
    assert int(np.sum(pool.count.value)) == 6 * 37


@pytest.mark.full
def test_float16_remembers_the_same(tmp_path):
    """Half precision, to the bit across an interruption; what is remembered stays near that of float32."""
    half = {"optimizer": keras.optimizers.SGD(0.01), "policy": "mixed_float16", "steps_per_batch": 2}
    whole = fit(remembering(**half))
    assert isinstance(whole.optimizer, keras.optimizers.LossScaleOptimizer)
    fit(remembering(**half), callbacks=[SaveAt(tmp_path / "model.keras", 8)])
    assert_same(fit(keras.saving.load_model(tmp_path / "model.keras"), initial_epoch=1), whole)
    single = fit(remembering(optimizer=keras.optimizers.SGD(0.01), steps_per_batch=2))
    for name in ("mean", "pool", "classes"):
        for one, two in zip(whole.carried[name].variables, single.carried[name].variables, strict=True):
            np.testing.assert_array_equal(one.numpy(), two.numpy())
    np.testing.assert_allclose(whole.carried["length"].value, single.carried["length"].value, rtol=0.05)


def test_export_is_of_the_averages(tmp_path, uninterrupted):
    uninterrupted.export(tmp_path / "exported")
    served = tf.saved_model.load(str(tmp_path / "exported"))
    score = served.signatures["score"](x=tf.constant(X))["score"]
    np.testing.assert_allclose(score, uninterrupted.predict(X, verbose=0), rtol=1e-5, atol=1e-6)
    own = uninterrupted.network(X - uninterrupted.mean.value)
    assert np.abs(score - own).max() > 1e-4


def test_a_large_buffer_is_warned_of():
    with pytest.warns(UserWarning, match="should be kept small"):
        SampleBuffer(1100, (256, 256))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SampleBuffer(1100, (256, 256), value_range=(0, 1))


def test_sums_are_those_of_the_epoch(uninterrupted):
    np.testing.assert_allclose(uninterrupted.mean.value, X.astype("float64").mean(0), rtol=1e-6)
    assert float(uninterrupted.carried["rows"].value) == 0.0


def test_statistics_of_a_batch():
    mean, variance = mean_and_variance(X + 1000.0)
    np.testing.assert_allclose(mean, (X + 1000.0).astype("float64").mean(0), rtol=1e-6)
    np.testing.assert_allclose(variance, (X + 1000.0).astype("float64").var(0), rtol=1e-5)


def test_a_model_without_a_beginning_is_never_marked_as_begun():
    plain = Supervised(keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)]))
    plain.compile(optimizer="sgd", loss="mse")
    plain.fit(X[:8], X[:8, :1], batch_size=8, epochs=1, verbose=0)
    assert not plain.state.initialized  # replicas and workers do not ask it: all save the same number


def test_a_model_is_initialized_once_by_the_first_batch(tmp_path):
    model = remembering(fade_from=1000)
    model.fit(X[:8], batch_size=8, epochs=1, steps_per_epoch=1, shuffle=False, verbose=0)
    assert model.state.initialized
    model.mean.variable.assign([7.0, 7.0, 7.0])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    loaded.train_on_batch(X[:8])
    np.testing.assert_array_equal(loaded.mean.value, [7.0, 7.0, 7.0])


def test_a_half_life_halves_what_was():
    rule = HalfLife(100)
    assert float(rule.momentum(tf.constant(100.0), tf.constant(1e6))) == pytest.approx(0.5)
    assert float(rule.momentum(tf.constant(50.0), tf.constant(1e6))) == pytest.approx(0.5**0.5)
    assert float(HalfLife(100, 0.05).momentum(tf.constant(10.0), tf.constant(200.0))) == pytest.approx(0.5)


def test_several_averages_follow_one_network():
    model = fit(remembering(ema_momentum={"short": HalfLife(1e-3), "long": HalfLife(1e9)}), epochs=2)
    now, short, long = (network.get_weights() for network in (model.network, *model.ema_networks.values()))
    np.testing.assert_allclose(short[0], now[0], atol=1e-6)
    assert np.abs(long[0] - now[0]).max() > 1e-3
    assert model.averaged("network") is model.ema_networks["network"]
    assert model.averaged("network", "long") is model.ema_networks["network/long"]


def test_phases_of_samples():
    phases = Phases([Phase("a", 10), Phase("b", 5), Phase("c")])
    assert [phases.index(samples) for samples in (0, 9, 10, 14, 15, 99)] == [0, 0, 1, 1, 2, 2]
    assert float(phases.fraction(1, tf.constant(12, tf.int64))) == pytest.approx(0.4)
    assert float(phases.fraction(2, tf.constant(12, tf.int64))) == 1.0


@pytest.mark.parametrize("phases", [[Phase("a"), Phase("b")], [Phase("a", 5)], [Phase("a", 5), Phase("a")]])
def test_phases_without_an_order_are_refused(phases):
    with pytest.raises(ValueError, match="Received"):
        Phases(phases)


def test_phases_change_updates_and_steps(uninterrupted):
    # 37 samples in 5 batches per epoch; the fade begins after 40 and ends after 100, at the batches that reach these.
    assert int(uninterrupted.state.samples.numpy()) == 6 * 37 and uninterrupted.state.phase == 2
    batches = [8, 8, 8, 8, 5] * 6
    seen = np.concatenate([[0], np.cumsum(batches)[:-1]])
    assert int(uninterrupted.state.step.numpy()) == len(batches) + sum(seen >= 100)


def test_a_restarted_optimizer_has_no_memory():
    model = remembering(fade_from=40, fade=10**6)
    fit(model, epochs=2)
    # The fade began with the seventh batch: four more steps of the main update, and a lazy one in steps 6 and 9.
    assert int(model.optimizer.iterations.numpy()) == 6


@pytest.mark.full
@pytest.mark.parametrize("options", [{"steps_per_execution": 3}, {"steps_per_execution": 3, "jit_compile": True}])
def test_stacked_steps_are_single_ones(uninterrupted, options):
    tolerance = 1e-4 if options.get("jit_compile") else 0.0
    assert_same(fit(remembering(steps_per_batch=2, **options)), uninterrupted, tolerance)


class SaveAt(keras.callbacks.Callback):
    """Saves the model after one batch and stops there."""

    def __init__(self, path, batch):
        super().__init__()
        self.path, self.left = path, batch

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            self.model.save(self.path)
            self.model.stop_training = True


@pytest.mark.parametrize("batch", [3, 8, 11, 17])
@pytest.mark.grid("8")
def test_a_run_goes_on_to_the_bit(tmp_path, uninterrupted, batch):
    """In the warm-up, inside the fade, between lazy updates, and with a batch taken in two steps."""
    fit(remembering(steps_per_batch=2), callbacks=[SaveAt(tmp_path / "model.keras", batch)])
    resumed = keras.saving.load_model(tmp_path / "model.keras")
    assert_same(fit(resumed, initial_epoch=(batch - 1) // 5), uninterrupted)


def test_what_a_loss_hands_back_is_named():
    model = linear(("main",), main={"hands_back": ("length",)})
    model.carry("length", Carried())
    model.compile("sgd")
    with pytest.raises(ValueError, match=r"should return the state \['length'\]"):
        model.fit(np.ones((4, 1), "float32"), verbose=0)


def of_shape(shape):
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(3)])

    class Shaped(ObjectiveModel):
        def make_updates(self, optimizer):
            return (Update("main", self.shaped, (self.network,), optimizer),)

        def shaped(self, x, draw):
            y = self.network(x)
            return {"scalar": tf.reduce_mean(y), "column": y[:, :1], "matrix": y, "row": y[:, 0]}[shape]

    model = Shaped({"network": network}, seed=0)
    model.compile(keras.optimizers.SGD(0.1), jit_compile=False)
    return model


@pytest.mark.parametrize("shape", ["scalar", "matrix"])
def test_a_loss_of_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match="one value per sample"):
        of_shape(shape).fit(np.ones((4, 1), "float32"), verbose=0)


def test_a_column_is_one_value_per_sample():
    column, row = (of_shape(shape) for shape in ("column", "row"))
    row.set_weights(column.get_weights())
    for model in (column, row):
        model.fit(X[:, :1], batch_size=8, shuffle=False, verbose=0)
    np.testing.assert_array_equal(column.get_weights()[0], row.get_weights()[0])


@pytest.mark.parametrize("option", [{"every": 0}, {"every": 2.5}, {"repeats": 0}])
def test_counts_of_an_update_are_checked(option):
    with pytest.raises(ValueError, match="positive integer"):
        linear(("main",), main=option).compile("sgd")


def test_one_optimizer_has_one_interval():
    model = linear(("one", "two"), one={"every": 4, "rescale": True}, two={"every": 16, "rescale": True})
    with pytest.raises(ValueError, match="one interval"):
        model.compile("sgd")


def test_state_that_is_not_carried_is_refused():
    with pytest.raises(ValueError, match="should name state that the model carries"):
        linear(("main",), main={"hands_back": ("length",)}).compile("sgd")


def test_a_loss_that_is_none_is_refused():
    class Shadowed(ObjectiveModel):
        def make_updates(self, optimizer):
            return (Update("main", self.loss, (self.network,), optimizer),)

    model = Shadowed({"network": keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])}, seed=0)
    with pytest.raises(ValueError, match="attribute of Keras' own"):
        model.compile("sgd")
