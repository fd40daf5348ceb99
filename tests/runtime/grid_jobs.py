"""Every way of computing a step, on one and on two replicas, for a small VAE, WGAN-GP and classifier."""

import itertools

import keras
import numpy as np
import tensorflow as tf

import keras_dl
from tests.runtime import jobs

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
ROWS, BATCH, EPOCHS = 83, 16, 2  # 6 steps an epoch, the last batch of 3 rows
SHAPE = (8, 8, 1)


def vae(precision, **options):
    return jobs.small_vae(precision, optimizer=keras.optimizers.Adam(1e-2), **options)


def wgan_gp(precision, **options):
    keras.config.set_dtype_policy(precision)
    keras.utils.set_random_seed(1)
    generator = keras_dl.networks.mlp_generator(2, SHAPE, hidden=(8,))
    critic = keras_dl.networks.mlp_critic(SHAPE, hidden=(8,))
    model = keras_dl.models.WGANGP(generator, critic, latent_size=2, critic_steps=2, seed=2)
    adams = {f"{name}_optimizer": keras.optimizers.Adam(1e-3) for name in ("generator", "critic")}
    model.compile(**adams, **options)
    return model


def classifier(precision, **options):
    keras.config.set_dtype_policy(precision)
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Flatten(), keras.layers.Dense(8), keras.layers.BatchNormalization(), keras.layers.ReLU()]
    network = keras.Sequential([keras.Input(SHAPE), *layers, keras.layers.Dense(10, dtype="float32")])
    model = keras_dl.models.Supervised(network, seed=2)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-2), loss=loss, metrics=["accuracy"], **options)
    return model


MODELS = {"vae": vae, "wgan_gp": wgan_gp, "classifier": classifier}
GRID = list(itertools.product(PRECISIONS, (False, True), (1, 4), (1, 2)))  # precision, XLA, steps a call, replicas


# In these every two values of two axes stand together once; the first is what the others are compared with.
PAIRS = [
    ("float32", False, 1, 1),
    ("float32", True, 4, 2),
    ("mixed_bfloat16", False, 4, 2),
    ("mixed_bfloat16", True, 1, 1),
    ("mixed_float16", False, 1, 2),
    ("mixed_float16", True, 4, 1),
]


def run(name, ways):
    """Trains one model in several ways; returns for each whether all is finite, the steps done and the losses."""
    strategies = {2: keras_dl.runtime.strategy("mirrored", devices=2), 1: keras_dl.runtime.strategy("none")}
    return {way: _train(name, strategies[way[-1]], *way[:-1]) for way in ways}


def _train(name, strategy, precision, xla, steps):
    with strategy.scope():
        model = MODELS[name](precision, jit_compile=xla, steps_per_execution=steps)
    x, y = jobs.digits(ROWS)
    data = (x, y) if name == "classifier" else (x,)
    history = model.fit(*data, batch_size=BATCH, epochs=EPOCHS, verbose=0).history
    losses = {metric: values[-1] for metric, values in history.items() if metric.endswith("loss")}
    finite = all(np.isfinite(w).all() for w in model.get_weights())
    scaled = all(isinstance(u.optimizer, keras.optimizers.LossScaleOptimizer) for u in model.updates)
    found = {"finite": finite, "steps": int(model.state.step.numpy()), "losses": losses, "scaled": scaled}
    return found | {"batch_statistics": name == "classifier"}


def end_of_data_of_unknown_length():
    """Trains on two replicas on data that do not tell how many batches they hold; returns the counters at the end."""
    strategy = keras_dl.runtime.strategy("mirrored", devices=2)
    x, _ = jobs.digits(ROWS)
    data = keras_dl.data.pipeline(x, batch_size=BATCH, seed=3)
    data = data.filter(lambda batch: True)
    assert data.cardinality() == tf.data.UNKNOWN_CARDINALITY
    with strategy.scope():
        model = jobs.small_vae(jit_compile=False)
    model.fit(data, epochs=EPOCHS, verbose=0)
    return int(model.state.step.numpy()), int(model.optimizer.iterations.numpy())
