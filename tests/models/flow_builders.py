"""Small normalizing flows."""

import keras
import numpy as np

from keras_dl import bijectors, likelihoods, models
from tests.models.builders import images

POINTS = np.random.default_rng(0).normal(size=(10, 3)).astype("float32")
IMAGES = images(10)
LEVELS = np.round(IMAGES * 16) / 16


def pixels(**options):
    return likelihoods.Dequantized(IMAGES.shape[1:], num_levels=17, alpha=0.05, **options)


def variational_pixels():
    """Pixels whose noise a network decides."""
    inputs = keras.Input(IMAGES.shape[1:])
    return pixels(noise=keras.Model(inputs, keras.layers.Conv2D(2, 1)(inputs)))


def general():
    """Every kind of step for vectors, a mixture, a condition and averages."""
    steps = [
        bijectors.ActNorm(),
        bijectors.AffineCoupling(hidden=(4,)),
        bijectors.BatchNorm(),
        bijectors.InvertibleLinear(),
        bijectors.Autoregressive(bijectors.SplineTransform(3), hidden=(4,)),
        bijectors.Split(bijectors.Permute(), hidden=(3,)),
    ]
    base = likelihoods.NormalMixture(3, components=2)
    return models.NormalizingFlow(bijectors.Chain(steps), (3,), base, condition=3, seed=0, ema_momentum=0.9)


def glow(**options):
    return models.Glow(num_levels=2, num_steps=1, hidden=(4, 4), dequantized=pixels(), seed=0, **options)
