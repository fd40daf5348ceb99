"""Trainings that are the same on one replica, two replicas and two workers, run in processes of their own."""

import os

import keras
import numpy as np
import tensorflow as tf

import keras_dl
from tests.models.remembering import everything, remembering
from tests.runtime import jobs

BATCH = 16
UNEVEN, EMPTY = 9 * BATCH + 5, 9 * BATCH + 1  # the last of 10 batches has 3 + 2 rows, or 1 + 0 rows


def vae():
    model = jobs.small_vae(optimizer=keras.optimizers.SGD(0.01), jit_compile=False)
    return model, lambda x, y: (x,)


def classifier(jit_compile=False, **options):
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Flatten(), keras.layers.Dense(8, "tanh", **options), keras.layers.Dense(10)]
    network = keras.Sequential([keras.Input((8, 8, 1)), *layers])
    model = keras_dl.models.Supervised(network, seed=2)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss=loss, metrics=["accuracy"], jit_compile=jit_compile)
    return model, lambda x, y: (x, y)


def regularized():
    return classifier(jit_compile=True, kernel_regularizer="l2")


def wgan_gp():
    keras.utils.set_random_seed(1)
    generator = keras_dl.networks.mlp_generator(2, (8, 8, 1), hidden=(8,), activation="tanh")
    critic = keras_dl.networks.mlp_critic((8, 8, 1), hidden=(8,), activation="tanh")
    model = keras_dl.models.WGANGP(generator, critic, latent_size=2, critic_steps=3, seed=2)
    sgd = {f"{name}_optimizer": keras.optimizers.SGD(0.01) for name in ("generator", "critic")}
    model.compile(**sgd, jit_compile=False)
    return model, lambda x, y: (x,)


def remembers():
    sgd = keras.optimizers.SGD(0.01, momentum=0.9)
    model = remembering((8, 8, 1), sgd, fade_from=8 * BATCH, fade=12 * BATCH + 3)
    return model, lambda x, y: (x,)


def flow():
    """Begins by its first batch, dequantises, and normalises activations."""
    keras.utils.set_random_seed(1)
    pixels = keras_dl.likelihoods.Dequantized((8, 8, 1), num_levels=17, value_range=(-0.5, 0.5))
    model = keras_dl.models.Glow(num_levels=2, num_steps=1, hidden=(4,), dequantized=pixels, condition=10, seed=2)
    model.compile(keras.optimizers.SGD(1e-4), jit_compile=False)
    return model, lambda x, y: (x, y)


def energy():
    """Chains that go on in a buffer, whose noise belongs to the row, and whose neighbours are all replicas'."""
    keras.utils.set_random_seed(1)
    network = keras_dl.networks.mlp_critic((8, 8, 1), hidden=(8,), activation="swish")
    objective = keras_dl.objectives.ImprovedContrastiveDivergence(256, energy_penalty=0.1)
    model = keras_dl.models.EnergyModel(network, objective, keras_dl.samplers.Langevin(3, 0.01), seed=2)
    model.compile(keras.optimizers.SGD(0.05), jit_compile=False)
    return model, lambda x, y: (x,)


def flow_matching():
    """Joins the global batch to its noise, pair by pair."""
    keras.utils.set_random_seed(1)
    network = keras_dl.networks.denoising_mlp((8, 8, 1), 8, 8, 1, num_classes=10)
    model = keras_dl.models.FlowMatching(network, coupling=keras_dl.processes.OptimalTransport(), seed=2)
    model.compile(keras.optimizers.SGD(0.1))
    return model, lambda x, y: (x, y)


MODELS = {"remembers": remembers, "vae": vae, "classifier": classifier, "regularized": regularized, "wgan_gp": wgan_gp}
MODELS |= {"flow": flow, "flow_matching": flow_matching, "energy": energy}


def train(strategy, names):
    """Trains models for 50 steps of gradient descent; returns weights, histories and predictions by their names."""
    return {name: _train(strategy, name) for name in names}


def _train(strategy, name):
    with strategy.scope():
        model, data = MODELS[name]()
    x, y = jobs.digits(UNEVEN + 35)
    held_out = data(x[-35:], y[-35:])
    # A batch of 3 rows gives each inner update of the WGAN-GP, which refuses to have none, one row on one replica.
    last = EMPTY + 2 if name == "wgan_gp" else EMPTY
    first = model.fit(*data(x[:UNEVEN], y[:UNEVEN]), batch_size=BATCH, epochs=2, verbose=0)
    options = {"validation_data": held_out, "validation_freq": 3}
    second = model.fit(*data(x[:last], y[:last]), batch_size=BATCH, epochs=3, verbose=0, **options)
    assert model.state.step.numpy() == 50
    inputs = np.linspace(-1, 1, 74, dtype="float32").reshape(37, 2) if name == "wgan_gp" else held_out[0]
    return {
        "weights": everything(model) if name == "remembers" else model.get_weights(),
        "history": first.history | {f"second_{name}": values for name, values in second.history.items()},
        "predictions": model.predict(_for_predict(name, inputs, held_out), batch_size=BATCH, verbose=0),
    }


def _for_predict(name, inputs, held_out):
    """A conditional model takes a dataset of pairs, one of flow matching noisy samples, their times and conditions."""
    if name == "flow_matching":
        times = np.linspace(0.1, 0.9, len(held_out[0]), dtype="float32")
        return {"x": held_out[0], "time": times, "condition": held_out[1]}
    return tf.data.Dataset.from_tensor_slices((held_out,)).batch(BATCH) if name == "flow" else inputs


def normalize(strategy):
    """Trains behind batch normalization; returns what it holds, replica by replica, and what the model predicts."""
    keras.utils.set_random_seed(1)
    with strategy.scope():
        normalization, frozen = (keras_dl.layers.BatchNormalization(momentum=0.5) for _ in range(2))
        network = keras.Sequential([keras.Input((64,)), normalization, frozen, keras.layers.Dense(10)])
        for weight in frozen.weights:
            weight.assign(keras.random.uniform(weight.shape, 0.5, 2))
        frozen.trainable = False
        model = keras_dl.models.Supervised(network, ema_momentum=0.9, seed=2)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(0.1), loss=loss, jit_compile=False)
    x, y = jobs.digits(EMPTY)
    kept = frozen.get_weights()
    model.fit(x.reshape(-1, 64), y, batch_size=BATCH, shuffle=False, verbose=0)
    average = model.ema_networks["network"].layers[0].moving_mean
    values = [strategy.experimental_local_results(v.value) for v in (*normalization.weights, average)]
    return {
        "replicas": [[np.asarray(one) for one in value] for value in values],
        "frozen": [frozen.get_weights(), kept],
        "predictions": [model.predict(x.reshape(-1, 64), batch_size=BATCH, verbose=0)]
        + [np.asarray(model.averaged("network")(x.reshape(-1, 64), training=False))],
        "data": x.reshape(-1, 64),
    }


def on_one_and_two_replicas(names):
    """Returns what `train` makes of models on one device and on two, and what `normalize` does on two."""
    mirrored = keras_dl.runtime.strategy("mirrored", devices=2)
    assert mirrored.num_replicas_in_sync == 2
    return train(keras_dl.runtime.strategy("none"), names), train(mirrored, names), normalize(mirrored)


def on_two_workers(index, ports, names):
    """Returns what `train`, of models, and `normalize` make as one of two workers."""
    os.environ["TF_CONFIG"] = jobs.tf_config(index, ports)
    strategy = keras_dl.runtime.strategy("auto")
    assert strategy.num_replicas_in_sync == 2 and keras_dl.runtime.is_chief() == (index == 0)
    return train(strategy, names), normalize(strategy)
