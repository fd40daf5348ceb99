"""Independent logistic pixels of dequantised images: a density of integers, bounded, in one file."""

import keras
import tensorflow as tf

from keras_dl import tasks
from keras_dl.likelihoods import Dequantized
from keras_dl.models import monte_carlo
from keras_dl.models.base import ObjectiveModel, Signature, Update

DATASET = "digits"
PRESETS = {}


class Logistic(ObjectiveModel):
    """Each pixel a logistic variable of its own, on the logit scale."""

    log_prob_kind = "bound"

    def __init__(self, network, dequantized, seed=None, name=None, **kwargs):
        super().__init__({"network": network}, seed=seed, name=name, **kwargs)
        self.dequantized = dequantized

    def make_updates(self, optimizer):
        return (Update("logistic", self.losses, (self.network,), optimizer),)

    def losses(self, batch, draw):
        y, log_weight = self.dequantized.forward_and_log_weight(batch, self.dequantized.draw_noise(draw))
        return -self.density(y) - log_weight

    def density(self, y):
        loc, log_scale = tf.split(self.network(tf.ones([1, 1]))[0], 2)
        z = (tf.reshape(y, [-1, loc.shape[0]]) - loc) * tf.exp(-log_scale)
        return tf.reduce_sum(-z - 2 * tf.math.softplus(-z) - log_scale, -1)

    def call(self, inputs, training=False):
        return inputs

    def log_prob(self, x, condition=None, **options):
        return self.log_density(x, condition, **options).values

    def log_density(self, x, condition=None, num_samples=8, seed=None, kind="bound"):
        x = tf.convert_to_tensor(x)
        return monte_carlo.log_density(self, self.weighed, x, condition, num_samples, seed, kind)

    def weighed(self, x, condition, num_samples, seed, offset):
        return monte_carlo.weigh_noise(self.dequantized, self.density, x, num_samples, seed, offset)

    def signatures(self):
        y = tf.TensorSpec([None, *self.dequantized.padded_shape], tf.float32)
        return {"density": Signature(lambda y: {"log_prob": self.density(y)}, {"y": y})}

    def get_config(self):
        parts = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in ("network", "dequantized")}
        return {"name": self.name, "seed": self.seed, **parts}

    @classmethod
    def from_config(cls, config):
        parts = {name: keras.saving.deserialize_keras_object(config[name]) for name in ("network", "dequantized")}
        return cls(**{**config, **parts})


def build(hp, data_spec):
    """Returns a compiled model of images of `data_spec.shape`."""
    dequantized = Dequantized(data_spec.shape, data_spec.num_levels, alpha=0.05)
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2 * dequantized.num_dims, use_bias=False)])
    model = Logistic(network, dequantized)
    model.compile(keras.optimizers.Adam(hp.Float("learning_rate", 1e-3, 1e-1, default=3e-2, sampling="log")))
    return model


def fit_options(hp):
    """Returns the batch size and the number of epochs."""
    return {"batch_size": hp.Int("batch_size", 16, 512, default=128), "epochs": hp.Fixed("epochs", 2)}


TASK = tasks.Density(generates=False)
