"""Small energy models for tests."""

import keras
import numpy as np
import tensorflow as tf

from keras_dl import models, networks, objectives, samplers


@keras.saving.register_keras_serializable(package="keras_dl_tests")
class Quadratic(keras.layers.Layer):
    """The energy k (x - m)^2 / 2 + c, summed over values: a Gaussian of precision k whose log Z is known."""

    def __init__(self, precision=1.0, loc=0.0, offset=0.0, **kwargs):
        super().__init__(**kwargs)
        self.precision, self.loc, self.offset = precision, loc, offset

    def build(self, shape):
        constant = keras.initializers.Constant
        self.k = self.add_weight(name="k", shape=(), initializer=constant(self.precision))
        self.m = self.add_weight(name="m", shape=(), initializer=constant(self.loc))

    def call(self, x):
        return 0.5 * self.k * keras.ops.sum(keras.ops.square(x - self.m), -1, keepdims=True) + self.offset

    def get_config(self):
        return {**super().get_config(), "precision": self.precision, "loc": self.loc, "offset": self.offset}


def quadratic(precision=1.0, loc=0.0, offset=0.0, size=1, **options):
    network = keras.Sequential([keras.Input((size,)), Quadratic(precision, loc, offset)])
    return models.EnergyModel(network, seed=0, **options)


def small_energy(objective=None, shape=(2,), **options):
    """An energy model of a small network, not compiled."""
    keras.utils.set_random_seed(0)
    objective = objectives.PersistentContrastiveDivergence(40, energy_penalty=0.1) if objective is None else objective
    network = networks.mlp_critic(shape, hidden=(8,), activation="swish")
    options.setdefault("sampler", samplers.Langevin(3, 0.01))
    return models.EnergyModel(network, objective, seed=0, **options)


def points(rows=64, size=2, seed=0, loc=0.5, scale=0.7):
    return np.random.default_rng(seed).normal(loc, scale, size=(rows, size)).astype("float32")


def draw_of(rows, seed=3):
    from keras_dl.models.base import noise

    zero = tf.constant(0, tf.int64)
    return noise.Draw(tf.constant(seed, tf.int64), zero, 64, tf.constant(rows), 0, True, tf.constant(float(rows)))
