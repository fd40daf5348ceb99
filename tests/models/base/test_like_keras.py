"""`Supervised` beside stock `keras.Model.fit` on one device: the same weights and the same reported numbers."""

import keras
import numpy as np
import pytest

import keras_dl

ROWS = 37
X = np.random.default_rng(0).normal(size=(ROWS, 5)).astype("float32")
Y = np.arange(ROWS) % 3


def network():
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(6, "tanh", kernel_regularizer=keras.regularizers.L2(0.1)), keras.layers.Dense(3)]
    return keras.Sequential([keras.Input((5,)), *layers])


def both(loss, y, **options):
    """Histories, evaluations and weights of the stock model and of ours, each trained on the rows in order."""
    found = []
    for model in (network(), keras_dl.models.Supervised(network(), seed=0)):
        model.compile(keras.optimizers.SGD(0.1), loss=loss, metrics=["accuracy"], jit_compile=False)
        history = model.fit(X, y, batch_size=8, epochs=2, shuffle=False, verbose=0, **options)
        evaluation = model.evaluate(X, y, batch_size=ROWS, verbose=0, return_dict=True)
        found.append((history.history, evaluation, model.get_weights()))
    return found


def check(stock, ours):
    for one, other in zip(ours[2], stock[2], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    for one, other in ((ours[0], stock[0]), (ours[1], stock[1])):
        for name in ("loss", "accuracy"):
            np.testing.assert_allclose(one[name], other[name], rtol=1e-5)


def test_regularization_is_part_of_the_loss():
    check(*both(keras.losses.SparseCategoricalCrossentropy(from_logits=True), Y))


@pytest.mark.parametrize("one_hot", [False, True])
def test_class_weights(one_hot):
    kind = keras.losses.CategoricalCrossentropy if one_hot else keras.losses.SparseCategoricalCrossentropy
    y = np.eye(3, dtype="float32")[Y] if one_hot else Y
    stock, ours = both(kind(from_logits=True), y, class_weight={0: 2.0})
    for one, other in zip(ours[2], stock[2], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
