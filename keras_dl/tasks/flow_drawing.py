"""Pictures of normalizing flows: density maps, warped grids, temperatures and interpolations."""

import keras
import numpy as np

from keras_dl.callbacks.sheets import Block, save_sheet
from keras_dl.tasks.drawing import COLUMNS, finish_figure, pyplot

TEMPERATURES = (0.0, 0.25, 0.5, 0.7, 0.9, 1.0)
_SIDE = 160  # points of a density map per axis
_LINES = 21  # of a grid per axis


def density(path, model, x, title=None):
    """Draws points in the plane, samples, and the density as a map.

    Args:
        path: the PNG file.
        model: a flow of points in the plane.
        x: held-out points.
        title: the line above the picture.
    """
    plt = pyplot()
    side = 1.25 * np.abs(x).max()
    line = np.linspace(-side, side, _SIDE, dtype="float32")
    grid = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    values = np.exp(keras.ops.convert_to_numpy(model.log_prob(grid))).reshape(_SIDE, _SIDE)
    figure, panels = plt.subplots(1, 3, figsize=(14, 4.6), layout="constrained", sharex=True, sharey=True)
    samples = keras.ops.convert_to_numpy(model.sample(len(x), seed=0))
    for panel, points, name in ((panels[0], x, "held-out data"), (panels[1], samples, "samples")):
        panel.scatter(*points.T, s=3, alpha=0.6)
        panel.set_title(name, fontsize=10)
    brightest = np.quantile(values, 0.998)
    drawn = panels[2].pcolormesh(line, line, values, cmap="magma", vmin=0, vmax=brightest, shading="auto")
    panels[2].set_title("density", fontsize=10)
    figure.colorbar(drawn, ax=panels[2], label="p(x)")
    for panel in panels:
        panel.set(aspect="equal", xlabel="x1", ylabel="x2", xlim=(-side, side), ylim=(-side, side))
    finish_figure(path, figure, title)


def warped_grid(path, model, title=None):
    """Draws a grid of the latents, coloured by their distance from the middle, and what the flow makes of it.

    Args:
        path: the PNG file.
        model: a flow of points in the plane.
        title: the line above the picture.
    """
    plt = pyplot()
    ends, fine = np.linspace(-2.5, 2.5, _LINES), np.linspace(-2.5, 2.5, 300)
    across = [np.stack([fine, np.full_like(fine, end)], -1) for end in ends]
    lines = np.stack(across + [line[:, ::-1] for line in across]).astype("float32")
    warped = keras.ops.convert_to_numpy(model.decode(lines.reshape(-1, 2))).reshape(lines.shape)
    figure, panels = plt.subplots(1, 2, figsize=(11, 5.3), layout="constrained")
    colours = plt.get_cmap("viridis")
    for panel, drawn, name, axis in ((panels[0], lines, "latents", "z"), (panels[1], warped, "data", "x")):
        for number, line in enumerate(drawn):
            panel.plot(*line.T, lw=0.8, color=colours(abs(ends[number % _LINES]) / 2.5))
        panel.set_title(name, fontsize=10)
        panel.set(aspect="equal", xlabel=f"{axis}1", ylabel=f"{axis}2")
    finish_figure(path, figure, title)


def temperatures(path, model, condition=None, title="Samples by temperature"):
    """Draws a row of images per temperature, of the same noise.

    Args:
        path: the PNG file.
        model: a flow of images.
        condition: a condition for each of `COLUMNS` samples, or None.
        title: the line above the picture.
    """
    rows = [
        keras.ops.convert_to_numpy(model.sample(COLUMNS, condition=condition, seed=0, temperature=temperature))
        for temperature in TEMPERATURES
    ]
    marks = tuple(f"temperature {temperature:g}" for temperature in TEMPERATURES)
    save_sheet(path, title, [Block(np.concatenate(rows), columns=COLUMNS, marks=marks)])


def interpolations(path, model, x, condition=None, rows=6, title="Interpolations between held-out images"):
    """Draws images between pairs of held-out ones, on straight lines between their latents.

    Args:
        path: the PNG file.
        model: a flow of images.
        x: held-out images.
        condition: their conditions, or None; an interpolation has that of its beginning.
        rows: how many pairs.
        title: the line above the picture.
    """
    rows = min(rows, len(x) // 2)
    condition = None if condition is None else condition[: 2 * rows]
    z = keras.ops.convert_to_numpy(model.encode(x[: 2 * rows], condition))
    shares = np.linspace(0, 1, COLUMNS, dtype="float32").reshape(-1, *[1] * (z.ndim - 1))
    between = np.concatenate([(1 - shares) * z[2 * row] + shares * z[2 * row + 1] for row in range(rows)])
    repeated = None if condition is None else np.repeat(condition[::2], COLUMNS)
    images = keras.ops.convert_to_numpy(model.decode(between, repeated))
    save_sheet(path, title, [Block(images, columns=COLUMNS)])
