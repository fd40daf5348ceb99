"""Conditional variational autoencoder, p(x | y) for class labels y (Sohn et al. 2015).

    python -m apps.train cvae --out runs/cvae

About half a minute on two cores. Held-out digits given their classes, 17 grey levels, seed 0: ELBO -85.4 nats,
log p(x | y) -83.0 +- 0.7 (python -m apps.evaluate runs/cvae --num-samples 1000).
"""

import keras_dl
from apps.recipes import vae

DATASET = "digits"
PRESETS = {}

fit_options = vae.fit_options


def build(hp, data_spec):
    """Returns a compiled conditional VAE for images of `data_spec.shape` with `data_spec.num_classes` classes."""
    pixels = vae.likelihood(hp, data_spec)
    encoder, decoder = vae.networks(hp, data_spec, pixels, data_spec.num_classes, latent_size=8)
    optimizer, options = vae.training(hp, data_spec)
    model = keras_dl.models.ConditionalVAE(encoder, decoder, pixels, **options)
    model.compile(optimizer)
    return model


TASK = keras_dl.tasks.Density("labels", latents=True)
