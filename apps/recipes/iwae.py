"""Importance-weighted autoencoder (Burda et al. 2016): a VAE trained on the bound of several samples.

    python -m apps.train iwae --out runs/iwae

About half a minute on two cores. Held-out digits, 17 grey levels, seed 0, five samples: bound -87.1 nats, log p(x)
-84.9 +- 0.6, where `vae` has -85.8 (python -m apps.evaluate runs/iwae --num-samples 1000).

    python -m apps.train iwae --dataset mnist --preset paper --out runs/iwae50
    python -m apps.train vae --dataset mnist --preset paper --out runs/vae1
    python -m apps.evaluate runs/iwae50 --num-samples 5000

k = 50 samples beside one, the network of Burda et al. 2016 (two tanh layers of 200, 50 latents), 30,000 steps of batch
20 on MNIST drawn afresh as zeros and ones; 17 and 2 minutes on busy cores. -log p(x) of the 10,000 test images by 5,000
samples: 95.03 +- 0.25 nats beside 100.02 +- 0.28 of the VAE (the paper, after 330 times as many epochs: 84.78 beside
86.76). Figures: benchmarks/results/iwae_mnist.json.
"""

import keras_dl
from apps.recipes import vae
from keras_dl.runs import Name

DATASET = "digits"
PRESETS = {
    "paper": {  # k = 50 with the network of Burda et al. 2016; beside it, the same preset of `vae`
        "likelihood": "bernoulli",
        "network": "mlp",
        "activation": "tanh",
        "hidden_units": 200,
        "hidden_layers": 2,
        "latent_size": 50,
        "num_samples": 50,
        "learning_rate": 1e-3,
        "batch_size": 20,
        "epochs": 10,
    },
}

fit_options = vae.fit_options


def build(hp, data_spec):
    """Returns a compiled VAE for images of `data_spec.shape` whose objective is the importance-weighted bound."""
    pixels = vae.likelihood(hp, data_spec)
    encoder, decoder = vae.networks(hp, data_spec, pixels)
    num_samples = hp.Int(Name("num_samples", "latents per image in the bound"), 1, 64, default=5, sampling="log")
    objective = keras_dl.objectives.IWAE(num_samples)
    optimizer, options = vae.training(hp, data_spec, weighted=False)
    model = keras_dl.models.VAE(encoder, decoder, pixels, objective=objective, **options)
    model.compile(optimizer)
    return model


# The bound of several samples grows with their number, and the ELBO is not what trains the model.
TASK = keras_dl.tasks.Density(latents=True, goals=("log_prob", "elbo", "loss"))
