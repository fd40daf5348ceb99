"""Glow: a multi-scale flow of images (Kingma & Dhariwal 2018).

    python -m apps.train glow --out runs/glow
    python -m apps.train glow --dataset mnist --preset mnist --out runs/glow_mnist

Pixels are dequantised with uniform noise to [-0.5, 0.5], without a logit. `temperatures.png` shows samples of the same
noise at six temperatures, `interpolations.png` images along lines of latents between held-out ones.
"""

import keras_dl
from apps.recipes import realnvp
from keras_dl.runs import Name

DATASET = "digits"
PRESETS = {"mnist": {"num_steps": 6, "filters": 64, "batch_size": 64, "epochs": 10}}


def build(hp, data_spec):
    """Returns a compiled flow for images of `data_spec.shape`."""
    data_spec.check_images()
    filters = hp.Int(Name("filters", "channels of each coupling's convolutions"), 4, 512, default=32, sampling="log")
    pixels = keras_dl.likelihoods.Dequantized(data_spec.shape, data_spec.num_levels or 256, value_range=(-0.5, 0.5))
    model = keras_dl.models.Glow(
        num_levels=hp.Int(Name("num_levels", "levels, each of half the height and width"), 1, 5, default=2),
        num_steps=hp.Int(Name("num_steps", "steps per level"), 1, 32, default=4),
        hidden=(filters, filters),
        recompute=hp.Boolean(Name("recompute", "less memory, more time: steps are computed twice")),
        dequantized=pixels,
        ema_momentum=realnvp.ema_momentum(hp),
    )
    model.compile(realnvp.optimizer(hp, data_spec))
    return model


def fit_options(hp):
    """Returns the batch size and the number of epochs."""
    return {
        "batch_size": hp.Int(Name("batch_size", "samples per step"), 16, 512, default=32, sampling="log"),
        "epochs": hp.Fixed(Name("epochs", "passes over the training data"), 20),
    }


TASK = keras_dl.tasks.Flow()
