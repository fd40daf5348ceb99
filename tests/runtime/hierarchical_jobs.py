"""Hierarchical autoencoders on one device and on two. See `jobs`."""

import keras

import keras_dl
from tests.models import hierarchical_builders
from tests.models.builders import images

# Batches of 12, 12 and 1: the last leaves a replica without rows.
X = images(25)


def balanced():
    """Two groups of dense layers."""
    return hierarchical_builders.small(beta=keras_dl.objectives.Linear(20), balancing="code")


def regularised():
    """Convolutions, batch normalisation and power iterations."""
    return hierarchical_builders.nvae((1,), synchronized=True, beta=keras_dl.objectives.Linear(20))


def train(strategy, build):
    """Returns weights and the states that the loss hands back."""
    with strategy.scope():
        model = build()
        model.compile(keras.optimizers.SGD(1e-2), jit_compile=False)
    model.fit(X, batch_size=12, epochs=1, verbose=0)
    return [*model.get_weights(), *(state.value.numpy() for state in model.carried.values())]


def on_one_and_two_replicas():
    """Returns what `train` makes of both models on one device and on two."""
    strategies = keras_dl.runtime.strategy("none"), keras_dl.runtime.strategy("mirrored", devices=2)
    return [[*train(strategy, balanced), *train(strategy, regularised)] for strategy in strategies]
