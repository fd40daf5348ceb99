"""NaN and infinities are errors that name update, term and step."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import callbacks
from keras_dl.models import Supervised
from keras_dl.models.base import NotFiniteError, ObjectiveModel, Update
from tests.processes import shared

X = np.ones((64, 3), "float32")


@tf.custom_gradient
def gradient_times(x, factor):
    return tf.identity(x), lambda upstream: (upstream * factor, None)


class Breaking(ObjectiveModel):
    """Two updates, of which one breaks in a step: in its term, its loss alone, or its gradient alone."""

    def __init__(self, networks, where=("second", "loss"), at=5, **options):
        super().__init__(networks, **options)
        self.where, self.at = where, at

    def make_updates(self, optimizer):
        both = (self.network,)
        return tuple(
            Update(name, lambda x, draw, name=name: self.broken(x, draw, name), both, optimizer, terms=("size",))
            for name in ("first", "second")
        )

    def broken(self, x, draw, name):
        y = tf.cast(self.network(x, training=draw.training)[:, 0], tf.float32)
        bad = tf.where((self.state.step.value == self.at - 1) & draw.training, np.float32(np.nan), 1.0)
        term = self.where[1] if name == self.where[0] else None
        values, size = tf.square(y - 1.0), tf.square(y)
        values = gradient_times(values, bad) if term == "gradient" else values
        values = values * bad if term == "loss" else values
        size = size * bad if term == "size" else size
        return values, {"size": size}

    def call(self, x, training=False):
        return self.network(x, training=training)


def breaking(where=("second", "loss"), at=5, policy="float32", optimizer=None, bias=True, **options):
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(4, "tanh", dtype=policy, use_bias=bias)]
    layers.append(keras.layers.Dense(1, dtype=policy, use_bias=bias))
    model = Breaking({"network": keras.Sequential([keras.Input((3,)), *layers])}, where, at, seed=0)
    model.compile(optimizer or keras.optimizers.Adam(1e-3), **{"jit_compile": False, **options})
    return model


def fit(model, epochs=2, **options):
    return model.fit(X, batch_size=8, epochs=epochs, verbose=0, **options)


STACKS = [
    {"steps_per_execution": 1},
    {"steps_per_execution": 4},
    {"steps_per_execution": 4, "jit_compile": True},
    {"run_eagerly": True, "steps_per_execution": 1},
]


@pytest.mark.grid("size-options0", "loss-options2", "gradient-options1", "gradient-options3")
@pytest.mark.parametrize("options", STACKS)
@pytest.mark.parametrize("term", ["size", "loss", "gradient"])
def test_an_error_names_update_term_and_step(term, options):
    """Eight batches per epoch: step 11 is the third of the second epoch, inside a stack."""
    model = breaking(("second", term), at=11, **options)
    with pytest.raises(NotFiniteError, match=f"second_{term} not finite in epoch 2.*'second', term '{term}', step 11$"):
        fit(model)


@pytest.mark.parametrize("term", ["loss", "gradient"])
def test_the_first_of_two_updates_is_named(term):
    """What the first breaks breaks the second, too, in the same step."""
    with pytest.raises(NotFiniteError, match=f"update 'first', term '{term}', step 3$"):
        fit(breaking(("first", term), at=3))


def test_a_gradient_of_kernels_alone_is_watched_too():
    with pytest.raises(NotFiniteError, match="'second', term 'gradient', step 3$"):
        fit(breaking(("second", "gradient"), at=3, bias=False))


def test_train_on_batch_names_the_step():
    model = breaking(at=2)
    model.train_on_batch(X[:8])
    with pytest.raises(NotFiniteError, match="step 2$"):
        model.train_on_batch(X[:8])


def _on_replicas():
    """Messages of two replicas, of 3 and 2 rows, 1 and 0, and by XLA; and where a row of the second alone breaks."""
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
    )
    strategy, messages = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]), []
    for rows, jit_compile in ((5, False), (1, False), (8, True)):
        with strategy.scope():
            model = breaking(("second", "gradient"), at=3, jit_compile=jit_compile)
        messages.append(_message(model, X[: 4 * rows], rows))
    with strategy.scope():
        model = breaking(("second", "nothing"))
    model.network.layers[1].kernel.assign(np.full((4, 1), 1e30))
    messages.append(_message(model, np.concatenate([0 * X[:4], X[:4]]), 8))  # squares of 1e30 on the second replica
    return messages


def _message(model, x, rows):
    try:
        model.fit(x, batch_size=rows, shuffle=False, verbose=0)
    except NotFiniteError as error:
        return str(error)
    return "none"


def test_replicas_name_the_same():
    *messages, one_row = shared().call(_on_replicas, timeout=300)
    for message in messages:
        assert message.endswith("update 'second', term 'gradient', step 3"), message
    assert one_row.endswith("update 'first', term 'size', step 1")


@pytest.mark.parametrize("option", ["compile", "guard", "terminate"])
def test_who_sees_to_it_otherwise_meets_no_error(option):
    model = breaking(check_finite=option != "compile")
    extra = {"guard": [callbacks.NanGuard()], "terminate": [keras.callbacks.TerminateOnNaN()]}.get(option, [])
    if option == "guard":
        with pytest.warns(UserWarning, match="stopped at step 5: second_loss is not finite"):
            fit(model, callbacks=extra)
    else:
        assert np.isnan(fit(model, callbacks=extra).history["second_loss"]).all()
    assert model.finiteness.raises == (option != "compile")


def test_the_choice_is_saved(tmp_path):
    keras.saving.register_keras_serializable("keras_dl_tests")(Breaking)
    for checks in (True, False):
        config = breaking(check_finite=checks).get_compile_config()
        assert config.get("check_finite", True) is checks


def test_skipped_steps_of_float16_are_no_error():
    """A scale of 2^30 overflows: the optimizer skips steps and halves it, and training goes on."""
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), initial_scale=2.0**60)
    model = breaking(("second", "nothing"), policy="mixed_float16", optimizer=optimizer)
    before = model.get_weights()
    fit(model, epochs=1)
    assert float(model.optimizer.dynamic_scale.numpy()) < 2.0**60
    for one, two in zip(before, model.get_weights(), strict=True):
        assert np.isfinite(two).all() and one.shape == two.shape


def test_float16_names_a_loss_that_breaks():
    with pytest.raises(NotFiniteError, match="'second', term 'loss', step 5$"):
        fit(breaking(policy="mixed_float16"))


def test_weights_are_seen_at_the_end_of_an_epoch():
    """The last step of an epoch may break weights in a way that no loss shows any more."""
    model = breaking(("second", "nothing"))

    class Breaks(keras.callbacks.Callback):
        handles_not_finite = False

        def on_train_batch_end(self, batch, logs=None):
            if batch == 7:
                model.network.layers[0].kernel.assign(np.full((3, 4), np.inf))

    with pytest.raises(NotFiniteError, match="Weights not finite in epoch 1.*kernel of update 'first' after step 8$"):
        fit(model, callbacks=[Breaks()])


def test_a_metric_that_is_nan_on_purpose_is_none_of_ours():
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model = Supervised(network)
    model.compile("sgd", "mse", metrics=[keras.metrics.MeanMetricWrapper(lambda y, p: p * np.nan, name="odd")])
    history = model.fit(X, X[:, :1], batch_size=8, epochs=1, verbose=0).history
    assert np.isnan(history["odd"]).all() and np.isfinite(history["loss"]).all()
