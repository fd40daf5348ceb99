"""Mixtures, components and priors on one device and on two. See `jobs`."""

import keras
import numpy as np

import keras_dl
from keras_dl import likelihoods, models, networks

RANDOM = np.random.default_rng(0)
# Batches of 30, 30 and 1: the last leaves a replica without rows.
X = (RANDOM.integers(3, size=(61, 1)) * 4.0 + RANDOM.normal(size=(61, 4))).astype("float32")


def vae():
    encoder = networks.mlp_encoder((4,), 2, hidden=(4,))
    decoder = networks.mlp_decoder(2, (4,), hidden=(4,))
    options = {"likelihood": likelihoods.Gaussian(scale=1.0), "kl": "monte_carlo", "seed": 0}
    return models.VAE(encoder, decoder, prior=likelihoods.VampPrior(3, bounds=None, spread=1.0), **options)


CASES = {
    "em": lambda: models.GaussianMixture((4,), 3, seed=0),
    "mini_batch": lambda: models.GaussianMixture((4,), 3, "diag", seed=0, method="mini_batch"),
    "gradient": lambda: models.GaussianMixture((4,), 3, seed=0, method="gradient"),
    "ppca": lambda: models.GaussianMixture((4,), 2, "ppca", rank=1, seed=0),
    "k_means": lambda: models.KMeans((4,), 3, seed=0, method="mini_batch"),
    "components": lambda: models.PPCA((4,), 2, method="em", seed=0),
    "vamp_prior": vae,
}


def train(strategy):
    """Returns weights by case."""
    weights = {}
    for name, build in CASES.items():
        keras.utils.set_random_seed(0)
        with strategy.scope():
            model = build()
            optimizer = {"optimizer": keras.optimizers.SGD(1e-5)} if model.optimizer_names else {}
            model.compile(**optimizer, jit_compile=False)
        model.fit(X, batch_size=30, epochs=2, verbose=0)
        weights[name] = model.get_weights()
    return weights


def on_one_and_two_replicas():
    """Returns what `train` makes on one device and on two."""
    mirrored = keras_dl.runtime.strategy("mirrored", devices=2)
    return train(keras_dl.runtime.strategy("none")), train(mirrored)
