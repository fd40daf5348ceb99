"""NVAE: a deep hierarchical autoencoder (Vahdat & Kautz 2020).

    python -m apps.train nvae --out runs/nvae

Three minutes on two cores. Held-out digits, 17 grey levels, seed 0: an ELBO of -85.8 nats, beside -88.8 of the recipe
`vae`; 12 epochs (`--epochs 12`) reach -93.2. The paper's optimizer (`--set optimizer=adamax`) is for long runs: it
forgets its first, large gradients slowly, and is far behind Adam on digits.

    python -m apps.train nvae --dataset mnist --preset mnist --out runs/mnist
    python -m apps.train nvae --dataset fashion_mnist --preset fashion_mnist --out runs/fashion
    python -m apps.train nvae --dataset cifar10_subset --preset cifar10_subset --out runs/cifar

Hours on two cores; no figure of these is measured yet. Beside reconstructions a run draws samples by temperature, what
each scale of latents holds, and the rate of each group over the epochs.
"""

import math

import keras

import keras_dl
from apps.recipes import vae
from keras_dl.runs import Name

DATASET = "digits"
PRESETS = {
    "mnist": {  # drawn afresh as zeros and ones in every epoch
        "likelihood": "bernoulli",
        "binarize": "stochastic",
        "groups": 3,
        "halvings": 1,
        "filters": 16,
        "latent_channels": 8,
        "learning_rate": 3e-3,
        "batch_size": 100,
        "epochs": 40,
    },
    "fashion_mnist": {
        "likelihood": "logistic_mixture",
        "binarize": "none",
        "groups": 3,
        "halvings": 1,
        "filters": 16,
        "latent_channels": 8,
        "learning_rate": 3e-3,
        "batch_size": 100,
        "epochs": 40,
    },
    "cifar10_subset": {
        "likelihood": "logistic_mixture",
        "binarize": "none",
        "groups": 4,
        "halvings": 1,
        "filters": 24,
        "latent_channels": 16,
        "learning_rate": 3e-3,
        "batch_size": 50,
        "epochs": 100,
    },
}


def build(hp, data_spec):
    """Returns a compiled NVAE for images of `data_spec.shape`."""
    pixels = likelihood(hp, data_spec)
    encoder, decoder = networks(hp, data_spec, pixels)
    spectral = hp.Float(Name("spectral", "weight of the sum of largest singular values"), 0.0, 10.0, default=0.01)
    kinds = ["code", "paper", "none"]
    balancing = hp.Choice(Name("balancing", "how groups are balanced while the rate warms up"), kinds, default="code")
    model = keras_dl.models.NVAE(
        encoder,
        decoder,
        pixels,
        beta=beta(hp, data_spec),
        balancing=None if balancing == "none" else balancing,
        spectral=spectral or None,
        ema_momentum=vae.ema_momentum(hp),
    )
    model.compile(optimizer(hp, data_spec))
    return model


def likelihood(hp, data_spec):
    """Returns the distribution of pixels given latents: logistics over grey levels where these are few or coloured."""
    channels, levels = data_spec.shape[-1], data_spec.num_levels or 256
    default = "logistic_mixture" if channels > 1 else "discretized_logistic" if levels == 17 else "bernoulli"
    name = hp.Choice(
        Name("likelihood", "distribution of pixels given latents"),
        ["bernoulli", "discretized_logistic", "logistic_mixture"],
        default=default,
    )
    if name == "bernoulli":
        return keras_dl.likelihoods.Bernoulli()
    if name == "discretized_logistic":
        return keras_dl.likelihoods.DiscretizedLogistic(levels)
    components = hp.Int(Name("components", "logistics in a pixel's mixture"), 1, 20, default=5)
    return keras_dl.likelihoods.DiscretizedLogisticMixture(components, channels, levels)


def networks(hp, data_spec, pixels):
    """Returns the way up and the way down."""
    scales = hp.Int(Name("scales", "sizes of images of latents"), 1, 4, default=2)
    count = hp.Int(Name("groups", "groups of latents of each size"), 1, 20, default=2)
    options = {
        "groups": (count,) * scales,
        "filters": hp.Int(Name("filters", "channels at the size of the data"), 4, 128, default=16, sampling="log"),
        "halvings": hp.Int(Name("halvings", "how often images are halved before the largest latents"), 0, 3, default=0),
        "cells_per_group": hp.Int(Name("cells", "residual cells between groups"), 1, 3, default=1),
        "weight_norm": hp.Boolean(Name("weight_norm", "convolutions' directions and lengths apart, as published")),
        "recompute": hp.Boolean(Name("recompute", "less memory, more time: cells are computed twice")),
    }
    *sides, channels = data_spec.shape
    decoder = keras_dl.networks.nvae_decoder(
        (*sides, pixels.num_parameters(channels)),
        latent_channels=hp.Int(Name("latent_channels", "latents of a group per pixel"), 1, 64, default=2),
        expansion=hp.Int(Name("expansion", "how much wider the decoder's cells are within"), 1, 6, default=3),
        **options,
    )
    return keras_dl.networks.nvae_encoder(data_spec.shape, **options), decoder


def beta(hp, data_spec):
    """Returns the weight of the rate, which rises from 1e-4 to 1."""
    share = hp.Float(Name("warm_up", "share of the steps in which the rate's weight grows"), 0.0, 1.0, default=0.3)
    return keras_dl.objectives.Linear(share * steps(hp, data_spec), start=1e-4) if share else 1.0


def optimizer(hp, data_spec):
    """Returns an optimizer whose rate falls along a cosine to a hundredth."""
    name = hp.Choice(Name("optimizer", "Adam, or the paper's for long runs"), ["adam", "adamax"], default="adam")
    rate = hp.Float(Name("learning_rate", "step size at the beginning"), 1e-4, 1e-1, default=1e-2, sampling="log")
    rate = keras.optimizers.schedules.CosineDecay(rate, steps(hp, data_spec), alpha=0.01)
    return keras.optimizers.Adam(rate) if name == "adam" else keras.optimizers.Adamax(rate, epsilon=1e-3)


def steps(hp, data_spec):
    """The number of steps of a run."""
    options = fit_options(hp)
    return options["epochs"] * math.ceil(data_spec.num_samples / options["batch_size"])


def fit_options(hp):
    """Returns the batch size, the number of epochs, and whether pixels are drawn afresh as zeros and ones."""
    default = "stochastic" if hp.values.get("likelihood") == "bernoulli" else "none"
    meaning = "grey pixels as they are; drawn as zeros and ones once (static), or in every epoch (stochastic)"
    binarize = hp.Fixed(Name("binarize", meaning, values=("none", "static", "stochastic")), default)
    return {
        "batch_size": hp.Int(Name("batch_size", "samples per step"), 16, 512, default=32, sampling="log"),
        "epochs": hp.Fixed(Name("epochs", "passes over the training data"), 30),
        "binarize": None if binarize == "none" else binarize,
    }


TASK = keras_dl.tasks.Scales()
