"""Neural spline flow of points in the plane (Durkan et al. 2019): eight densities that are known.

    python -m apps.train flow2d --out runs/flow2d
    python -m apps.train flow2d --dataset spirals --out runs/spirals

Sets: eight_gaussians, ring, grid, moons, circles, spirals, wave, checkerboard. `density.png` shows held-out points,
samples and the density as a map; `warped_grid.png` a grid of latents and where the flow puts it. Held-out log p(x)
falls short of the true density's mean by the Kullback-Leibler divergence, which evaluation gives in nats.
"""

import numpy as np

import keras_dl
from apps.recipes import realnvp
from keras_dl.checks import refusal
from keras_dl.data import points
from keras_dl.runs import Name
from keras_dl.tasks import Measure

DATASET = "eight_gaussians"


def build(hp, data_spec):
    """Returns a compiled flow for points in the plane."""
    if tuple(data_spec.shape) != (2,):
        raise refusal("flow2d expects points in the plane", f"samples of shape {data_spec.shape}")
    bins = hp.Int(Name("num_bins", "bins of each spline"), 2, 64, default=16)
    model = keras_dl.models.NeuralSplineFlow(
        (2,), realnvp.num_layers(hp, 6), realnvp.hidden(hp, 64), bins, ema_momentum=realnvp.ema_momentum(hp)
    )
    model.compile(realnvp.optimizer(hp, data_spec, rate=3e-3))
    return model


def fit_options(hp):
    """Returns the batch size and the number of epochs."""
    return {
        "batch_size": hp.Int(Name("batch_size", "samples per step"), 16, 4096, default=512, sampling="log"),
        "epochs": hp.Fixed(Name("epochs", "passes over the training data"), 30),
    }


class Plane(keras_dl.tasks.Flow):
    """A flow whose data have a known density."""

    def measures(self, model, data, context=None):
        return super().measures(model, data, context) | divergence(model, data)


def divergence(model, data):
    """Returns the KL divergence of a model in the plane as a dict with a `Measure`; empty where it is not known."""
    if data.name not in points.NAMES:
        return {}
    own = np.asarray(model.log_prob(data.x_test), "float64")
    gaps = points.log_density(data.name, data.x_test) - own
    title = "KL divergence from the true density to the model's"
    error = float(gaps.std(ddof=1) / len(gaps) ** 0.5)
    return {"kl_divergence": Measure(float(gaps.mean()), error, "min", title, unit="nats")}


TASK = Plane()
