"""Last activations that contradict what reads a network's output are warned of; those that suit it are not."""

import warnings

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_dl
from keras_dl import likelihoods, losses, models, networks, objectives
from keras_dl.models.endings import last_activation

SHAPE = (4, 4, 1)


def ending(*last, size=3):
    return keras.Sequential([keras.Input((size,)), *last])


ENDS = {
    "argument": ([layers.Dense(2, activation="sigmoid")], "sigmoid"),
    "layer": ([layers.Dense(2), layers.Activation("tanh")], "tanh"),
    "softmax layer": ([layers.Dense(2), layers.Softmax()], "softmax"),
    "relu layer": ([layers.Dense(2), layers.ReLU()], "relu"),
    "none": ([layers.Dense(2)], "linear"),
    "cast and moved": ([layers.Dense(2, "relu"), layers.Reshape((2, 1)), layers.Activation("linear")], "relu"),
    "in a model": ([ending(layers.Dense(3)), ending(layers.Dense(2, "softmax"))], "softmax"),
    "every step": ([layers.Reshape((3, 1)), layers.TimeDistributed(layers.Dense(2, "sigmoid"))], "sigmoid"),
    "dropped out": ([layers.Dense(2, "sigmoid"), layers.Dropout(0.1)], "sigmoid"),
    "noisy": ([layers.Dense(2, "tanh"), layers.GaussianNoise(0.1), layers.ActivityRegularization(0.1)], "tanh"),
    "softsign": ([layers.Dense(2, "softsign")], "softsign"),
    "normalised": ([layers.Dense(2, "sigmoid"), layers.BatchNormalization()], None),
    "before a block": ([layers.Reshape((3, 1)), keras_dl.layers.ConvBlock(2, preactivation=True)], None),
}


@pytest.mark.parametrize("name", ENDS)
def test_last_activation(name):
    last, expected = ENDS[name]
    assert last_activation(ending(*last)) == expected


def test_last_activation_of_operations_and_parts():
    x = keras.Input((3,))
    logits = layers.Dense(2)(x)
    for function, expected in (
        (ops.sigmoid, "sigmoid"),
        (ops.softmax, "softmax"),
        (ops.relu, "relu"),
        (ops.softsign, "softsign"),
    ):
        assert last_activation(keras.Model(x, function(logits))) == expected
    assert last_activation(keras.Model(x, ops.clip(logits, 0.0, 1.0))) == "clip"
    squashed = layers.Dense(2, activation="tanh")(x)
    assert last_activation(keras.Model(x, ops.concatenate([squashed, ops.tanh(logits)], -1))) == "tanh"
    assert last_activation(keras.Model(x, layers.Concatenate()([squashed, logits]))) is None
    both = keras.Model(x, [logits, squashed])
    assert [last_activation(both, 0), last_activation(both, 1)] == ["linear", "tanh"]
    nested = keras.Model(x, both(x)[1])
    assert last_activation(nested) == "tanh"


def decoder(activation, channels=1):
    size = int(np.prod(SHAPE)) * channels
    return keras.Sequential([keras.Input((2,)), layers.Dense(size, activation), layers.Reshape((*SHAPE[:2], channels))])


def encoder(activation=None):
    return keras.Sequential([keras.Input(SHAPE), layers.Flatten(), layers.Dense(4, activation)])


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "softmax", "softplus", "sparsemax"])
@pytest.mark.parametrize(
    ("likelihood", "channels", "reads"),
    [
        (likelihoods.Bernoulli(), 1, "Bernoulli reads logits"),
        (likelihoods.Categorical(3), 3, "Categorical reads logits"),
        (likelihoods.Gaussian(), 2, r"Gaussian reads \[loc, log_scale\]"),
        (likelihoods.DiscretizedLogistic(), 2, r"DiscretizedLogistic reads \[loc, log_scale\]"),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_decoders(likelihood, channels, reads, activation):
    with pytest.warns(UserWarning, match=f"decoder should end without a {activation}: {reads}"):
        models.VAE(encoder(), decoder(activation, channels), likelihood)


def test_encoders():
    with pytest.warns(UserWarning, match="encoder should end without a relu: Gaussian reads"):
        models.VAE(encoder("relu"), decoder(None))


def test_what_suits_is_not_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        models.VAE(encoder(), decoder(None))
        models.VAE(encoder(), decoder("sigmoid"), likelihoods.Gaussian(scale=0.5))  # means of data in [0, 1]
        for loss, last in (
            ("binary_crossentropy", "sigmoid"),
            (keras.losses.SparseCategoricalCrossentropy(), "softmax"),
            (keras.losses.SparseCategoricalCrossentropy(from_logits=True), None),
            (losses.CrossEntropy(), None),
            (losses.Dice(from_logits=True), None),
            (losses.Dice(), "softmax"),
            ("mse", "relu"),
            (losses.L1(), "tanh"),
        ):
            models.Supervised(ending(layers.Dense(2, last))).compile("sgd", loss=loss)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "softmax"])
def test_critics(activation):
    generator = networks.mlp_generator(2, SHAPE, hidden=(4,))
    critic = keras.Sequential([keras.Input(SHAPE), layers.Flatten(), layers.Dense(1, activation)])
    with pytest.warns(UserWarning, match=f"critic should end without a {activation}: Wasserstein"):
        models.GAN(generator, critic, objective=objectives.Wasserstein())


def test_critics_of_attributes():
    generator = networks.mlp_generator(2, SHAPE, hidden=(4,), num_classes=3)
    critic = networks.mlp_critic(SHAPE, hidden=(4,))
    reader = keras.Sequential([keras.Input(SHAPE), layers.Flatten(), layers.Dense(3, "softmax")])
    with pytest.warns(UserWarning, match="attribute_critic should end without a softmax: Attributes reads logits"):
        models.GAN(generator, critic, attributes=objectives.Attributes(3), attribute_critic=reader)


@pytest.mark.parametrize(
    ("loss", "activation", "message"),
    [
        (losses.CrossEntropy(), "softmax", "without a softmax: .*reads logits"),
        (losses.DiceCrossEntropy(), "sigmoid", "without a sigmoid: .*reads logits"),
        (losses.Focal(from_logits=True), "sigmoid", "without a sigmoid: .*reads logits"),
        (losses.BinaryCrossEntropy(from_logits=True), "sigmoid", "without a sigmoid: .*reads logits"),
        (keras.losses.BinaryCrossentropy(from_logits=True), "sigmoid", "without a sigmoid: .*reads logits"),
        (losses.NegativeLogLikelihood(), "softmax", "without a softmax: .*reads log-probabilities"),
        (losses.Dice(), None, "reads probabilities. Give it from_logits=True"),
        (losses.Focal(), "relu", "reads probabilities. .*it ends with relu"),
        ("sparse_categorical_crossentropy", None, "sparse_categorical_crossentropy reads probabilities"),
        (keras.losses.CategoricalCrossentropy(), "tanh", "CategoricalCrossentropy reads probabilities"),
    ],
)
def test_losses(loss, activation, message):
    model = models.Supervised(ending(layers.Dense(2, activation)))
    with pytest.warns(UserWarning, match=message):
        model.compile("sgd", loss=loss)


def test_losses_of_several_outputs():
    x = keras.Input((3,))
    network = keras.Model(x, [layers.Dense(2)(x), layers.Dense(2, "softmax")(x)])
    with pytest.warns(UserWarning) as caught:
        models.Supervised(network).compile("sgd", loss=[losses.CrossEntropy(), losses.CrossEntropy()])
    assert [str(w.message) for w in caught if "should end" in str(w.message)] == [
        "network should end without a softmax: CrossEntropy reads logits."
    ]
