"""Small models for tests."""

import keras
import numpy as np

from keras_dl import models, networks

SHAPE = (4, 4, 1)


def images(rows=64, shape=SHAPE, seed=0):
    """Random images in [0, 1]."""
    return np.random.default_rng(seed).random((rows, *shape), dtype=np.float32)


def small_vae(shape=SHAPE, latent_size=2, dropout=0.0, num_classes=None, **options):
    """A VAE of a few hundred weights, with Dropout in a nested encoder where asked for."""
    keras.utils.set_random_seed(0)
    encoder = networks.mlp_encoder(shape, latent_size, hidden=(8,), num_classes=num_classes)
    if dropout:
        inputs = keras.Input(shape)
        encoder = keras.Model(inputs, encoder(keras.layers.Dropout(dropout)(inputs)))
    decoder = networks.mlp_decoder(latent_size, shape, hidden=(8,), num_classes=num_classes)
    options.setdefault("seed", 1)
    return (models.ConditionalVAE if num_classes else models.VAE)(encoder, decoder, **options)


def small_classifier(shape=SHAPE, classes=3, seed=1, **options):
    """A supervised dense network, not compiled."""
    keras.utils.set_random_seed(0)
    layers = [keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(8, "tanh"), keras.layers.Dense(classes)]
    return models.Supervised(keras.Sequential(layers), seed=seed, **options)


def largest_difference(model, other):
    """The largest absolute difference of two models' weights."""
    pairs = zip(model.get_weights(), other.get_weights(), strict=True)
    return max(float(np.abs(a - b).max()) for a, b in pairs)
