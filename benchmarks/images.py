"""W14 to W17: StyleGAN2, EDSR, ESPCN and CycleGAN, as a user of keras_dl writes them. The peers: `images_torch.py`."""

import keras
import numpy as np

import keras_dl
from benchmarks.workloads import OPTIMIZER, random, repeated

#: Of W16: sides of the tiles in pixels of the small image.
TILE = 256
_STYLES = {"filters": 32, "max_filters": 128}


def stylegan(seed=0, **parts):
    """W14: StyleGAN2 at 32x32x3 (skip generator, residual critic), R1 every 16 steps, path lengths every 4.

    128 channels up to 8x8, 64 at 16x16 and 32 at 32x32, a mapping of two layers of 128.
    """
    options = {"latent_size": 128, "mapping_layers": 2, "output_activation": None}
    generator = keras_dl.networks.stylegan_generator((32, 32, 3), **options, **_STYLES)
    critic = keras_dl.networks.stylegan_critic((32, 32, 3), **_STYLES)
    gan = keras_dl.models.StyleGAN(generator, critic, r1_weight=0.01, seed=seed, **parts)
    gan.compile()  # with the papers' optimizers
    return gan


def edsr():
    """W15: the EDSR paper's baseline, x2, from patches of 48x48."""
    model = keras_dl.models.SuperResolution(keras_dl.networks.edsr(), seed=0)
    model.compile(keras.optimizers.Adam(**OPTIMIZER))
    return model


def patches():
    """W15: 16 small patches and the large ones."""
    return random(16, 48, 48, 3), random(16, 96, 96, 3, seed=1)


def cycle_gan():
    """W17: CycleGAN at 64x64x3: translators of six blocks from 64 channels, critics of 70x70 patches, pools of 50."""
    translators = [keras_dl.networks.resnet_translator((64, 64, 3), num_blocks=6) for _ in range(2)]
    critics = [keras_dl.networks.patch_critic((64, 64, 3), normalization="instance") for _ in range(2)]
    model = keras_dl.models.CycleGAN(*translators, *critics, seed=0)
    model.compile()  # with the paper's optimizers
    return model


def domains():
    """W17: an image of each domain, in [-1, 1]."""
    return random(1, 64, 64, 3) * 2 - 1, random(1, 64, 64, 3, seed=1) * 2 - 1


TRAINING = {
    "W14": lambda: (stylegan(), {"x": repeated(random(32, 32, 32, 3) * 2 - 1)}),
    "W15": lambda: (edsr(), {"x": repeated(patches())}),
    "W17": lambda: (cycle_gan(), {"x": repeated(domains())}),
}
#: Steps after which the work of a step begins anew.
PERIODS = {"W14": 16}


def generation(variant):
    """W14g: 64 images of W14's generator from given latents, fetched."""
    gan = stylegan()
    latents = np.random.default_rng(0).standard_normal((64, 128)).astype("float32")
    return lambda: gan.generate(latents).numpy()


def enlargement(variant):
    """W16: an image of 1080x1920 (luma) to 2160x3840 by ESPCN, tile by tile."""
    model = keras_dl.models.SuperResolution(keras_dl.networks.espcn(scale=2))
    image = random(1080, 1920, 1)
    return lambda: model.upscale(image, tile=TILE)


INFERENCE = {"W14g": generation, "W16": enlargement}
