"""A smallest model that uses every mechanism of the base by which a training remembers."""

import keras
import numpy as np
import tensorflow as tf

from keras_dl.models.base import (
    Carried,
    ObjectiveModel,
    Phase,
    Rows,
    SampleBuffer,
    Signature,
    Update,
    mean_and_variance,
    moving,
)

CAPACITY = 20


@keras.saving.register_keras_serializable(package="keras_dl_tests")
class Remembering(ObjectiveModel):
    """A network with a lazy penalty, a length that is averaged, a pool of samples, sums over an epoch, and a fade."""

    averaged_networks = ("network",)

    def __init__(self, network, fade_from=40, fade=60, steps_per_batch=1, **options):
        super().__init__({"network": network}, **options)
        self.fade_from, self.fade, self.steps_per_batch = fade_from, fade, steps_per_batch
        self.carry("length", Carried(start=1.0, rule=moving(0.9)))
        self.carry("pool", SampleBuffer(CAPACITY, network.input_shape[1:], value_range=(0, 1)))
        options = {"value_range": (0, 1), "num_classes": 2}
        self.carry("classes", SampleBuffer(CAPACITY, network.input_shape[1:], **options))
        self.mean = self.carry("mean", Carried(network.input_shape[1:], combine="same"))
        self.set_phases(
            [
                Phase("warm-up", fade_from, updates=("main", "sums")),
                Phase("fade", fade, restart=("optimizer",)),
                Phase("rest", steps_per_batch=steps_per_batch),
            ]
        )

    def make_updates(self, optimizer):
        networks = (self.network,)
        returned = {"terms": ("fade",), "hands_back": ("length", "pool", "classes")}
        return (
            Update("main", self.main_loss, networks, optimizer, **returned),
            Update("lazy", self.lazy_loss, networks, optimizer, every=3, rescale=True),
            Update("sums", self.sums, sums={"total": self.network.input_shape[1:], "rows": ()}, finish=self.set_mean),
        )

    def initialize(self, batch, draw):
        self.mean.variable.assign(mean_and_variance(batch)[0])

    def main_loss(self, x, draw):
        y = tf.cast(self.network(x - self.mean.value, training=draw.training)[:, 0], tf.float32)
        slots = draw.slots(CAPACITY)
        by_class = self.carried["classes"]
        labels = tf.reduce_mean(tf.reshape(x, [tf.shape(x)[0], -1]), -1) > 0.4
        class_slots = by_class.slots_of(labels, draw.slots(by_class.slots_per_class))
        remembered = self.carried["pool"].read(slots) - 0.5 * by_class.read(class_slots)
        likeness = tf.reduce_mean(tf.reshape(remembered * x, [tf.shape(x)[0], -1]), -1)
        draw.hand_on(scores=y)
        values = tf.square(y - 1.0) * self.carried["length"].value + likeness * y + 0.1 * draw.normal() * y
        fade = tf.zeros_like(y) + self.phase_fraction()
        return (
            values,
            {"fade": fade},
            {
                "length": tf.abs(y),
                "pool": Rows(slots, x),
                "classes": Rows(class_slots, x),
            },
        )

    def lazy_loss(self, x, draw):
        scores = tf.stop_gradient(draw.earlier["scores"])
        y = tf.cast(self.network(x, training=draw.training)[:, 0], tf.float32)
        return tf.square(y - 0.5 * scores)

    def sums(self, x, draw):
        total = tf.reduce_sum(tf.cast(x, tf.float64), 0)
        return tf.zeros(tf.shape(x)[0]), {}, {"total": total, "rows": tf.cast(tf.shape(x)[0], tf.float64)}

    def set_mean(self, sums):
        self.mean.variable.assign(tf.cast(sums["total"] / sums["rows"], tf.float32))

    def signatures(self):
        x = tf.TensorSpec([None, *self.network.input_shape[1:]], tf.float32)
        return {"score": Signature(lambda x: {"score": self(x)}, {"x": x})}

    def call(self, x, training=False):
        return self.averaged("network")(x - self.mean.value, training=training)

    def get_config(self):
        own = {name: getattr(self, name) for name in ("fade_from", "fade", "steps_per_batch")}
        return {**super().get_config(), **own, "network": keras.saving.serialize_keras_object(self.network)}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "network": keras.saving.deserialize_keras_object(config["network"])})


def remembering(
    shape=(3,), optimizer=None, jit_compile=False, steps_per_execution=1, ema_momentum=0.9, policy=None, **options
):
    """The model, compiled, with a few dozen weights."""
    keras.utils.set_random_seed(0)
    dense = [keras.layers.Dense(4, "tanh", dtype=policy), keras.layers.Dense(1, dtype=policy)]
    layers = [keras.layers.Flatten(dtype=policy), *dense]
    network = keras.Sequential([keras.Input(shape), *layers])
    model = Remembering(network, seed=3, ema_momentum=ema_momentum, **options)
    optimizer = keras.optimizers.Adam(0.01) if optimizer is None else optimizer
    model.compile(optimizer, jit_compile=jit_compile, steps_per_execution=steps_per_execution)
    return model


def everything(model):
    """All that a training of the model has changed, a list of arrays."""
    variables = [*model.weights, *model.optimizer.variables]
    variables += [variable for state in model.carried.values() for variable in state.variables]
    return [np.asarray(variable) for variable in variables]


def assert_same(model, other, tolerance=0.0):
    """Holds one model against another."""
    for one, two in zip(everything(model), everything(other), strict=True):
        np.testing.assert_allclose(one, two, rtol=0, atol=tolerance)
    for name in ("step", "samples"):
        assert int(getattr(model.state, name).numpy()) == int(getattr(other.state, name).numpy())
    assert model.state.phase == other.state.phase
