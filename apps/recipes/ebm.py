"""Energy-based model of images by persistent chains (Du & Mordatch 2019).

    python -m apps.train ebm --out runs/ebm
    python -m apps.train ebm --dataset mnist --epochs 10 --set filters=32 --out runs/ebm_mnist

Chains of Langevin dynamics go on in a replay buffer. Step and noise are set by themselves, as the paper sets them:
their temperature is about 1e-6, so the energy is no log-density at temperature 1. `langevin.png` shows samples after
more and more steps, from noise.
"""

import keras

import keras_dl
from keras_dl.callbacks.sheets import Block, save_sheet
from keras_dl.objectives import PersistentContrastiveDivergence
from keras_dl.runs import Name
from keras_dl.samplers import Langevin
from keras_dl.tasks import drawing

DATASET = "digits"
STEPS = (1, 4, 16, 64, 128, 256)


def build(hp, data_spec):
    """Returns a compiled energy model for images of `data_spec.shape`."""
    data_spec.check_images()
    filters = hp.Int(Name("filters", "channels after the first convolution"), 4, 256, default=16, sampling="log")
    normalized = hp.Boolean(Name("spectral_norm", "divide each layer by its largest singular value"))
    network = energy_network(data_spec.shape, filters, spectral_norm=normalized)
    model = keras_dl.models.EnergyModel(
        network, persistent(hp), langevin(hp, 40), value_range=(0.0, 1.0), sample_steps=256, ema_momentum=0.99
    )
    rate = hp.Float(Name("learning_rate", "step size"), 1e-6, 1e-1, default=3e-4, sampling="log")
    model.compile(keras.optimizers.Adam(rate, beta_1=0.0, clipnorm=0.1))
    return model


def fit_options(hp):
    """Returns the batch size and the number of epochs."""
    return {"batch_size": batch_size(hp), "epochs": hp.Fixed(Name("epochs", "passes over the training data"), 50)}


def batch_size(hp):
    """Returns the batch size, at most the capacity of the smallest buffer."""
    return hp.Int(Name("batch_size", "samples per step"), 16, 512, default=128, sampling="log")


def persistent(hp):
    """Returns the objective: chains in a replay buffer."""
    return PersistentContrastiveDivergence(
        hp.Int(Name("capacity", "samples in the replay buffer"), 512, 10_000, default=4096, sampling="log"),
        hp.Float(Name("restart", "probability with which a chain begins anew"), 0.0, 1.0, default=0.05),
        hp.Float(Name("energy_penalty", "weight of squared energies"), 0.0, 10.0, default=0.1),
    )


def langevin(hp, steps):
    """Returns the sampler of the paper, its step and noise scaled to data in [0, 1]."""
    return Langevin.of_noise(
        hp.Int(Name("chain_steps", "steps of a chain in training"), 1, 500, default=steps, sampling="log"),
        hp.Float(Name("chain_step_size", "factor of the slope in a step"), 1e-4, 100.0, default=5.0, sampling="log"),
        hp.Float(Name("chain_noise", "deviation of the noise of a step"), 0.0, 1.0, default=0.003),
        boundary="clip",
        max_gradient=0.03,
    )


def energy_network(shape, filters, num_outputs=1, spectral_norm=False):
    """Returns convolutions of stride 2 with smooth activations, down to sides of 4 or less, and one dense layer."""
    conv = keras_dl.layers.SpectralNormConv2D if spectral_norm else keras.layers.Conv2D
    inputs = keras.Input(shape)
    x = keras.layers.Activation("swish")(conv(filters, 3, padding="same")(inputs))
    side = min(shape[:2])
    while side > 4:
        filters, side = 2 * filters, -(-side // 2)
        x = keras.layers.Activation("swish")(conv(filters, 4, strides=2, padding="same")(x))
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(2 * filters, activation="swish")(x)
    return keras.Model(inputs, keras.layers.Dense(num_outputs)(x), name="energy")


class Images(keras_dl.tasks.Generation):
    """Generation by chains, which a picture shows."""

    card_pictures = ("langevin.png", "samples_epoch_*.png")
    progress = ("sample_energy", "loss")

    def pictures(self, model, data, folder, context=None):
        context = context or keras_dl.tasks.Context()
        images = [model.sample(12, seed=0, steps=steps) for steps in STEPS]
        marks = tuple(f"{steps} steps" if steps > 1 else "1 step" for steps in STEPS)
        sheet = Block(keras.ops.concatenate(images), "Langevin dynamics from noise", columns=12, marks=marks)
        save_sheet(folder / "langevin.png", drawing.title("Samples over steps", model, data, context), [sheet])
        pictures = {folder / "langevin.png": "the same chains from noise after more and more steps"}
        return super().pictures(model, data, folder, context) | pictures


TASK = Images()
