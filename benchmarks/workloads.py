"""The workloads, as a user of keras_dl writes them: build, compile, fit."""

import tempfile

import keras
import numpy as np
import tensorflow as tf
from keras import layers

import keras_dl
from benchmarks import formats

OPTIMIZER = {"learning_rate": 1e-4}


def repeated(batch):
    """A dataset that gives the same batch for ever, so that no input pipeline is measured."""
    return tf.data.Dataset.from_tensors(tf.nest.map_structure(tf.constant, batch)).repeat()


def random(*shape, seed=0):
    """Uniform float32 numbers."""
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def dense_vae(shape=(784,)):
    """W1: 784-400-400-(2x20)-400-400-784, Bernoulli."""
    encoder = keras_dl.networks.mlp_encoder(shape, 20, hidden=(400, 400))
    vae = keras_dl.models.VAE(encoder, keras_dl.networks.mlp_decoder(20, shape, hidden=(400, 400)), seed=0)
    vae.compile(optimizer=keras.optimizers.Adam(**OPTIMIZER), jit_compile=True)  # as in runs of thousands of steps
    return vae


def conv_vae():
    """W2: convolutions of 32 and 64, dense 256, 16 latents."""
    shape = (28, 28, 1)
    encoder = keras_dl.networks.conv_encoder(shape, 16, filters=(32, 64), hidden=(256,))
    decoder = keras_dl.networks.conv_decoder(16, shape, filters=(64, 32), hidden=(256,))
    vae = keras_dl.models.VAE(encoder, decoder, seed=0)
    vae.compile(optimizer=keras.optimizers.Adam(**OPTIMIZER))
    return vae


def wgan_gp():
    """W3: WGAN-GP at 28x28, batch 64, 5 critic updates and one of the generator a step.

    A step takes 5 slices of 64 rows: the critic sees fresh real samples at each inner update.
    """
    up = {"strides": 2, "padding": "same", "activation": "relu"}
    generator = keras.Sequential(
        [keras.Input((128,)), layers.Dense(6272, "relu"), layers.Reshape((7, 7, 128))]
        + [layers.Conv2DTranspose(128, 4, **up), layers.Conv2DTranspose(64, 4, **up)]
        + [layers.Conv2D(1, 3, padding="same", activation="tanh")]
    )
    down = {"strides": 2, "padding": "same"}
    critic = keras.Sequential(
        [keras.Input((28, 28, 1)), layers.Conv2D(64, 4, **down), layers.LeakyReLU(0.2)]
        + [layers.Conv2D(128, 4, **down), layers.LeakyReLU(0.2), layers.Flatten(), layers.Dense(1)]
    )
    gan = keras_dl.models.WGANGP(generator, critic, latent_size=128, gradient_penalty=10.0, critic_steps=5, seed=0)
    optimizers = {k: keras.optimizers.Adam(1e-4, beta_1=0.5, beta_2=0.9) for k in gan.optimizer_names}
    gan.compile(**optimizers)
    return gan


def siren():
    """W6: five sine layers of 256, 4096 coordinates a step."""
    sines = [keras_dl.layers.SineDense(256, is_first=i == 0) for i in range(5)]
    network = keras.Sequential([keras.Input((2,)), *sines, layers.Dense(1)])
    model = keras_dl.models.Supervised(network, seed=0)
    model.compile(optimizer=keras.optimizers.Adam(**OPTIMIZER), loss="mse")
    return model


def resnet20():
    """W5: ResNet-20 at 32x32x3, batch 64, with shortcuts of kind A."""

    def normalized(x):
        return keras_dl.layers.BatchNormalization(momentum=0.9)(x)

    def convolved(x, filters, strides=1):
        return layers.Conv2D(filters, 3, strides, padding="same", use_bias=False)(x)

    inputs = keras.Input((32, 32, 3))
    x = layers.ReLU()(normalized(convolved(inputs, 16)))
    for filters in (16, 32, 64):
        for block in range(3):
            strides = 2 if filters != 16 and block == 0 else 1
            y = normalized(convolved(layers.ReLU()(normalized(convolved(x, filters, strides))), filters))
            if strides == 2:
                x = keras.ops.pad(x[:, ::2, ::2], [[0, 0], [0, 0], [0, 0], [filters // 4, filters // 4]])
            x = layers.ReLU()(x + y)
    network = keras.Model(inputs, layers.Dense(10)(layers.GlobalAveragePooling2D()(x)))
    model = keras_dl.models.Supervised(network, seed=0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(**OPTIMIZER), loss=loss)
    return model


def unet():
    """W4: U-Net at 64x64x1, four levels from 16 channels, batch 16, binary cross-entropy."""
    network = keras_dl.networks.unet((64, 64, 1), num_classes=1, filters=(16, 32, 64, 128))
    model = keras_dl.models.Supervised(network, seed=0)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(**OPTIMIZER), loss=loss)
    return model


def coordinates():
    """A 64x64 grid of coordinates in [-1, 1] and values to fit."""
    line = np.linspace(-1, 1, 64, dtype=np.float32)
    grid = np.stack(np.meshgrid(line, line, indexing="ij"), -1).reshape(-1, 2)
    return grid, random(4096, 1)


TRAINING = {
    "W1": lambda: (dense_vae(), {"x": repeated(random(128, 784))}),
    "W1p": lambda: (dense_vae((28, 28, 1)), {"x": random(60000, 28, 28, 1), "batch_size": 128}),
    "W2": lambda: (conv_vae(), {"x": repeated(random(128, 28, 28, 1))}),
    "W3": lambda: (wgan_gp(), {"x": repeated(random(320, 28, 28, 1) * 2 - 1)}),
    "W4": lambda: (unet(), {"x": repeated((random(16, 64, 64, 1), random(16, 64, 64, 1, seed=1).round()))}),
    "W5": lambda: (resnet20(), {"x": repeated((random(64, 32, 32, 3), np.arange(64) % 10))}),
    "W6": lambda: (siren(), {"x": repeated(coordinates())}),
}


def generation(variant):
    """W7b: 64 images of W3's generator from given latents, fetched."""
    gan = wgan_gp()
    latents = np.random.default_rng(0).standard_normal((64, 128)).astype("float32")
    return lambda: gan.generate(latents).numpy()


def segmentation(variant):
    """W7a: W4's U-Net on one image, by a file in an exported format or by `predict_on_batch`, fetched."""
    model, image = unet(), random(1, 64, 64, 1)
    for weight in model.network.weights:  # biases as after training: zeros would be left out of constant graphs
        weight.assign(weight if len(weight.shape) > 1 else random(*weight.shape) - 0.5)
    if variant == "predict_on_batch":
        return lambda: model.predict_on_batch(image)
    with tempfile.TemporaryDirectory() as folder:
        run = formats.RUNNERS[variant](keras_dl.runtime.export(model, folder, format=variant))["predict"]
    return lambda: run({"x": image})["predictions"]


INFERENCE = {"W7a": segmentation, "W7b": generation}
