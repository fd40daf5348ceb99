"""Importance-weighted autoencoder (Burda et al. 2016): a VAE trained on the bound of several samples.

    python -m apps.train iwae --out runs/iwae

About half a minute on two cores. Held-out digits, 17 grey levels, seed 0, five samples: bound -86.6 nats, log p(x)
-84.4 +- 0.6, where `vae` has -86.1 (python -m apps.evaluate runs/iwae --num-samples 1000).
"""

import keras_dl
from apps.recipes import vae

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
        "epochs": 8,
    },
}

fit_options = vae.fit_options


def build(hp, data_spec):
    """Returns a compiled VAE for images of `data_spec.shape` whose objective is the importance-weighted bound."""
    pixels = vae.likelihood(hp, data_spec)
    encoder, decoder = vae.networks(hp, data_spec, pixels)
    objective = keras_dl.objectives.IWAE(hp.Int("num_samples", 1, 64, default=5, sampling="log"))
    model = keras_dl.models.VAE(
        encoder, decoder, pixels, objective=objective, ema_momentum=vae.ema_momentum(hp)
    )
    model.compile(vae.optimizer(hp, data_spec))
    return model
