"""What a run computes with, chosen from the work of a step and their number."""

import inspect

import keras
import pytest
import tensorflow as tf

from keras_dl import models
from keras_dl.models.fitting import choosing
from keras_dl.models.fitting.choosing import floating_point_operations
from tests.models.builders import images, largest_difference, small_vae
from tests.models.gan_builders import compiled, small_gan

LAYERS = {
    "dense": (keras.layers.Dense(5), (4,), 2 * 4 * 5),
    "convolution": (keras.layers.Conv2D(3, 3, strides=2, padding="same"), (8, 8, 2), 2 * (3 * 3 * 2 * 3) * 4 * 4),
    # Each of the 4x4 inputs is multiplied by the whole kernel, whatever the size of the output.
    "transposed": (keras.layers.Conv2DTranspose(3, 5, strides=2, padding="same"), (4, 4, 2), 2 * (25 * 2 * 3) * 4 * 4),
    "none": (keras.layers.Activation("relu"), (8,), 0),
}


@pytest.mark.parametrize("name", LAYERS)
def test_floating_point_operations(name):
    layer, shape, expected = LAYERS[name]
    network = keras.Sequential([keras.Input(shape), layer])
    assert floating_point_operations(network, rows=7) == 7 * expected


def trained(epochs, rows=22, **options):
    vae = small_vae()
    vae.compile(keras.optimizers.SGD(0.05), **options)
    vae.fit(images(rows), batch_size=8, epochs=epochs, verbose=0)
    return vae


@pytest.mark.parametrize(
    ("epochs", "steps", "xla"), [(1, 3, False), (3, 12, False), (10_000, 12, True), (1, None, True)]
)
def test_xla_is_chosen_where_the_whole_run_gains_by_it(epochs, steps, xla):
    vae = small_vae()
    vae.compile("sgd")
    assert chosen(vae, steps, epochs)[:2] == (xla, 8)
    vae.compile("sgd", jit_compile=not xla, steps_per_execution=3)
    assert chosen(vae, steps, epochs) == (not xla, None, 3, True)


def chosen(model, steps, epochs):
    choice = choosing.before_fit(model, **model.compile_choices)
    return choosing.for_fit(model, choice, tf.constant(images(8)), steps, epochs)


class OnHost(keras.layers.Layer):
    """A layer whose inference XLA cannot compile."""

    def call(self, x, training=False):
        return x if training else tf.ensure_shape(tf.numpy_function(lambda x: x, [x], x.dtype), x.shape)


def test_xla_compiles_evaluations_and_predictions_only_if_it_is_asked_for(monkeypatch):
    """It would compile anew for each shape, and a pass forward gains little by it."""
    monkeypatch.setattr(choosing, "pays_off", lambda *_: True)
    model = models.Supervised(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), OnHost()]))
    x, y = tf.ones((8, 3)), tf.ones((8, 2))
    model.compile("sgd", "mse")
    model.fit(x, y, verbose=0)
    assert model.jit_compile and model.predict(x, verbose=0).shape == (8, 2) and model.evaluate(x, y, verbose=0) >= 0
    model.compile("sgd", "mse", jit_compile=True)
    model.fit(x, y, verbose=0)
    for call in (lambda: model.predict(x, verbose=0), lambda: model.evaluate(x, y, verbose=0)):
        with pytest.raises(tf.errors.InvalidArgumentError):
            call()


def test_more_inner_updates_take_longer_runs():
    def least(model):
        return next(steps for steps in range(1, 20_000) if choosing.pays_off(model, 8, steps))

    wgan = compiled(small_gan(models.WGANGP, critic_steps=5))
    assert 1000 < least(compiled(small_gan())) < least(wgan) < 20_000


def test_a_further_fit_traces_nothing(monkeypatch):
    """Neither another batch size, nor more epochs, nor another stack; XLA only where the run is long."""
    vae = trained(epochs=2)
    (function,) = traces(vae)
    vae.fit(images(30), batch_size=5, epochs=1, verbose=0)
    assert traces(vae) == [function] and not vae.jit_compile
    monkeypatch.setattr(choosing, "pays_off", lambda model, rows, steps: steps > 3)
    vae.fit(images(22), batch_size=8, epochs=2, verbose=0)
    assert vae.jit_compile and vae.xla_rows == 8 and traces(vae)[0] is function and len(traces(vae)) == 2


def traces(model):
    """The traced functions of training, the eldest first."""
    run = inspect.getclosurevars(model.train_function).nonlocals["run"]
    programs = inspect.getclosurevars(run).nonlocals["programs"]
    return [function for call in programs._functions.values() for function in call.functions.values()]


@pytest.mark.full
def test_tails_stay_plain_and_the_numbers_the_same(monkeypatch):
    plain = trained(epochs=2)
    monkeypatch.setattr(choosing, "pays_off", lambda model, rows, steps: True)
    mixed = trained(epochs=2)
    assert mixed.jit_compile and len(traces(mixed)) == 2
    assert largest_difference(small_vae(), mixed) > 0 and largest_difference(plain, mixed) < 1e-5
