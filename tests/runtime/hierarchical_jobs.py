"""A hierarchical autoencoder on one device and on two. See `jobs`."""

import keras

import keras_dl
from tests.models import hierarchical_builders
from tests.models.builders import images

# Batches of 12, 12 and 1: the last leaves a replica without rows.
X = images(25)


def train(strategy):
    """Returns weights and the states that the loss hands back."""
    with strategy.scope():
        model = hierarchical_builders.small(beta=keras_dl.objectives.Linear(20), balancing="code")
        model.compile(keras.optimizers.SGD(1e-2), jit_compile=False)
    model.fit(X, batch_size=12, epochs=2, verbose=0)
    return [*model.get_weights(), *(state.value.numpy() for state in model.carried.values())]


def on_one_and_two_replicas():
    """Returns what `train` makes on one device and on two."""
    mirrored = keras_dl.runtime.strategy("mirrored", devices=2)
    return train(keras_dl.runtime.strategy("none")), train(mirrored)
