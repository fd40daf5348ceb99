"""Diffusion of points in the plane, with its exact density: eight gaussians, a ring, a grid.

    python -m apps.train score2d --out runs/score2d
    python -m apps.train score2d --set path=straight --out runs/flow

The log-density is that of the probability-flow equation, solved with the exact divergence. `density.png` shows it
under the data, `paths.png` the way of samples from noise, and the velocity at three times.
"""

import keras
import numpy as np

import keras_dl
from apps.recipes import ddpm, flow2d
from keras_dl.checks import refusal
from keras_dl.runs import Name
from keras_dl.tasks import drawing, flow_drawing

DATASET = "eight_gaussians"
PATHS = {
    "cosine": (keras_dl.processes.Cosine, "noise"),
    "straight": (keras_dl.processes.RectifiedFlow, "velocity"),
    "variance_preserving": (keras_dl.processes.VariancePreserving, "noise"),
}
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
        "batch_size": hp.Int(Name("batch_size", "samples per step"), 16, 4096, default=128, sampling="log"),
        "epochs": hp.Fixed(Name("epochs", "passes over the training data"), 80),
    }


class Plane(keras_dl.tasks.Density):
    """A density in the plane, and the paths that lead to it."""

    progress = ("loss", "val_loss")
    units = {}
    card_pictures = ("density.png", "samples_epoch_*.png")

    def views(self, model, options=None):
        return keras_dl.tasks.trajectory(model)

    def page_signatures(self, model):
        return keras_dl.tasks.velocities(model)

    def measures(self, model, data, context=None):
        return super().measures(model, data, context) | flow2d.divergence(model, data)

    def pictures(self, model, data, folder, context=None):
        context = context or keras_dl.tasks.Context()
        title = drawing.title("Density", model, data, context)
        flow_drawing.density(folder / "density.png", model, data.x_test[:2000], title)
        draw_paths(folder / "paths.png", model, data, drawing.title("Velocity and paths", model, data, context))
        return super().pictures(model, data, folder, context) | {
            folder / "density.png": "held-out data, samples and the model's density",
            folder / "paths.png": "the velocity that leads noise to data, at three times, and paths of samples",
        }


def draw_paths(path, model, data, title):
    """Draws the velocity at three times, towards the data, and what it does to twelve points of noise."""
    plt = drawing.pyplot()
    side = 1.25 * float(np.abs(data.x_test).max())
    axis = np.linspace(-side, side, 25, dtype="float32")
    points = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    field = model.field()
    figure, panels = plt.subplots(1, len(TIMES) + 1, figsize=(16, 4.4), layout="constrained")
    for panel, time in zip(panels, TIMES, strict=False):
        velocity = -keras.ops.convert_to_numpy(field(points, np.float32(time * model.process.t_max), "velocity"))
        speed = np.linalg.norm(velocity, axis=-1).reshape(25, 25)
        panel.streamplot(axis, axis, *velocity.T.reshape(2, 25, 25), color=speed, cmap="viridis", density=1.1)
        panel.set(title=f"velocity at t = {time:g}")
    steps = 40
    start = np.random.default_rng(0).standard_normal((12, 2)).astype("float32")
    places = trajectories(model, start, steps)
    for place in places.transpose(1, 2, 0):
        panels[-1].plot(*place, linewidth=1.0)
    panels[-1].scatter(*places[0].T, s=14, facecolors="none", edgecolors="black", zorder=3, label="noise")
    panels[-1].scatter(*places[-1].T, s=14, color="black", zorder=3, label="samples")
    panels[-1].set(title="paths from noise")
    panels[-1].legend(loc="upper right")
    for panel in panels:
        panel.set(xlabel="x1", ylabel="x2", aspect="equal")
    drawing.finish_figure(path, figure, title)


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
