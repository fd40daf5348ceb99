"""Flows, diffusion, energies and hierarchical autoencoders as a user of keras_dl writes them: W9 to W13.

`families_torch.py` is PyTorch's side. Sampling fetches its result.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

import keras_dl
from benchmarks.workloads import OPTIMIZER, random, repeated

IMAGE = (28, 28, 1)
SAMPLES = 64
STEPS = 50


def normal(*shape):
    """Standard normal float32 numbers."""
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


def coupling_flow():
    """W9: five couplings of splines between ActNorms and linear maps, 64 columns."""
    return keras_dl.models.NeuralSplineFlow((64,), num_layers=5, hidden=(64, 64), num_bins=8, seed=0)


def autoregressive_flow():
    """W9a: five MADEs of splines in alternating orders, 64 columns."""
    spline = keras_dl.bijectors.SplineTransform(num_bins=8)
    options = {"hidden": (64, 64), "normalization": None, "transform": spline}
    return keras_dl.models.MAF((64,), num_layers=5, **options, seed=0)


def glow():
    """W10: two levels of six steps with 64 channels, uniform dequantisation."""
    pixels = keras_dl.likelihoods.Dequantized(IMAGE, 256, value_range=(-0.5, 0.5))
    return keras_dl.models.Glow(num_levels=2, num_steps=6, hidden=(64, 64), dequantized=pixels, seed=0)


def diffusion():
    """W11: the denoising U-Net of the recipe `ddpm`, three levels from 24 channels, with averaged weights."""
    network = keras_dl.networks.denoising_unet(IMAGE, (24, 48, 48), 1, (2,), num_heads=2)
    return keras_dl.models.Diffusion(network, steps=STEPS, ema_momentum=0.995, seed=0)


def energy_network():
    """W12: the network of the recipe `ebm`: convolutions of 16 to 128 channels and two dense layers."""
    inputs, filters = keras.Input(IMAGE), 16
    x = layers.Conv2D(filters, 3, padding="same", activation="swish")(inputs)
    for _ in range(3):
        filters *= 2
        x = layers.Conv2D(filters, 4, strides=2, padding="same", activation="swish")(x)
    x = layers.Dense(2 * filters, activation="swish")(layers.Flatten()(x))
    return keras.Model(inputs, layers.Dense(1)(x))


def energy_model():
    """W12: chains of 60 steps, their step and noise set by themselves."""
    sampler = keras_dl.samplers.Langevin.of_noise(60, 5.0, 0.003, boundary="clip", max_gradient=0.03)
    return keras_dl.models.EnergyModel(energy_network(), sampler=sampler, value_range=(0.0, 1.0), seed=0)


def nvae():
    """W13: the network of the recipe `nvae` with its preset for MNIST: two scales of three groups."""
    options = {"groups": (3, 3), "filters": 16, "halvings": 1}
    encoder = keras_dl.networks.nvae_encoder(IMAGE, **options)
    decoder = keras_dl.networks.nvae_decoder(IMAGE, latent_channels=8, expansion=3, **options)
    return keras_dl.models.NVAE(encoder, decoder, beta=keras_dl.objectives.Linear(7200, start=1e-4), seed=0)


def compiled(model, **options):
    """The model with Adam."""
    model.compile(keras.optimizers.Adam(**OPTIMIZER), **options)
    return model


def grey_levels():
    """A batch of 64 images of 256 levels."""
    return np.random.default_rng(0).integers(0, 256, (64, *IMAGE)).astype("uint8")


#: Flows of vectors by XLA, as "auto" chooses in runs of thousands of steps.
TRAINING = {
    "W9": lambda: (compiled(coupling_flow(), jit_compile=True), {"x": repeated(normal(256, 64))}),
    "W9a": lambda: (compiled(autoregressive_flow(), jit_compile=True), {"x": repeated(normal(256, 64))}),
    "W10": lambda: (compiled(glow()), {"x": repeated(grey_levels())}),
    "W11": lambda: (compiled(diffusion()), {"x": repeated(random(64, *IMAGE))}),
    "W13": lambda: (compiled(nvae()), {"x": repeated(random(100, *IMAGE).round())}),
}


def sampled(build, count=SAMPLES):
    """A call that draws samples."""

    def measured(variant):
        model = build()
        return lambda: model.sample(count, seed=0).numpy()

    return measured


def denoised(variant):
    """W11s: samples in 50 steps; variant `network`: as many calls of the network alone, each in a graph."""
    if variant != "network":
        return sampled(diffusion)(variant)
    model = diffusion()
    network = model.averaged("network")
    call = tf.function(lambda x, time: network({"x": x, "time": time}, training=False))
    x, times = tf.constant(normal(SAMPLES, *IMAGE)), tf.fill([SAMPLES], 0.5)

    def calls():
        for _ in range(STEPS):
            y = call(x, times)
        return y.numpy()

    return calls


INFERENCE = {
    "W9s": sampled(coupling_flow, 256),
    "W9as": sampled(autoregressive_flow, 256),
    "W10s": sampled(glow),
    "W11s": denoised,
    "W12": sampled(energy_model),
}
