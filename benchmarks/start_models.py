"""The models of benchmarks.start: the same networks, trained by keras_dl and by plain Keras."""

import keras
import numpy as np
import tensorflow as tf

import keras_dl

ops = keras.ops
ROWS = 640


class PlainVAE(keras.Model):
    """A Bernoulli VAE as Keras' examples write it."""

    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder
        self.noise = keras.random.SeedGenerator(1)
        self.tracker = keras.metrics.Mean(name="loss")

    def train_step(self, x):
        with tf.GradientTape() as tape:
            loc, log_scale = ops.split(self.encoder(x, training=True), 2, axis=-1)
            z = loc + ops.exp(log_scale) * keras.random.normal(ops.shape(loc), seed=self.noise)
            logits = self.decoder(z, training=True)
            distortion = ops.binary_crossentropy(x, logits, from_logits=True)
            rate = 0.5 * (ops.square(loc) + ops.exp(2 * log_scale) - 1) - log_scale
            loss = ops.mean(ops.sum(distortion, (1, 2, 3)) + ops.sum(rate, -1))
        variables = self.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        self.tracker.update_state(loss)
        return {"loss": self.tracker.result()}


class PlainWGANGP(keras.Model):
    """A WGAN-GP as Keras' examples write it: five steps of the critic, one of the generator."""

    def __init__(self, generator, critic, latent_size, critic_steps):
        super().__init__()
        self.generator, self.critic = generator, critic
        self.latent_size, self.critic_steps = latent_size, critic_steps
        self.noise = keras.random.SeedGenerator(1)

    def compile(self, generator_optimizer, critic_optimizer):
        super().compile()
        self.generator_optimizer, self.critic_optimizer = generator_optimizer, critic_optimizer

    def draw(self, count):
        return keras.random.normal((count, self.latent_size), seed=self.noise)

    def penalty(self, real, fake):
        share = keras.random.uniform((ops.shape(real)[0], 1, 1, 1), seed=self.noise)
        between = real + share * (fake - real)
        with tf.GradientTape() as tape:
            tape.watch(between)
            scores = self.critic(between, training=True)
        slope = tape.gradient(scores, between)
        return ops.mean(ops.square(ops.sqrt(ops.sum(ops.square(slope), (1, 2, 3)) + 1e-12) - 1))

    def train_step(self, x):
        for i in range(self.critic_steps):
            real = x[i :: self.critic_steps]
            with tf.GradientTape() as tape:
                fake = self.generator(self.draw(ops.shape(real)[0]), training=True)
                loss = ops.mean(self.critic(fake, training=True)) - ops.mean(self.critic(real, training=True))
                loss = loss + 10.0 * self.penalty(real, fake)
            variables = self.critic.trainable_variables
            self.critic_optimizer.apply(tape.gradient(loss, variables), variables)
        with tf.GradientTape() as tape:
            score = -ops.mean(self.critic(self.generator(self.draw(ops.shape(real)[0]), training=True), training=True))
        variables = self.generator.trainable_variables
        self.generator_optimizer.apply(tape.gradient(score, variables), variables)
        return {"critic": loss, "generator": score}


def first_epoch(arm, name, seed):
    """Builds and compiles a model, and trains it for an epoch."""
    keras.utils.set_random_seed(seed)
    x = np.random.default_rng(seed).random((ROWS, 16, 16, 1), dtype="float32")
    model, y, batch_size = globals()[name](arm, x)
    model.fit(x, y, batch_size=batch_size, epochs=1, verbose=0)


def vae(arm, x):
    """A dense VAE, batches of 64."""
    networks = keras_dl.networks.mlp_encoder(x.shape[1:], 8), keras_dl.networks.mlp_decoder(8, x.shape[1:])
    model = keras_dl.models.VAE(*networks) if arm == "keras_dl" else PlainVAE(*networks)
    model.compile(optimizer=keras.optimizers.Adam(1e-3))
    return model, None, 64


def lenet(arm, x):
    """LeNet-5 for ten classes, batches of 64."""
    network = keras_dl.networks.lenet5((32, 32, 1), 10)
    inputs = keras.Input(x.shape[1:])
    network = keras.Model(inputs, network(keras.layers.ZeroPadding2D(8)(inputs)))
    model = keras_dl.models.Supervised(network) if arm == "keras_dl" else network
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=loss, metrics=["accuracy"])
    return model, np.arange(len(x)) % 10, 64


def unet(arm, x):
    """A U-Net of three levels from 8 channels, batches of 64."""
    network = keras_dl.networks.unet(x.shape[1:], num_classes=1, filters=(8, 16, 32))
    model = keras_dl.models.Supervised(network) if arm == "keras_dl" else network
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=keras.losses.BinaryCrossentropy(from_logits=True))
    return model, (x > 0.5).astype("float32"), 64


def wgan_gp(arm, x):
    """A convolutional WGAN-GP with five critic updates a step, of 32 rows each."""
    generator = keras_dl.networks.dcgan_generator(16, x.shape[1:], filters=8)
    critic = keras_dl.networks.dcgan_critic(x.shape[1:], filters=8, normalization=None)
    optimizers = {f"{who}_optimizer": keras.optimizers.Adam(1e-4, beta_1=0.5) for who in ("generator", "critic")}
    if arm == "keras_dl":
        model = keras_dl.models.WGANGP(generator, critic, latent_size=16, gradient_penalty=10.0, critic_steps=5)
    else:
        model = PlainWGANGP(generator, critic, 16, 5)
    model.compile(**optimizers)
    return model, None, 160
