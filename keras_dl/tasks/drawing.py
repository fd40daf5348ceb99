"""Pictures of a trained model and of its training, each a PNG that one wants to look at."""

import math
from statistics import NormalDist
from textwrap import fill

import keras
import numpy as np

from keras_dl import files
from keras_dl.callbacks import save_samples
from keras_dl.callbacks.sheets import Block, epoch_title, save_figure, save_sheet
from keras_dl.objectives.gradient_penalties import input_gradients
from keras_dl.tasks.units import scale, without_repeats

COLUMNS = 8
REAL_COLUMNS = 4  # of the data, beside samples
REAL = 16  # samples of the data, above a model's
PAIRS = 12  # in a row of originals and reconstructions
PANELS = 5  # of curves in a row
FEW = 12  # epochs, whose values are marked
POINTS = 200  # in the plane, per class
MOST_POINTS = 1000  # held-out samples in one picture


def loss_curves(path, history, title=None, units=None, titles=None, phases=(), note=None):
    """Draws every metric over the epochs, training and held-out data in one panel, and where phases begin.

    Args:
        path: the PNG file.
        history: list of dicts, the metrics after each epoch.
        title: the line above the panels; None for none.
        units: dict of the units of metrics by name; None for those that are known of their names.
        titles: dict of what metrics are called above their panels, where their names do not say it.
        phases: pairs of a place on the axis where a phase begins and its number.
        note: the line below the panels, which says what phases are called; None for none.
    """
    plt = pyplot()
    values = {name: value for row in history for name, value in row.items()}  # an epoch lacks what did not run in it
    names = [name for name in values if name not in ("epoch", "seconds", "phase") and not name.startswith("val_")]
    names = list(without_repeats({name: values[name] for name in names}))
    rows = math.ceil(len(names) / PANELS)
    columns = math.ceil(len(names) / rows)
    size = (3.6 * columns, 3.3 * rows)
    figure, panels = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    for panel in panels.flat[len(names) :]:
        panel.remove()
    for name, panel in zip(names, panels.flat[: len(names)], strict=True):
        _curves(panel, history, {key: label for key, label in _sides(name) if key in values})
        panel.set_title(fill((titles or {}).get(name, name), 36), fontsize=10)
        panel.set(xlabel="epoch", ylabel=scale(name, units))
        for place, number in phases:
            panel.axvline(place, color="0.6", lw=1, ls=":")
            panel.text(place, 0.0, f" {number}", transform=panel.get_xaxis_transform(), fontsize=7, color="0.4")
    if note:
        figure.supxlabel(fill(note, 50 * columns), fontsize=9)
    finish_figure(path, figure, title)


def _sides(name):
    """What history calls a metric in training and on held-out data, and what the legend calls it."""
    return (name, "train"), (f"val_{name}", "held out")


def _curves(panel, history, labels):
    """Draws values over the epochs, by their labels in the legend."""
    epochs = [row["epoch"] for row in history]
    marker = "o" if len(epochs) <= FEW else None  # the line of one epoch would not be seen
    for key, label in labels.items():
        panel.plot(epochs, [row.get(key, np.nan) for row in history], label=label, marker=marker, ms=4)
    panel.xaxis.get_major_locator().set_params(integer=True)
    if len(epochs) == 1:
        panel.set_xticks(epochs)
    panel.legend(frameon=False)


def reconstructions(path, model, x, condition=None, count=48, title="Reconstructions"):
    """Draws the first images in rows: the originals, and below each what the model makes of it."""
    x, condition = x[:count], None if condition is None else condition[:count]
    reconstructed = keras.ops.convert_to_numpy(model.reconstruct(x, condition=condition))
    marks = ("original", "reconstruction")
    blocks = []
    for start in range(0, len(x), PAIRS):
        pairs = np.concatenate([x[start : start + PAIRS], reconstructed[start : start + PAIRS]])
        blocks.append(Block(pairs, columns=len(pairs) // 2, marks=marks))
    save_sheet(path, title, blocks)


def manifold(path, decode, side=20, title="Images over the latent space"):
    """Draws what `decode` makes of a grid over a two-dimensional latent space, spaced by the normal's quantiles."""
    quantiles = np.array([NormalDist().inv_cdf(p) for p in np.linspace(0.02, 0.98, side)], "float32")
    across, down = np.meshgrid(quantiles, quantiles[::-1])
    latents = np.stack([across.ravel(), down.ravel()], axis=-1)
    images = decode(latents)
    if len(images.shape) == 4:
        ends = f"{quantiles[0]:.2f} to {quantiles[-1]:.2f}"
        heading = f"z1 from {ends}, left to right; both axes at the quantiles of the normal distribution"
        marks = tuple(f"z2 = {value:.2f}" for value in quantiles[::-1])
        save_sheet(path, title, [Block(images, heading, side, marks)])
    else:
        save_samples(path, images, side, title=title)


def latent_means(path, model, x, y, title=None):
    """Draws the posterior means of images in a two-dimensional latent space, coloured by class."""
    _points_by_class(path, keras.ops.convert_to_numpy(model.encode(x)), y, ("z1", "z2"), title)


def embeddings(path, model, x, y, title=None):
    """Draws images by the two main directions of their embeddings (principal components), coloured by class."""
    from sklearn.decomposition import PCA

    vectors = keras.ops.convert_to_numpy(model.embed(x))
    directions = PCA(2).fit(vectors)
    shares = [f"{share:.0%} of the variance" for share in directions.explained_variance_ratio_]
    _points_by_class(path, directions.transform(vectors), y, shares, title)


def _points_by_class(path, points, y, labels, title=None):
    plt = pyplot()
    figure, panel = plt.subplots(figsize=(7, 6), layout="constrained")
    if y is None:
        panel.scatter(*points.T, s=8)
    else:
        count = int(np.max(y)) + 1
        colours = plt.get_cmap("tab10" if count <= 10 else "tab20").resampled(count)
        drawn = panel.scatter(*points.T, c=y[: len(points)], cmap=colours, vmin=-0.5, vmax=count - 0.5, s=8)
        figure.colorbar(drawn, label="class", ticks=range(count))
    panel.set(xlabel=labels[0], ylabel=labels[1], aspect="equal")
    finish_figure(path, figure, title)


def classes(path, model, num_classes, seed=0, title="Samples by class", data=None):
    """Draws images with a row per class, or points in the plane coloured by class.

    Args:
        path: the PNG file.
        model: a model that samples by class.
        num_classes: number of classes.
        seed: integer that fixes the samples.
        title: the line above the picture.
        data: samples of the data with their classes, `(x, y)`, of which some images are drawn beside; or None.
    """
    condition = class_rows(num_classes)
    samples = model.sample(len(condition), condition=condition, seed=seed)
    if len(samples.shape) > 2:
        marks = tuple(f"class {label}" for label in range(num_classes))
        blocks = [Block(samples, "samples", COLUMNS, marks)]
        real = None if data is None else of_classes(data[0], data[1], num_classes)
        if real is not None:
            marks = blocks[0].marks
            blocks = [Block(real, "real data", REAL_COLUMNS, marks), blocks[0]._replace(marks=())]
        save_sheet(path, title, blocks, across=True)
        return
    condition = np.repeat(condition, POINTS // COLUMNS)
    samples = model.sample(len(condition), condition=condition, seed=seed)
    _points_by_class(path, keras.ops.convert_to_numpy(samples), condition, ("x1", "x2"), title)


def of_classes(x, y, num_classes):
    """Returns the first samples of each class, a row per class; None where a class has too few."""
    rows = [x[y == label][:REAL_COLUMNS] for label in range(num_classes)]
    return np.concatenate(rows) if all(len(row) == REAL_COLUMNS for row in rows) else None


def critic_field(path, model, x, count=1000, title=None):
    """Draws points and samples in the plane over the critic's scores, with arrows the way the generator moves samples.

    The arrows are the critic's gradients: the generator's losses fall along them.
    """
    plt = pyplot()
    samples = keras.ops.convert_to_numpy(model.sample(count, seed=0))
    side = 1.2 * np.abs(x).max()
    line = np.linspace(-side, side, 60, dtype="float32")
    grid = np.stack(np.meshgrid(line, line), axis=-1)
    scores = keras.ops.convert_to_numpy(model.discriminate(grid.reshape(-1, 2))).reshape(60, 60)
    coarse = grid[2::5, 2::5].reshape(-1, 2)
    arrows = keras.ops.convert_to_numpy(input_gradients(lambda points: model.critic(points)[:, 0], coarse))
    figure, panel = plt.subplots(figsize=(6.5, 5.5), layout="constrained")
    figure.colorbar(panel.contourf(line, line, scores, levels=20, cmap="RdBu", alpha=0.6), label="critic's score")
    panel.quiver(*coarse.T, *arrows.T, color="0.3", width=0.003)
    panel.scatter(*x[:count].T, s=3, color="0.4", label="real data")
    panel.scatter(*samples.T, s=3, color="tab:green", label="samples")
    panel.set(aspect="equal", xlabel="x1", ylabel="x2")
    panel.legend(loc="upper right", markerscale=2.5)
    finish_figure(path, figure, title)


def finish_figure(path, figure, title, dpi=110):
    """Writes a figure with its title."""
    if title:
        figure.suptitle(title, fontsize=12, fontweight="bold")
    save_figure(path, figure, dpi)
    pyplot().close(figure)


def can_show(shape):
    """Whether samples can be drawn: images, and points in the plane; rows of a table cannot.

    Example:

    >>> can_show((8, 8, 1)), can_show((2,)), can_show((26,))
    (True, True, False)
    """
    return len(shape) == 3 or tuple(shape) == (2,)


def real_beside(x, count):
    """The data to draw beside `count` samples: some images, or as many points."""
    return x[: REAL if x.ndim == 4 else count]


def write_samples(path, samples, title=None, real=None):
    """Writes samples, by the suffix of `path`, as an array or as a picture with a title and real data, if given."""
    if path.suffix == ".npy":
        files.put(path, lambda temporary: np.save(temporary, samples, allow_pickle=False))
    else:
        save_samples(path, samples, COLUMNS, title=title, real=real)


def title(what, model, data, context):
    """Returns a picture's title: what is drawn, of which model, on which data, after how many epochs."""
    return epoch_title(model, data.name, context.epoch, context.options.get("epochs"), what)


def class_rows(num_classes):
    """The condition of a sample grid with a row per class."""
    return np.repeat(np.arange(num_classes, dtype="int32"), COLUMNS)


def classes_in_turn(num_classes=None):
    """The condition of a row of samples, one class after another; `None` for a model without classes."""
    return np.arange(COLUMNS, dtype="int32") % num_classes if num_classes else None


def pyplot():
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt
