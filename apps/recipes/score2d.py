"""Diffusion of points in the plane, with its exact density: eight gaussians, a ring, a grid.

    python -m apps.train score2d --out runs/score2d
    python -m apps.train score2d --set path=straight --out runs/flow

The log-density is that of the probability-flow equation, solved with the exact divergence. `density.png` shows it
under the data, `paths.png` the way of samples from noise over the scores at three times.
"""

import keras
import numpy as np

import keras_dl
from apps.recipes import ddpm
from keras_dl.checks import refusal
from keras_dl.runs import Name
from keras_dl.tasks import drawing

DATASET = "eight_gaussians"
PATHS = {
    "cosine": (keras_dl.processes.Cosine, "noise"),
    "straight": (keras_dl.processes.RectifiedFlow, "velocity"),
    "variance_preserving": (keras_dl.processes.VariancePreserving, "noise"),
}
SIDE = 80  # of the grid on which the density is drawn
TIMES = (0.8, 0.5, 0.1)


def build(hp, data_spec):
    """Returns a compiled diffusion model for points of `data_spec.shape`."""
    if data_spec.shape != (2,):
        raise refusal("data should be points in the plane", f"samples of shape {data_spec.shape}")
    width = hp.Int(Name("width", "features between blocks"), 8, 512, default=128, sampling="log")
    blocks = hp.Int(Name("num_blocks", "residual blocks"), 1, 8, default=3)
    network = keras_dl.networks.denoising_mlp(data_spec.shape, width, 2 * width, blocks)
    path = hp.Choice(Name("path", "process from data to noise"), list(PATHS), default="cosine")
    process, prediction = PATHS[path]
    options = {"ema_momentum": ddpm.ema_momentum(hp), **ddpm.sampling(hp, "heun", 25)}
    model = keras_dl.models.Diffusion(network, process(), prediction, **options)
    return ddpm.compiled(model, hp, data_spec, fit_options(hp))


def fit_options(hp):
    """Returns the batch size and the number of epochs."""
    return {
        "batch_size": hp.Int(Name("batch_size", "samples per step"), 16, 4096, default=256, sampling="log"),
        "epochs": hp.Fixed(Name("epochs", "passes over the training data"), 60),
    }


class Plane(keras_dl.tasks.Density):
    """A density in the plane, and the paths that lead to it."""

    progress = ("loss",)
    card_pictures = ("density.png", "samples_epoch_*.png")

    def pictures(self, model, data, folder, context=None):
        context = context or keras_dl.tasks.Context()
        draw_density(folder / "density.png", model, data, drawing.title("Density", model, data, context))
        draw_paths(folder / "paths.png", model, data, drawing.title("Scores and paths", model, data, context))
        return super().pictures(model, data, folder, context) | {
            folder / "density.png": "the model's density, held-out data and samples",
            folder / "paths.png": "the field that leads noise to data, at three times, and paths of samples",
        }


def grid(data, side):
    """Returns the axis and the points of a square grid around the data."""
    extent = 1.25 * float(np.abs(data.x_test).max())
    axis = np.linspace(-extent, extent, side, dtype="float32")
    return axis, np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)


def draw_density(path, model, data, title):
    """Draws the density on a grid, with held-out data on it and samples beside."""
    plt = drawing.pyplot()
    axis, points = grid(data, SIDE)
    density = np.exp(keras.ops.convert_to_numpy(model.log_prob(points, tolerance=1e-3))).reshape(SIDE, SIDE)
    samples = keras.ops.convert_to_numpy(model.sample(2000, seed=0))
    figure, panels = plt.subplots(1, 3, figsize=(13, 4.4), layout="constrained", sharex=True, sharey=True)
    drawn = panels[0].pcolormesh(axis, axis, density, cmap="magma", shading="nearest")
    figure.colorbar(drawn, ax=panels[0], label="density per unit of area")
    panels[1].scatter(*data.x_test[:2000].T, s=3, color="0.4")
    panels[2].scatter(*samples.T, s=3, color="tab:green")
    for panel, name in zip(panels, ("model's density", "held-out data", "samples"), strict=True):
        panel.set(title=name, xlabel="x1", ylabel="x2", aspect="equal", xlim=axis[[0, -1]], ylim=axis[[0, -1]])
    drawing._finish(path, figure, title)


def draw_paths(path, model, data, title):
    """Draws the velocity at three times, towards the data, and what it does to twelve points of noise."""
    plt = drawing.pyplot()
    axis, points = grid(data, 25)
    field = model.field()
    figure, panels = plt.subplots(1, len(TIMES) + 1, figsize=(16, 4.4), layout="constrained")
    for panel, time in zip(panels, TIMES, strict=False):
        velocity = -keras.ops.convert_to_numpy(field(points, np.float32(time * model.process.t_max), "velocity"))
        speed = np.linalg.norm(velocity, axis=-1).reshape(25, 25)
        panel.streamplot(axis, axis, *velocity.T.reshape(2, 25, 25), color=speed, cmap="viridis", density=1.1)
        panel.set(title=f"velocity at t = {time:g}")
    steps = 40
    start = np.random.default_rng(0).standard_normal((12, 2)).astype("float32")
    places = [keras.ops.convert_to_numpy(model.decode(start, steps=steps))]
    for place in trajectories(model, start, steps).transpose(1, 2, 0):
        panels[-1].plot(*place, linewidth=1.0)
    panels[-1].scatter(*places[0].T, s=14, color="black", zorder=3, label="samples")
    panels[-1].set(title="paths from noise")
    panels[-1].legend(loc="upper right")
    for panel in panels:
        panel.set(xlabel="x1", ylabel="x2", aspect="equal")
    drawing._finish(path, figure, title)


def trajectories(model, latents, steps):
    """Returns where Heun's method has led noise after each step, shape `(steps + 1, rows, 2)`."""
    times = keras.ops.convert_to_numpy(model.process.times(steps))
    x = latents * float(model.process.sigma(model.process.t_max))
    places, field = [x], model.field()
    for index in range(steps):
        x = keras_dl.samplers.heun(field, model.process, x, times[index : index + 2])
        places.append(x)
    return np.stack([keras.ops.convert_to_numpy(place) for place in places])


TASK = Plane()
