"""Normalizing flow of two coupling layers: a family of its own, with its own picture and measure, in one file."""

import math

import keras
import numpy as np
import tensorflow as tf

import keras_dl
from keras_dl import tasks
from keras_dl.models.base import Draw, ObjectiveModel, Signature, Update, fresh_seed
from keras_dl.runs import Name

DATASET = "eight_gaussians"
PRESETS = {"tiny": {"hidden_units": 4}}


class CouplingFlow(ObjectiveModel):
    """A density of points in the plane: each coordinate moved and scaled by a function of the other."""

    def __init__(self, first, second, seed=None, name=None, **kwargs):
        super().__init__({"first": first, "second": second}, seed=seed, name=name, **kwargs)

    def make_updates(self, optimizer):
        return (Update("flow", self.losses, (self.first, self.second), optimizer),)

    def losses(self, batch, draw):
        return -self.density(batch)

    def density(self, x):
        z, scales = x, 0.0
        for network, axis in ((self.first, 0), (self.second, 1)):
            shift, scale = tf.unstack(network(z[:, axis : axis + 1]), axis=-1)
            moved = (z[:, 1 - axis] - shift) * tf.exp(-scale)
            z, scales = tf.stack([z[:, 0], moved] if axis == 0 else [moved, z[:, 1]], -1), scales + scale
        return -0.5 * tf.reduce_sum(z**2, -1) - math.log(2 * math.pi) - scales

    def call(self, inputs, training=False):
        return self.density(inputs)

    def log_prob(self, x, condition=None):
        return self.as_graph(self.density)(tf.convert_to_tensor(x, tf.float32))

    def sample(self, num_samples, condition=None, seed=None):
        seed, call = self.sampling_seed(seed)
        return self.as_graph(self.draw)(tf.constant(num_samples), seed, call)

    def draw(self, num_samples, seed, call):
        x = Draw.for_sampling(seed, call, num_samples).normal((2,))
        for network, axis in ((self.second, 1), (self.first, 0)):
            shift, scale = tf.unstack(network(x[:, axis : axis + 1]), axis=-1)
            moved = x[:, 1 - axis] * tf.exp(scale) + shift
            x = tf.stack([x[:, 0], moved] if axis == 0 else [moved, x[:, 1]], -1)
        return x

    def signatures(self):
        points = tf.TensorSpec([None, 2], tf.float32)
        scalars = {"num_samples": tf.TensorSpec([], tf.int32), "seed": tf.TensorSpec([], tf.int64)}

        def sample(num_samples, seed):
            return {"x": self.draw(num_samples, fresh_seed(seed), tf.constant(0, tf.int64))}

        return {
            "log_prob": Signature(lambda x: {"log_prob": self.density(x)}, {"x": points}),
            "sample": Signature(sample, scalars),
        }

    def get_config(self):
        networks = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in self.network_names}
        return {"name": self.name, "seed": self.seed, **networks}

    @classmethod
    def from_config(cls, config):
        networks = {name: keras.saving.deserialize_keras_object(config[name]) for name in ("first", "second")}
        return cls(**{**config, **networks})


def build(hp, data_spec):
    """Returns a compiled flow."""
    units = hp.Int(Name("hidden_units", "width of the layers"), 4, 64, default=16)
    networks = [
        keras.Sequential([keras.Input((1,)), keras.layers.Dense(units, "tanh"), keras.layers.Dense(2)]) for _ in "12"
    ]
    model = CouplingFlow(*networks)
    model.compile(keras.optimizers.Adam(hp.Float("learning_rate", 1e-4, 1e-1, default=1e-2, sampling="log")))
    return model


def fit_options(hp):
    """Returns the batch size and the number of epochs."""
    return {"batch_size": hp.Int("batch_size", 16, 8192, default=8192), "epochs": hp.Fixed("epochs", 2)}


class Spread(tasks.Density):
    """A density that also says how far its samples spread, and draws them in the plane."""

    def measures(self, model, data, context=None):
        samples = np.asarray(model.sample(100, seed=0))
        spread = tasks.Measure(float(samples.std()), None, "max", "spread of samples")
        return super().measures(model, data, context) | {"spread": spread}

    def pictures(self, model, data, folder, context=None):
        keras_dl.callbacks.save_points(folder / "plane.png", np.asarray(model.sample(100, seed=0)))
        return super().pictures(model, data, folder, context) | {folder / "plane.png": "samples in the plane"}


TASK = Spread()
