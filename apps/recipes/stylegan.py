"""Style-based GAN: modulated styles, lazy regularisation, noise of every scale (Karras et al. 2019 and 2020).

    python -m apps.train stylegan --out runs/stylegan
    python -m apps.train stylegan --dataset fashion_mnist --epochs 5 --out runs/fashion
    python -m apps.train stylegan --data FOLDER --set augmentation_images=20000 --out runs/mine

Images are square, with sides of a power of two from 8 on, or up to an eighth less (28, in networks of 32). Beside
samples a run draws a table of mixed styles, the effect of noise, truncation towards the mean style, and a film of paths
between samples.
"""

import keras

import keras_dl
from keras_dl.models.base import HalfLife
from keras_dl.runs import Name

DATASET = "digits"
PRESETS = {}


def build(hp, data_spec):
    """Returns a compiled StyleGAN for images of `data_spec.shape`."""
    shape, small = data_spec.shape, data_spec.shape[0] < 16
    widths = {
        "filters": hp.Int(
            Name("filters", "channels of the largest feature maps"), 4, 128, default=32 if small else 16, sampling="log"
        ),
        "max_filters": hp.Int(Name("max_filters", "most channels"), 8, 512, default=64, sampling="log"),
    }
    generator = keras_dl.networks.stylegan_generator(
        shape,
        latent_size=hp.Int(Name("latent_size", "size of latents and styles"), 2, 512, default=32, sampling="log"),
        mapping_layers=hp.Int(Name("mapping_layers", "dense layers from latents to styles"), 1, 8, default=2),
        **widths,
    )
    half_life = hp.Float(Name("half_life", "images after which averaged weights forget half"), 1e2, 1e6, default=1e4)
    model = keras_dl.models.StyleGAN(
        generator,
        keras_dl.networks.stylegan_critic(shape, **widths),
        r1_weight=hp.Float(
            Name("r1", "weight of the critic's squared gradient"), 1e-3, 100.0, default=0.3, sampling="log"
        ),
        path_weight=hp.Float(Name("path_weight", "weight of the path-length regularisation"), 0.0, 10.0, default=0.0),
        mixing=hp.Float(Name("mixing", "share of samples whose styles are of two latents"), 0.0, 1.0, default=0.5),
        augmentation=_augmentation(hp),
        ema_momentum=HalfLife(half_life, 0.05),
    )
    model.compile(**optimizers(hp))
    return model


def _augmentation(hp):
    """What changes images before the critic sees them, or None."""
    images = hp.Int(
        Name("augmentation_images", "of small sets: images until all may be augmented; 0 for none"), 0, 10**6, default=0
    )
    return keras_dl.objectives.AdaptiveAugmentation(images=images) if images else None


def optimizers(hp):
    """Returns an Adam for each player, with the papers' betas."""
    rate = hp.Float(Name("learning_rate", "step size of both players"), 1e-4, 1e-2, default=2e-3, sampling="log")
    names = keras_dl.models.StyleGAN.optimizer_names
    return {name: keras.optimizers.Adam(rate, beta_1=0.0, beta_2=0.99, epsilon=1e-8) for name in names}


def fit_options(hp):
    """Returns the batch size and the number of epochs."""
    return {
        "batch_size": hp.Int(Name("batch_size", "samples per update"), 4, 512, default=32, sampling="log"),
        "epochs": hp.Fixed(Name("epochs", "passes over the training data"), 40),
    }


TASK = keras_dl.tasks.Styles()
