"""Odd models that tasks must take: none has more than its task asks for."""

import keras
import tensorflow as tf

from keras_dl.models.base import Draw, ObjectiveModel, Update


class DiagonalGaussian(ObjectiveModel):
    """An exact density of images: independent normals with learned means; without latents, without `objective`."""

    def __init__(self, network, seed=None, name=None, **kwargs):
        super().__init__({"network": network}, seed=seed, name=name, **kwargs)

    def make_updates(self, optimizer):
        return (Update("gaussian", lambda x, draw: -self.log_prob(x), (self.network,), optimizer),)

    def log_prob(self, x):
        x = tf.reshape(tf.cast(x, "float32"), [-1, 64])
        mean = self.network(tf.ones([1, 1]))
        return -0.5 * tf.reduce_sum((x - mean) ** 2, -1) - 32 * tf.math.log(2 * 3.141592653589793)

    def sample(self, num_samples, condition=None, seed=None):
        noise = Draw.for_sampling(*self.sampling_seed(seed), tf.constant(num_samples)).normal((64,))
        return tf.reshape(self.network(tf.ones([1, 1])) + noise, [-1, 8, 8, 1])


class Silent(DiagonalGaussian):
    """A density that cannot be drawn from."""

    sample = None


class TwoLatents(DiagonalGaussian):
    """A density that says it has two latents, which nothing decodes."""

    latent_size = 2


def gaussian(kind=DiagonalGaussian):
    """A compiled model of 64 means."""
    keras.utils.set_random_seed(0)
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(64, use_bias=False)])
    model = kind(network)
    model.compile(keras.optimizers.Adam(0.1))
    return model
