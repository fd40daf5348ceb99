"""What a family's author is told of updates, states and phases that cannot run."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl.models.base import Carried, HalfLife, ObjectiveModel, Phase, Rows, SampleBuffer, Update


class Family(ObjectiveModel):
    """A family of which every test writes the updates."""

    averaged_networks = ("network",)

    def __init__(self, updates, **options):
        super().__init__({"network": keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])}, seed=0, **options)
        self.of_test = updates

    def make_updates(self, optimizer):
        return self.of_test(self, optimizer)

    def trained(self):
        self.compile(keras.optimizers.SGD(0.1), jit_compile=False)
        self.fit(np.ones((4, 1), "float32"), verbose=0)


def update(name="main", **options):
    """A function of model and optimizer that gives one update; that of `"moves"` has a gradient."""

    def make(model, optimizer):
        def loss(x, draw):
            return model.network(x)[:, 0] if name == "moves" else x[:, 0]

        return Update(name, loss, **{"networks": (model.network,), "optimizer": optimizer, **options})

    return make


def several(*made):
    return lambda model, optimizer: tuple(one(model, optimizer) for one in made)


@pytest.mark.parametrize(
    ("updates", "message"),
    [
        (lambda model, optimizer: None, "`make_updates` should return a tuple of `Update`s. Received: None"),
        (update(), "`make_updates` should return a tuple of `Update`s. Received: Update"),
        (several(update(), update()), "Updates should have names of their own. Received: ['main', 'main']"),
        (several(update(networks=keras.layers.Dense(1))), "networks of update 'main' should be a tuple"),
        (several(update(terms="real")), "terms=(...,). Received: terms='real'"),
        (several(update(optimizer="adam")), "The optimizer of update 'main' should be one that make_updates was given"),
        (several(update(optimizer=keras.optimizers.Adam())), "Received: optimizer='Adam of its own'"),
        (several(update(optimizer=None, networks=())), "`optimizer_names` should be () for a family without gradients"),
        (several(update(every=0)), "`every of update 'main'` should be a positive integer. Received"),
        (
            several(update(sums={"n": ()}), update("other", sums={"n": ()})),
            "Sums of updates should have names of their own. Received: ['n', 'n']",
        ),
        (several(update(sums={"length": ()})), "should have other names than state that the model carries"),
        (several(update()), "The loss of update 'main' should depend on weights of its networks"),
    ],
)
def test_updates_that_cannot_run_are_refused_by_name(updates, message):
    model = Family(updates)
    model.carry("length", Carried())
    with pytest.raises(ValueError, match=re.escape(message)):
        model.trained()


def handing(state, handed_back):
    def handed(x, draw):
        return x[:, 0], {}, {"state": handed_back(x)}

    model = Family(several(update("moves"), lambda *_: Update("main", handed, hands_back=("state",))))
    model.carry("state", state)
    return model


@pytest.mark.parametrize(
    ("state", "handed_back", "message"),
    [
        (lambda: SampleBuffer(4, (1,)), lambda x: x, "The buffer 'state' should be handed Rows(slots, samples)"),
        (
            lambda: SampleBuffer(4, (1,)),
            lambda x: Rows(tf.range(4), tf.concat([x, x], 1)),
            "samples of shape ('batch', 1). Received: (",
        ),
        (Carried, lambda x: tf.reduce_mean(x), "handed back in shape ('batch',), as its combine='mean' says"),
        (lambda: Carried((2,)), lambda x: x, "The state 'state' should be handed back in shape ('batch', 2)"),
        (lambda: Carried((2,), combine="same"), lambda x: x, "in shape (2,), as its combine='same' says"),
    ],
)
def test_what_is_handed_back_is_checked(state, handed_back, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        handing(state(), handed_back).trained()


def test_samples_of_sizes_that_a_graph_does_not_know_are_taken():
    """A fully convolutional network gives such images."""
    pool = SampleBuffer(4, (2, 2))

    @tf.function(input_signature=[tf.TensorSpec([None, None, None])])
    def write(samples):
        pool.commit(pool.local(Rows(tf.range(2), samples), 2), 2)

    write(tf.ones((2, 2, 2)))
    np.testing.assert_array_equal(pool.read([0, 1]), np.ones((2, 2, 2)))


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (lambda: Family(several()).carry("x", 3), "The state 'x' should be a Carried or a SampleBuffer. Received: 3"),
        (lambda: Family(several()).set_phases(["a"]), "Phases should be of class `Phase`. Received: ('a',)"),
        (lambda: Family(several()).set_phases([Phase("a", -1), Phase("b")]), "`samples` should be a positive integer"),
        (lambda: SampleBuffer(4, 2), "`shape` should be a sequence of positive integers. Received: shape=2"),
        (lambda: SampleBuffer(4, (2,), start=lambda size: np.zeros((3, 2))), "Received: shape (3, 2) for (4, 2)"),
        (lambda: SampleBuffer(4, (2,), start=0.5), "`start` should be a function that gives an array"),
    ],
)
def test_states_and_phases_are_checked(refused, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        refused()


def test_an_average_is_found_by_each_of_its_keys():
    model = Family(several(), ema_momentum={"short": 0.5, "long": HalfLife(100)})
    short = model.averaged("network")
    assert short is not model.network and model.averaged("network", "short") is short
    assert model.averaged("network", "long") is model.ema_networks["network/long"]
    with pytest.raises(ValueError, match=re.escape("`average` should be one of ('short', 'long')")):
        model.averaged("network", "median")
