"""Small models that translate images, for tests."""

import keras
import numpy as np

from keras_dl import models, networks

SHAPE = (8, 8, 1)


def images(rows=10, shape=SHAPE, seed=0):
    """Random images in [0, 1]."""
    return np.random.default_rng(seed).random((rows, *shape), dtype=np.float32)


def translator(shape=SHAPE, channels=None):
    """A small network from images to images in [0, 1]."""
    options = {"filters": 2, "num_blocks": 1, "downsamplings": 1, "output_activation": "sigmoid"}
    return networks.resnet_translator(shape, channels, **options)


def critic(shape=SHAPE, source_channels=None):
    """A small critic of patches."""
    return networks.patch_critic(shape, source_channels, filters=2, num_layers=1, normalization="instance")


def pix2pix(**options):
    """A small Pix2Pix, not compiled."""
    keras.utils.set_random_seed(0)
    settings = {"filters": 2, "levels": 2, "normalization": "instance", "output_activation": "sigmoid"}
    generator = networks.pix2pix_generator(SHAPE, **settings)
    return models.Pix2Pix(generator, critic(source_channels=1), **{"seed": 1, **options})


def cycle_gan(**options):
    """A small CycleGAN, not compiled."""
    keras.utils.set_random_seed(0)
    return models.CycleGAN(translator(), translator(), critic(), critic(), **{"seed": 1, "pool_size": 3, **options})
