"""A VAE, a GAN and a Siamese network, and stock models that minimise the same.

The VAE's posterior has next to no width and the GAN's generator looks at no latents, so that their noise changes
nothing.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

import keras_dl

ROWS, SIZE, LATENTS = 10, 4, 2
X = np.random.default_rng(0).random((ROWS, SIZE), "float32")
OTHER = np.random.default_rng(1).random((6, SIZE), "float32")
LABELS, OTHER_LABELS = np.arange(ROWS) % 2, np.arange(6) % 2
LOG_SCALE = -15.0  # the least that a Gaussian takes


def sgd():
    return keras.optimizers.SGD(0.1)


class StockVAE(keras.Model):
    """Encoder and decoder, with the ELBO as a loss of what they give."""

    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def call(self, x):
        loc = self.encoder(x)[:, :LATENTS]
        return ops.concatenate([self.decoder(loc), loc], -1)

    @staticmethod
    def negative_elbo(x, outputs):
        logits, loc = outputs[:, :SIZE], outputs[:, SIZE:]
        distortion = ops.sum(ops.softplus(logits) - x * logits, -1)
        return distortion + ops.sum(0.5 * (ops.square(loc) - 1 - 2 * LOG_SCALE), -1)


def vaes(**options):
    x = keras.Input((SIZE,))
    loc = keras.layers.Dense(LATENTS)(keras.layers.Dense(3, "tanh")(x))
    encoder = keras.Model(x, keras.layers.Concatenate()([loc, 0 * loc + LOG_SCALE]))
    decoder = keras.Sequential([keras.Input((LATENTS,)), keras.layers.Dense(SIZE)])
    stock = StockVAE(*copies(encoder, decoder))
    stock.compile(sgd(), loss=StockVAE.negative_elbo, **options)
    ours = keras_dl.models.VAE(encoder, decoder, "bernoulli", seed=0)
    ours.compile(sgd(), **options)
    return stock, ours


class StockGAN(keras.Model):
    """The game of keras.io's examples."""

    def __init__(self, generator, critic):
        super().__init__()
        self.generator, self.critic = generator, critic
        self.trackers = {name: keras.metrics.Mean(name) for name in ("generator_loss", "critic_loss")}

    def call(self, latents):
        return self.generator(latents)

    def compile(self, generator_optimizer, critic_optimizer, **options):
        super().compile(**options)
        self.optimizers = generator_optimizer, critic_optimizer

    @staticmethod
    def samples(data):
        return data[0] if isinstance(data, tuple) else data

    def losses_of(self, x):
        fake = self.generator(ops.zeros((ops.shape(x)[0], LATENTS)))
        judged = self.critic(fake)
        critic = ops.mean(ops.softplus(-self.critic(x))) + ops.mean(ops.softplus(judged))
        return {"critic_loss": critic, "generator_loss": ops.mean(ops.softplus(-judged))}

    def train_step(self, data):
        x = self.samples(data)
        for network, optimizer, name in zip(
            (self.critic, self.generator), self.optimizers[::-1], ("critic_loss", "generator_loss"), strict=True
        ):
            with tf.GradientTape() as tape:
                loss = self.losses_of(x)[name]
            optimizer.apply(tape.gradient(loss, network.trainable_weights), network.trainable_weights)
            self.trackers[name].update_state(loss, ops.shape(x)[0])
        return {name: tracker.result() for name, tracker in self.trackers.items()}

    def test_step(self, data):
        x = self.samples(data)
        for name, loss in self.losses_of(x).items():
            self.trackers[name].update_state(loss, ops.shape(x)[0])
        return {name: tracker.result() for name, tracker in self.trackers.items()}

    @property
    def metrics(self):
        return list(self.trackers.values())


def gans(**options):
    blind = [keras.Input((LATENTS,)), keras.layers.Rescaling(0.0), keras.layers.Dense(SIZE, "sigmoid")]
    generator = keras.Sequential(blind)
    generator.layers[-1].bias.assign([0.1, 0.2, -0.3, 0.4])
    critic = keras.Sequential([keras.Input((SIZE,)), keras.layers.Dense(3, "tanh"), keras.layers.Dense(1)])
    stock = StockGAN(*copies(generator, critic))
    stock.compile(sgd(), sgd(), **options)
    ours = keras_dl.models.GAN(generator, critic, seed=0)
    ours.compile(generator_optimizer=sgd(), critic_optimizer=sgd(), **options)
    return stock, ours


def siameses(**options):
    loss = keras_dl.losses.TripletMargin(mining="semi-hard")
    network = keras.Sequential([keras.Input((SIZE,)), keras.layers.Dense(3, "tanh"), keras.layers.Dense(LATENTS)])
    (stock,) = copies(network)
    stock.compile(sgd(), loss=lambda y, e: loss(y, e), **options)
    ours = keras_dl.models.Siamese(network, seed=0)
    ours.compile(sgd(), loss, **options)
    return stock, ours


def copies(*networks):
    clones = [keras.models.clone_model(network) for network in networks]
    for clone, network in zip(clones, networks, strict=True):
        clone.set_weights(network.get_weights())
    return clones


FAMILIES = {"vae": vaes, "gan": gans, "siamese": siameses}
TARGETS = {"vae": (X, OTHER), "gan": (None, None), "siamese": (LABELS, OTHER_LABELS)}  # of the stock models
