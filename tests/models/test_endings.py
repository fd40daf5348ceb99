"""Last activations that contradict what reads a network's output are warned of; those that suit it are not."""

import warnings

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_dl
from keras_dl import likelihoods, losses, models, networks, objectives
from keras_dl.models.endings import ending, last_activation

SHAPE = (4, 4, 1)


def ending_network(*last, size=3):
    return keras.Sequential([keras.Input((size,)), *last])


ENDS = {
    "argument": ([layers.Dense(2, activation="sigmoid")], "sigmoid"),
    "layer": ([layers.Dense(2), layers.Activation("tanh")], "tanh"),
    "softmax layer": ([layers.Dense(2), layers.Softmax()], "softmax"),
    "relu layer": ([layers.Dense(2), layers.ReLU()], "relu"),
    "none": ([layers.Dense(2)], "linear"),
    "cast and moved": ([layers.Dense(2, "relu"), layers.Reshape((2, 1)), layers.Activation("linear")], "relu"),
    "in a model": ([ending_network(layers.Dense(3)), ending_network(layers.Dense(2, "softmax"))], "softmax"),
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
    assert last_activation(ending_network(*last)) == expected


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


@keras.saving.register_keras_serializable("test_endings")
class Squash(layers.Layer):
    """A layer without weights that charges something."""

    def call(self, x):
        self.add_loss(ops.mean(x))
        return ops.sigmoid(x)


@keras.saving.register_keras_serializable("test_endings")
class OwnDense(layers.Layer):
    """A dense layer with a function behind it that nobody sees."""

    def __init__(self, function, **options):
        super().__init__(**options)
        self.function = function

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], 2), initializer="glorot_uniform")

    def call(self, x):
        return self.function(x @ self.kernel)


#: The exact ranges of activations, outwards to three digits.
RANGES = {
    "sigmoid": (0, 1), "hard_sigmoid": (0, 1), "softmax": (0, 1), "tanh": (-1, 1), "hard_tanh": (-1, 1),
    "softsign": (-1, 1), "relu": (0, np.inf), "relu6": (0, 6), "softplus": (0, np.inf), "exponential": (0, np.inf),
    "log_softmax": (-np.inf, 0), "log_sigmoid": (-np.inf, 0), "elu": (-1, np.inf), "celu": (-1, np.inf),
    "selu": (-1.759, np.inf), "gelu": (-0.17, np.inf), "silu": (-0.279, np.inf), "hard_silu": (-0.375, np.inf),
    "mish": (-0.309, np.inf), "leaky_relu": (-np.inf, np.inf), "tanh_shrink": (-np.inf, np.inf),
    "soft_shrink": (-np.inf, np.inf), "linear": (-np.inf, np.inf),
}  # fmt: skip


@pytest.mark.parametrize("name", RANGES)
def test_ranges_of_activations(name):
    assert ending(ending_network(layers.Dense(3, name))) == (name, *RANGES[name])


def test_ranges_of_layers_and_operations():
    x = keras.Input((3,))
    logits, shares = layers.Dense(2)(x), layers.Dense(2, "sigmoid")(x)
    for output, expected in (
        (layers.Lambda(lambda v: ops.sigmoid(v))(logits), ("lambda", 0, 1)),
        (Squash()(logits), ("squash", 0, 1)),
        (OwnDense(ops.tanh)(x), ("own_dense", -1, 1)),
        (OwnDense(lambda v: v)(x), None),
        (2 * shares - 1, ("sigmoid", -1, 1)),
        (layers.LeakyReLU()(logits), ("leaky_relu", -np.inf, np.inf)),
        (ops.softplus(logits) + 0.5, ("softplus", 0.5, np.inf)),
        (ops.relu(ops.tanh(logits)), ("relu", 0, 1)),
        (ops.sum(shares, -1, keepdims=True), ("sigmoid", 0, 2)),
        (layers.UnitNormalization()(logits), ("unit_normalization", -1, 1)),
        (layers.Add()([shares, logits]), None),
        (ops.concatenate([shares, ops.tanh(logits)], -1), ("sigmoid and a tanh", -1, 1)),
    ):
        assert ending(keras.Model(x, output)) == expected
    pixels = keras.Input((None, None, 1))
    squashed = layers.Lambda(lambda v: ops.tanh(v))(layers.Conv2D(2, 1)(pixels))
    assert ending(keras.Model(pixels, squashed)) == ("lambda", -1, 1)


def test_what_is_measured_remembers_nothing():
    network = ending_network(layers.Dense(2), Squash())
    assert ending(network).limited and not network.losses


def decoder(activation, channels=1):
    size = int(np.prod(SHAPE)) * channels
    return keras.Sequential([keras.Input((2,)), layers.Dense(size, activation), layers.Reshape((*SHAPE[:2], channels))])


def encoder(activation=None):
    return keras.Sequential([keras.Input(SHAPE), layers.Flatten(), layers.Dense(4, activation)])


@pytest.mark.parametrize("activation", ["sigmoid", "relu", "softmax", "elu", "selu", "gelu", "silu", "log_sigmoid"])
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
            (losses.NegativeLogLikelihood(), "log_softmax"),
            (losses.CrossEntropy(), "log_softmax"),  # the same distribution
            (keras.losses.SparseCategoricalCrossentropy(from_logits=True), "log_softmax"),
            (losses.Dice(from_logits=True), "leaky_relu"),
        ):
            models.Supervised(ending_network(layers.Dense(2, last))).compile("sgd", loss=loss)


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
        (losses.BinaryCrossEntropy(from_logits=True), "log_softmax", "without a log_softmax: .*reads logits"),
        (losses.CrossEntropy(), "gelu", "without a gelu: .*reads logits"),
        (losses.NegativeLogLikelihood(), "silu", "without a silu: .*reads log-probabilities"),
        (losses.Dice(), "log_softmax", "reads probabilities. .*it ends with log_softmax"),
        (keras.losses.BinaryCrossentropy(), "elu", "BinaryCrossentropy reads probabilities. .*it ends with elu"),
        ("sparse_categorical_crossentropy", None, "sparse_categorical_crossentropy reads probabilities"),
        (keras.losses.CategoricalCrossentropy(), "tanh", "CategoricalCrossentropy reads probabilities"),
        ("dice", None, "dice reads probabilities. Give the network a sigmoid or softmax: it ends with linear"),
        (keras.losses.KLDivergence(), "relu", "KLDivergence reads probabilities. Give the network a sigmoid"),
        (losses.NegativeLogLikelihood(), None, "reads log-probabilities. End the network with a log_softmax, not lin"),
        (losses.KLDivergence(), "leaky_relu", "KLDivergence reads log-probabilities. End the network with a log_soft"),
    ],
)
def test_losses(loss, activation, message):
    model = models.Supervised(ending_network(layers.Dense(2, activation)))
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


@pytest.mark.parametrize(("activation", "low"), [("elu", "-1"), ("softplus", "0"), ("hard_sigmoid", "0")])
def test_generators_that_cannot_make_the_data(activation, low):
    generator = keras.Sequential([keras.Input((2,)), layers.Dense(16, activation), layers.Reshape(SHAPE)])
    critic = networks.mlp_critic(SHAPE, hidden=(4,))
    model = models.GAN(generator, critic)
    model.compile()
    with pytest.raises(ValueError, match=rf"x should lie in \[{low}, .* the range of the generator's {activation}"):
        model.fit(np.full((4, *SHAPE), -2, "float32"), verbose=0)
    assert model.data_range == ((0.0, 1.0) if activation == "hard_sigmoid" else None)
