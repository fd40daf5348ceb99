"""Small hierarchical autoencoders for tests."""

import keras

from keras_dl import models, networks
from tests.models.builders import images

X = images(12)


def small(likelihood="bernoulli", batch_normalization=False, **options):
    """Two groups, of 2 and 3 latents, of 4x4 images."""
    keras.utils.set_random_seed(0)
    given = {"hidden": (6, 5), "batch_normalization": batch_normalization}
    encoder = networks.ladder_encoder(X.shape[1:], **given)
    decoder = networks.ladder_decoder(X.shape[1:], (3, 2), sees_latents=True, **given)
    options.setdefault("seed", 1)
    model = models.HierarchicalVAE(encoder, decoder, likelihood, **options)
    model.compile(keras.optimizers.SGD(1e-2), run_eagerly=True)
    return model


def nvae(groups=(1, 1), shape=(4, 4, 1), synchronized=False, **options):
    """Groups of 2 latents a pixel at 4x4 and, where there is a second scale, at 2x2 pixels."""
    keras.utils.set_random_seed(0)
    given = {"groups": groups, "filters": 4, "halvings": 0, "synchronized": synchronized}
    encoder = networks.nvae_encoder(shape, **given)
    decoder = networks.nvae_decoder(shape, latent_channels=2, expansion=1, **given)
    options.setdefault("seed", 1)
    model = models.NVAE(encoder, decoder, **options)
    model.compile(keras.optimizers.SGD(1e-2), run_eagerly=True)
    return model
