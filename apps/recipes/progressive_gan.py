"""Progressive GAN: networks that grow from small images to large ones (Karras et al. 2018).

    python -m apps.train progressive_gan --out runs/progressive
    python -m apps.train progressive_gan --dataset mnist --epochs 6 --out runs/progressive_mnist
    python -m apps.train progressive_gan --data FOLDER --out runs/mine

Digits grow from 4 to 8 pixels, MNIST, padded to 32, over 8 and 16. A level is stable for `stable_images` images, and
the next fades in during `fade_images`; the last goes on to the end. `growth.png` shows samples of the same latents at
the end of each phase, `film.gif` paths between samples.
"""

import keras

import keras_dl
from apps.recipes import gan
from keras_dl.networks import progressive_critic, progressive_generator
from keras_dl.runs import Name

DATASET = "digits"
PRESETS = {}


def build(hp, data_spec):
    """Returns a compiled model for images of `data_spec.shape`, which are halved as often as their sides allow."""
    latent_size = hp.Int(Name("latent_size", "size of the latent vector"), 2, 512, default=32, sampling="log")
    least = hp.Int(Name("smallest_size", "least side of the first images"), 2, 16, default=4)
    sizes = {
        "filters": hp.Int(Name("filters", "channels of the finest level"), 2, 128, default=16, sampling="log"),
        "most_filters": hp.Int(Name("most_filters", "channels that no level exceeds"), 8, 512, default=64),
        "smallest_size": _smallest(data_spec.shape, least),
    }
    stable = hp.Int(Name("stable_images", "images that a level is stable for"), 1, 10**6, default=30_000)
    fade = hp.Int(Name("fade_images", "images during which the next level fades in"), 1, 10**6, default=30_000)
    model = keras_dl.models.ProgressiveGAN(
        progressive_generator(latent_size, data_spec.shape, **sizes),
        progressive_critic(data_spec.shape, **sizes),
        stable_images=stable,
        fade_images=fade,
        value_range=(0.0, 1.0),
        ema_momentum=gan.ema_momentum(hp),
    )
    rate = hp.Float(Name("learning_rate", "step size of both networks"), 1e-5, 1e-2, default=1e-3, sampling="log")
    model.compile(keras.optimizers.Adam(rate, beta_1=0.0, beta_2=0.99, epsilon=1e-8))
    return model


def _smallest(shape, least):
    """The shorter side of an image that was halved as often as its sides are even and not below `least`."""
    height, width = shape[:2]
    while height % 2 == width % 2 == 0 and min(height, width) // 2 >= least:
        height, width = height // 2, width // 2
    return min(height, width)


def fit_options(hp):
    """Returns the batch size and the number of epochs."""
    return {
        "batch_size": hp.Int(Name("batch_size", "images per step"), 4, 512, default=64, sampling="log"),
        "epochs": hp.Fixed(Name("epochs", "passes over the training data"), 100),
    }


TASK = keras_dl.tasks.Growing()
