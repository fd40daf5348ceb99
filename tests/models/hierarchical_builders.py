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
