"""What compiling a model says of its optimizers."""

import warnings

import keras
import pytest

from keras_dl import models


def network():
    inputs = keras.Input((3,))
    return keras.Model(inputs, keras.layers.Dense(2)(inputs))


def compiled(built):
    model = models.Supervised(built)
    model.compile(keras.optimizers.SGD(), keras.losses.MeanSquaredError())
    return model


def test_an_optimizer_of_frozen_networks_is_said_to_move_nothing():
    """A clone of a frozen network says that it trains, and `trainable = True` changes nothing of it."""
    frozen = network()
    frozen.trainable = False
    clone = keras.models.clone_model(frozen)
    clone.trainable = True
    for one in (frozen, clone):
        with pytest.warns(UserWarning, match="`optimizer` moves no weight: all layers of the networks"):
            compiled(one)


def test_an_optimizer_of_one_layer_is_nothing_to_warn_of():
    inputs = keras.Input((3,))
    layers = [keras.layers.Dense(2), keras.layers.Dense(2)]
    layers[0].trainable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compiled(keras.Model(inputs, layers[1](layers[0](inputs))))
