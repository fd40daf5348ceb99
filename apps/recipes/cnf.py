"""Continuous normalizing flow of points in the plane, with its exact density (FFJORD; Grathwohl et al. 2019).

    python -m apps.train cnf --out runs/cnf
    python -m apps.train cnf --dataset moons --set kinetic=0.1 --out runs/straight

Trained by maximum likelihood through the differential equation. `density.png` shows the density under the data,
`paths.png` the way of samples from noise, and the velocity at three times; evaluation gives the divergence from the
true density in nats.
"""

import keras_dl
from apps.recipes import ddpm, score2d
from keras_dl.checks import refusal
from keras_dl.runs import Name

DATASET = "eight_gaussians"


def build(hp, data_spec):
    """Returns a compiled continuous flow for points of `data_spec.shape`."""
    if tuple(data_spec.shape) != (2,):
        raise refusal("data should be points in the plane", f"samples of shape {data_spec.shape}")
    width = hp.Int(Name("width", "features between blocks"), 4, 512, default=32, sampling="log")
    blocks = hp.Int(Name("num_blocks", "residual blocks"), 1, 8, default=2)
    network = keras_dl.networks.denoising_mlp(data_spec.shape, width, 2 * width, blocks, activation="tanh")
    model = keras_dl.models.ContinuousFlow(
        network,
        kinetic=hp.Float(Name("kinetic", "weight of the squared speed of paths"), 0.0, 10.0, default=0.01),
        solver_steps=hp.Int(Name("solver_steps", "steps of the solver in training"), 1, 100, default=8, sampling="log"),
        ema_momentum=ddpm.ema_momentum(hp),
    )
    return ddpm.compiled(model, hp, data_spec, fit_options(hp))


def fit_options(hp):
    """Returns the batch size and the number of epochs."""
    return {
        "batch_size": hp.Int(Name("batch_size", "samples per step"), 16, 4096, default=256, sampling="log"),
        "epochs": hp.Fixed(Name("epochs", "passes over the training data"), 8),
    }


TASK = score2d.Plane()
