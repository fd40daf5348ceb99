"""Laplacian pyramid of adversarial networks, non-saturating, with R1 and averaged weights (Denton et al. 2015).

    python -m apps.train lapgan --out runs/lapgan
    python -m apps.train lapgan --dataset mnist --epochs 3 --set batch_size=128 --out runs/lapgan_mnist
    python -m apps.train lapgan --data FOLDER --out runs/mine

Each level adds to blurred images of half its size what they lack: digits from 4 to 8 pixels, MNIST, padded to 32, from
8 over 16. `pyramid.png` shows the levels of held-out images, `levels.png` samples from the coarsest to the finest, and
`film.gif` paths between samples.
"""

import keras_dl
from apps.recipes import gan
from keras_dl.checks import refusal
from keras_dl.networks import lapgan_critic, lapgan_generator, mlp_critic, mlp_generator
from keras_dl.runs import Name

DATASET = "digits"
PRESETS = {}


def build(hp, data_spec):
    """Returns a compiled pyramid for images of `data_spec.shape`."""
    data_spec.check_images()
    least = 4 if min(data_spec.shape[:2]) < 16 else 8
    smallest = hp.Int(Name("smallest_size", "least height and width of the coarsest level"), 2, 16, default=least)
    coarsest, *finer = shapes(data_spec.shape, smallest)
    latent_size = hp.Int(Name("latent_size", "latents of the coarsest level"), 2, 256, default=32, sampling="log")
    units = hp.Int(Name("hidden_units", "width of the coarsest level's layers"), 16, 8000, default=256, sampling="log")
    filters = hp.Int(Name("filters", "channels of the finer levels' convolutions"), 4, 128, default=32, sampling="log")
    dropout = hp.Float(Name("dropout", "share of activations that finer critics drop"), 0.0, 0.9, default=0.5)
    generators = [mlp_generator(latent_size, coarsest, (units, units))]
    critics = [mlp_critic(coarsest, (units, units))]
    for shape in finer:
        generators.append(lapgan_generator(shape, filters))
        critics.append(lapgan_critic(shape, filters, dropout=dropout))
    chained = hp.Boolean(Name("generated_coarse", "whether finer levels learn on generated coarse images"))
    # Without it a finer critic knows real images by their levels of grey, which differences never meet, and wins.
    r1 = hp.Float(Name("r1", "weight of the critics' squared gradients"), 1e-3, 100.0, default=1.0, sampling="log")
    options = {"penalty": keras_dl.objectives.R1(r1), "value_range": (0.0, 1.0), "ema_momentum": gan.ema_momentum(hp)}
    model = keras_dl.models.LAPGAN(generators, critics, generated_coarse=chained, **options)
    model.compile(**gan.optimizers(hp, generator=5e-4, critic=5e-4, beta_2=0.999))
    return model


def shapes(shape, smallest):
    """Returns the shapes of a pyramid's levels, coarsest first; none is smaller than `smallest`."""
    levels = [tuple(shape)]
    while all(side % 2 == 0 and side // 2 >= smallest for side in levels[0][:2]):
        height, width, channels = levels[0]
        levels.insert(0, (height // 2, width // 2, channels))
    if len(levels) == 1:
        raise refusal(f"Images should have sides that are even and at least {2 * smallest}", f"{shape}")
    return levels


def fit_options(hp):
    """Returns the batch size and the number of epochs."""
    return {
        "batch_size": hp.Int(Name("batch_size", "samples per step"), 16, 512, default=64, sampling="log"),
        "epochs": hp.Fixed(Name("epochs", "passes over the training data"), 100),
    }


TASK = keras_dl.tasks.Pyramid()
