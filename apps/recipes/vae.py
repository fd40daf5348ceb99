"""Variational autoencoder (Kingma & Welling 2014).

    python -m apps.train vae --out runs/vae

About half a minute on two cores. Held-out digits, 17 grey levels, seed 0: ELBO -88.8 nats, log p(x) -85.8 +- 0.6
(python -m apps.evaluate runs/vae --num-samples 1000).

    python -m apps.train vae --dataset binarized_mnist --preset binarized_mnist --out runs/bm
    python -m apps.evaluate runs/bm --num-samples 200

60,000 steps of batch 100, 15 minutes on two busy cores. Statically binarised MNIST, 1,116,864 weights, seed 0:
-log p(x) = 88.33 +- 0.23 nats by 200 samples (Pythae reports 89.78, the paper 89.9 for its VAE). Gated linear units and
a rate that grows over 20 epochs follow Tomczak & Welling 2018 ("VAE with a VampPrior", 88.56 with the standard prior).
Plain rectified units of the same size overfit at 90.8. Figures: benchmarks/results/vae_binarized_mnist.json.

    python -m apps.train vae --dataset binarized_mnist --preset vamp_prior --out runs/vamp

The same network with a prior of 500 pseudo-inputs (Tomczak & Welling 2018, 85.57), which the encoder reads at every
step beside the batch: -log p(x) = 85.51 +- 0.23 nats by 200 samples, seed 0, 80 minutes of processor time. Figures:
benchmarks/results/vae_vamp_prior.json. `--set prior=mixture` takes a mixture of `prior_components` normals.

    python -m apps.train vae --dataset mnist --preset clusters --out runs/clusters

A mixture of ten normals as prior, whose components are clusters (Jiang et al. 2017, "Variational deep embedding"):
evaluation compares them with the classes, `clusters.png` shows them. A minute on two cores, seed 0: adjusted Rand index
0.417, normalized mutual information 0.556 on the 10,000 held-out digits. The paper starts from a trained autoencoder,
which this does not. Figures: benchmarks/results/vae_clusters.json.

    python -m apps.train vae --dataset binarized_mnist --preset one_hidden_layer --out runs/one

25,000 steps of batch 100 with Adam at 1e-4, 4 minutes: 98.25, 98.05 and 98.24 nats by 200 samples for seeds 0, 1, 2
(97.9 for one seed of the same network in PyTorch). Figures: benchmarks/results/vae_one_hidden_layer.json.
"""

import math

import keras

import keras_dl
from keras_dl.runs import Name

DATASET = "digits"
PRESETS = {
    "binarized_mnist": {
        "likelihood": "bernoulli",
        "network": "mlp",
        "activation": "glu",
        "hidden_units": 300,
        "hidden_layers": 2,
        "latent_size": 40,
        "warm_up_epochs": 20,
        "ema_momentum": 0.999,
        "learning_rate": 1e-3,
        "batch_size": 100,
        "epochs": 120,
    },
    "vamp_prior": {  # a prior of pseudo-inputs (Tomczak & Welling 2018), for binarized_mnist
        "likelihood": "bernoulli",
        "network": "mlp",
        "activation": "glu",
        "hidden_units": 300,
        "hidden_layers": 2,
        "latent_size": 40,
        "prior": "vamp",
        "prior_components": 500,
        "warm_up_epochs": 20,
        "ema_momentum": 0.999,
        "learning_rate": 1e-3,
        "batch_size": 100,
        "epochs": 120,
    },
    "clusters": {  # a mixture as prior, whose components are clusters (Jiang et al. 2017), for mnist
        "likelihood": "bernoulli",
        "network": "mlp",
        "hidden_units": 256,
        "hidden_layers": 2,
        "latent_size": 10,
        "prior": "mixture",
        "prior_components": 10,
        "warm_up_epochs": 3,
        "learning_rate": 2e-3,
        "batch_size": 256,
        "binarize": "none",
        "epochs": 10,
    },
    "paper": {  # the network of Burda et al. 2016, for mnist drawn afresh as zeros and ones
        "likelihood": "bernoulli",
        "network": "mlp",
        "activation": "tanh",
        "hidden_units": 200,
        "hidden_layers": 2,
        "latent_size": 50,
        "warm_up_epochs": 0,
        "learning_rate": 1e-3,
        "batch_size": 20,
        "epochs": 10,
    },
    "one_hidden_layer": {
        "likelihood": "bernoulli",
        "network": "mlp",
        "hidden_units": 400,
        "hidden_layers": 1,
        "latent_size": 40,
        "warm_up_epochs": 0,
        "learning_rate": 1e-4,
        "learning_rate_schedule": "constant",
        "batch_size": 100,
        "epochs": 50,
    },
}


def build(hp, data_spec):
    """Returns a compiled VAE for images of `data_spec.shape`."""
    pixels = likelihood(hp, data_spec)
    encoder, decoder = networks(hp, data_spec, pixels)
    kind = hp.Choice(Name("prior", "distribution of latents"), ["standard", "mixture", "vamp"], default="standard")
    latents = {} if kind == "standard" else prior(hp, kind)
    optimizer, options = training(hp, data_spec)
    model = keras_dl.models.VAE(encoder, decoder, pixels, **options, **latents)
    model.compile(optimizer)
    return model


def fit_options(hp):
    """Returns the batch size, the number of epochs, and whether pixels are drawn afresh as zeros and ones."""
    default = "stochastic" if hp.values.get("likelihood") == "bernoulli" else "none"
    meaning = "grey pixels as they are; drawn as zeros and ones once (static), or in every epoch (stochastic)"
    binarize = hp.Fixed(Name("binarize", meaning, values=("none", "static", "stochastic")), default)
    return {
        "batch_size": hp.Int(Name("batch_size", "samples per step"), 16, 512, default=32, sampling="log"),
        "epochs": hp.Fixed(Name("epochs", "passes over the training data"), 60),
        "binarize": None if binarize == "none" else binarize,
    }


def likelihood(hp, data_spec):
    """Returns the distribution of pixels given latents: logistics over grey levels where these are few or coloured."""
    grey_levels = data_spec.num_levels == 17 or data_spec.shape[-1] > 1
    default = "discretized_logistic" if grey_levels else "bernoulli"
    name = hp.Choice(
        Name("likelihood", "distribution of pixels given latents"),
        ["bernoulli", "gaussian", "discretized_logistic"],
        default=default,
    )
    if name == "discretized_logistic":
        return keras_dl.likelihoods.DiscretizedLogistic(data_spec.num_levels or 256)
    return keras_dl.likelihoods.get(name)


def networks(hp, data_spec, pixels, num_classes=None, latent_size=16):
    """Returns an encoder and a decoder that mirrors it."""
    latent_size = hp.Int(Name("latent_size", "size of the latent vector"), 2, 128, default=latent_size, sampling="log")
    kind = hp.Choice(Name("network", "kind of network"), ["mlp", "conv"], default="conv")
    units = hp.Int(Name("hidden_units", "width of each hidden dense layer"), 16, 1024, default=256, sampling="log")
    hidden = (units,) * hp.Int(Name("hidden_layers", "number of hidden dense layers"), 1, 3)
    options = {"hidden": hidden, "num_classes": num_classes}
    if kind == "mlp":
        options["activation"] = hp.Choice(
            Name("activation", "nonlinearity of dense layers"), ["relu", "tanh", "elu", "glu"]
        )
    decoder_options = {**options, "parameters_per_value": pixels.parameters_per_value}
    if kind == "mlp":
        return (
            keras_dl.networks.mlp_encoder(data_spec.shape, latent_size, **options),
            keras_dl.networks.mlp_decoder(latent_size, data_spec.shape, **decoder_options),
        )
    filters = hp.Int(Name("filters", "channels of the first convolution"), 4, 128, default=32, sampling="log")
    return (
        keras_dl.networks.conv_encoder(data_spec.shape, latent_size, filters=(filters, 2 * filters), **options),
        keras_dl.networks.conv_decoder(latent_size, data_spec.shape, filters=(2 * filters, filters), **decoder_options),
    )


def prior(hp, kind):
    """Returns a prior of several components and how the divergence from it is measured, as options of the model."""
    count = hp.Int(Name("prior_components", "components of the prior"), 1, 2000, default=50, sampling="log")
    kinds = {"mixture": keras_dl.likelihoods.MixturePrior, "vamp": keras_dl.likelihoods.VampPrior}
    return {"prior": kinds[kind](count), "kl": "monte_carlo"}


def ema_momentum(hp):
    """Returns the momentum of averaged weights, or `None` for 0: no averages are kept."""
    return hp.Float(Name("ema_momentum", "decay of averaged weights; 0 for none"), 0.0, 0.9999, default=0.0) or None


def training(hp, data_spec, weighted=True):
    """Returns an optimizer, and the options of a model that say how it is trained.

    The learning rate is constant or falls along a cosine to zero over the run. The weight of the rate, where the
    objective has one, is constant or grows from zero over the first epochs.
    """
    fit = fit_options(hp)
    steps = math.ceil(data_spec.num_samples / fit["batch_size"])  # of an epoch
    rate = hp.Float(Name("learning_rate", "step size at the beginning"), 1e-5, 1e-1, default=1e-3, sampling="log")
    meaning = "how the step size changes"
    schedule = hp.Choice(Name("learning_rate_schedule", meaning), ["constant", "cosine"], default="cosine")
    if schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, fit["epochs"] * steps)
    momentum = hp.Float(Name("ema_momentum", "decay of averaged weights; 0 for none"), 0.0, 0.9999, default=0.0)
    options = {"ema_momentum": momentum or None}
    if weighted:
        weight = hp.Float(Name("beta", "weight of the KL divergence"), 0.1, 10.0, default=1.0, sampling="log")
        warm_up = hp.Int(Name("warm_up_epochs", "epochs in which beta grows from 0"), 0, 100, default=20)
        options["beta"] = keras_dl.objectives.Linear(warm_up * steps, stop=weight) if warm_up else weight
    return keras.optimizers.Adam(rate), options


TASK = keras_dl.tasks.Density(latents=True)
