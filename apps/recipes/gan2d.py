"""Generative adversarial networks on points in the plane: eight gaussians, a ring, a grid.

    python -m apps.train gan2d --out runs/gan2d
    python -m apps.train gan2d --dataset grid --out runs/grid
    python -m apps.train gan2d --preset wgan_gp --out runs/gan2d_wgan_gp

One to two minutes on two cores. `critic_field.png` shows data and samples over the critic's scores, with the field
along which they push samples. Eight gaussians, seed 0 (python -m apps.evaluate runs/gan2d): all modes, 98.6% of 10,000
samples within three standard deviations of a centre. Three seeds of this game and of WGAN-GP: 98.5% to 98.8%, and 95.9%
to 96.2% (python -m benchmarks.eight_gaussians, benchmarks/results/eight_gaussians.json).
"""

import keras

import keras_dl
from apps.recipes import gan
from keras_dl.runs import Name

DATASET = "eight_gaussians"
PRESETS = {
    "wgan_gp": {
        "game": "wgan_gp",
        "critic_steps": 2,
        "critic_learning_rate": 2e-3,
        "beta_1": 0.0,
        "ema_momentum": 0.99,
        "epochs": 30,
    }
}


def build(hp, data_spec):
    """Returns a compiled GAN for points of `data_spec.shape`, between networks of three layers of 128."""
    units = hp.Int(Name("hidden_units", "width of each hidden dense layer"), 16, 1024, default=128, sampling="log")
    hidden = (units,) * hp.Int(Name("hidden_layers", "number of hidden dense layers"), 1, 4, default=3)
    latent_size = hp.Int(Name("latent_size", "size of the latent vector"), 1, 64, default=2, sampling="log")
    generator = keras_dl.networks.mlp_generator(latent_size, data_spec.shape, hidden, output_activation=None)
    critic = keras_dl.networks.mlp_critic(data_spec.shape, hidden)
    steps = {"critic_steps": gan.steps_of_critic(hp), "ema_momentum": gan.ema_momentum(hp, 0.999)}
    if hp.Choice(Name("game", "objective of the two networks"), ["non_saturating", "wgan_gp"]) == "wgan_gp":
        weight = hp.Float(
            Name("gradient_penalty", "weight of the gradient penalty"), 0.01, 100.0, default=0.1, sampling="log"
        )
        model = keras_dl.models.WGANGP(generator, critic, gradient_penalty=weight, **steps)
    else:
        r1 = hp.Float(Name("r1", "weight of the critic's squared gradient"), 1e-3, 100.0, default=0.1, sampling="log")
        penalty = keras_dl.objectives.R1(r1)
        model = keras_dl.models.GAN(generator, critic, penalty=penalty, **steps)
    model.compile(**gan.optimizers(hp, generator=1e-3, critic=1e-3, schedule=cosine(hp, data_spec)))
    return model


def fit_options(hp):
    """Returns the batch size, `critic_steps` times that of an update, and the number of epochs."""
    return gan.fit_options(hp, batch_size=256, epochs=50)


def cosine(hp, data_spec):
    """A function that makes of a player's learning rate one that falls along a cosine to zero over the run."""
    options = fit_options(hp)
    steps = options["epochs"] * -(-data_spec.num_samples // options["batch_size"])
    repeats = {"generator_optimizer": 1, "critic_optimizer": gan.steps_of_critic(hp)}
    return lambda name, rate: keras.optimizers.schedules.CosineDecay(rate, steps * repeats[name])


TASK = keras_dl.tasks.Generation(latents=True, critic=True)
