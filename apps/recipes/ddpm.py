"""Denoising diffusion (Ho et al. 2020; Kingma et al. 2021).

    python -m apps.train ddpm --out runs/ddpm
    python -m apps.train ddpm --set sampler=ancestral --set sampling_steps=100 --out runs/ancestral

Two to three minutes on two cores. A U-Net that is told the time predicts the noise; samples by DPM-Solver++ in 25
steps. `steps.png` shows the same noise led to images in 1, 2, 5, 10, 25 and 50 steps.

With `--set network=dit` the network is a transformer of 8 x `filters` features and 4 x `blocks_per_level` blocks.

    python -m apps.train ddpm --dataset mnist --epochs 10 --set filters=32 --out runs/ddpm_mnist
"""

import math

import keras

import keras_dl
from keras_dl.callbacks.sheets import Block, save_sheet
from keras_dl.runs import Name
from keras_dl.tasks import drawing

DATASET = "digits"
STEPS = (1, 2, 5, 10, 25, 50)


def build(hp, data_spec):
    """Returns a compiled diffusion model for images of `data_spec.shape`."""
    kind = hp.Choice(Name("prediction", "what the network predicts"), ["noise", "data", "v", "velocity"])
    options = {"ema_momentum": ema_momentum(hp), **sampling(hp)}
    model = keras_dl.models.Diffusion(network(hp, data_spec), keras_dl.processes.Cosine(), kind, **options)
    return compiled(model, hp, data_spec, fit_options(hp))


def fit_options(hp):
    """Returns the batch size and the number of epochs."""
    return {
        "batch_size": hp.Int(Name("batch_size", "samples per step"), 16, 512, default=64, sampling="log"),
        "epochs": hp.Fixed(Name("epochs", "passes over the training data"), 60),
    }


def network(hp, data_spec, num_classes=None):
    """Returns a denoising U-Net of two or three levels, with attention at the coarsest, or a transformer."""
    data_spec.check_images()
    kind = hp.Choice(Name("network", "U-Net or diffusion transformer"), ["unet", "dit"], default="unet")
    filters = hp.Int(Name("filters", "channels of the finest level"), 4, 256, default=24, sampling="log")
    blocks = hp.Int(Name("blocks_per_level", "residual blocks per level"), 1, 4, default=1)
    dropout = hp.Float(Name("dropout", "share of activations dropped within blocks"), 0.0, 0.5, default=0.0)
    if kind == "dit":
        return keras_dl.networks.dit(data_spec.shape, width=8 * filters, num_blocks=4 * blocks, num_classes=num_classes)
    halvings = min((side & -side).bit_length() - 1 for side in data_spec.shape[:2])
    levels = 1 + min(halvings, 1 if min(data_spec.shape[:2]) < 16 else 2)
    return keras_dl.networks.denoising_unet(
        data_spec.shape,
        (filters, *(2 * filters,) * (levels - 1)),
        blocks,
        (levels - 1,),
        num_heads=2,
        dropout=dropout,
        num_classes=num_classes,
    )


def sampling(hp, sampler="dpm_solver", steps=25):
    """Returns the sampler and its number of steps."""
    names = list(keras_dl.samplers.SAMPLERS)
    return {
        "sampler": hp.Choice(Name("sampler", "how noise is led back to data"), names, default=sampler),
        "steps": hp.Int(Name("sampling_steps", "steps of the sampler"), 1, 1000, default=steps, sampling="log"),
    }


def ema_momentum(hp):
    """Returns the momentum of averaged weights, or `None` for 0: no averages are kept."""
    momentum = hp.Float(Name("ema_momentum", "decay of averaged weights; 0 for none"), 0.0, 0.9999, default=0.995)
    return momentum or None


def compiled(model, hp, data_spec, options):
    """Returns the model, compiled with Adam whose rate falls along a cosine to zero over the run of these options."""
    rate = hp.Float(Name("learning_rate", "step size at the beginning"), 1e-5, 1e-1, default=2e-3, sampling="log")
    steps = options["epochs"] * math.ceil(data_spec.num_samples / options["batch_size"])
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, steps)))
    return model


class Denoising(keras_dl.tasks.Generation):
    """Generation of images in steps, which a picture shows."""

    card_pictures = ("samples_epoch_*.png", "steps.png")
    progress = ("loss",)

    def views(self, model, options=None):
        return keras_dl.tasks.trajectory(model)

    def pictures(self, model, data, folder, context=None):
        context = context or keras_dl.tasks.Context()
        marks = tuple(f"{steps} steps" if steps > 1 else "1 step" for steps in STEPS)
        sampler = "dpm_solver" if model.sampler == "adaptive" else model.sampler
        images = [model.sample(12, seed=0, steps=steps, sampler=sampler) for steps in STEPS]
        title = drawing.title("Samples in more steps", model, data, context)
        sheet = Block(keras.ops.concatenate(images), sampler, columns=12, marks=marks)
        save_sheet(folder / "steps.png", title, [sheet])
        pictures = {folder / "steps.png": "samples from the same noise in more and more steps"}
        return super().pictures(model, data, folder, context) | pictures


TASK = Denoising()
