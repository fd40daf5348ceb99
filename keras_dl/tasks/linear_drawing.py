"""Pictures of principal components and of mixtures."""

import keras
import numpy as np

from keras_dl.callbacks.sheets import Block, save_sheet
from keras_dl.tasks.drawing import COLUMNS, PAIRS, finish_figure, pyplot

_SHOWN = 64  # components or clusters in one picture
_SIDE = 120  # points of a map per axis


def components(path, model, title=None):
    """Draws the mean and the components of images, each component scaled by its largest value.

    Args:
        path: the PNG file.
        model: a `PPCA` of images.
        title: the line above the picture.
    """
    shown = model.components[:_SHOWN]
    scaled = shown / np.maximum(np.abs(shown).max(1, keepdims=True), 1e-12)
    shares = model.explained_variance_ratio[:_SHOWN]
    marks = [f"{shares[start : start + COLUMNS].sum():.1%}" for start in range(0, len(shown), COLUMNS)]
    heading = "components, each scaled: grey is 0; beside a row, its share of the variance"
    blocks = [
        Block(model.mean_.reshape(1, *model.shape), "mean", COLUMNS),
        Block(scaled.reshape(-1, *model.shape), heading, COLUMNS, tuple(marks), value_range=(-1.0, 1.0)),
    ]
    save_sheet(path, title, blocks)


def counts_up_to(most):
    """1, 2, 4, ... and `most` itself."""
    powers = [2**power for power in range(most.bit_length()) if 2**power < most]
    return [*powers, most]


def reconstructions(path, model, x, title=None):
    """Draws images, and below them their projections onto the first 1, 2, 4, ... components."""
    x = np.asarray(x[:PAIRS], "float64")
    directions, centred = model.components.astype("float64"), (x.reshape(len(x), -1) - model.mean_)
    rows, marks = [x], ["original"]
    for count in counts_up_to(model.num_components):
        projected = centred @ directions[:count].T @ directions[:count] + model.mean_
        rows.append(projected.reshape(x.shape))
        marks.append(f"{count} component" + "s" * (count > 1))
    save_sheet(path, title, [Block(np.concatenate(rows), columns=len(x), marks=tuple(marks))])


def scree(path, selection, num_components, title=None):
    """Draws the variance along every component, and the share that the first ones have together.

    Args:
        path: the PNG file.
        selection: what `PPCA.select` returned.
        num_components: those of the model.
        title: the line above the picture.
    """
    variances = np.maximum(np.asarray(selection.eigenvalues), 0.0)
    numbers = np.arange(1, len(variances) + 1)
    plt = pyplot()
    figure, panels = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    positive = variances > 1e-9 * variances[0]
    panels[0].semilogy(numbers[positive], variances[positive], ".-", markersize=4)
    panels[0].set(xlabel="component", ylabel="variance along it")
    panels[1].plot(numbers, np.cumsum(variances) / variances.sum(), ".-", markersize=4)
    panels[1].set(xlabel="components", ylabel="share of all variance", ylim=(0, 1.02))
    marks = ((num_components, "tab:orange", "model"), (selection.num_components, "tab:green", "Minka's evidence"))
    for panel in panels:
        for number, colour, name in marks:
            panel.axvline(number, color=colour, linestyle="--", label=f"{name}: {number}")
        panel.xaxis.get_major_locator().set_params(integer=True)
        panel.legend(frameon=False)
    finish_figure(path, figure, title)


def axes_in_plane(path, model, x, title=None):
    """Draws points in the plane with the components from their mean, two standard deviations long."""
    figure, panel = pyplot().subplots(figsize=(6, 5.5), layout="constrained")
    panel.scatter(*x.T, s=4, color="0.6", label="held-out data")
    shares = model.explained_variance_ratio
    lengths = 2 * np.sqrt(model.explained_variance)
    for number, (direction, length) in enumerate(zip(model.components, lengths, strict=True)):
        ends = np.stack([model.mean_ - length * direction, model.mean_ + length * direction])
        name = f"component {number + 1}: {shares[number]:.0%} of the variance"
        panel.plot(*ends.T, color=f"C{number}", linewidth=2, label=name)
    panel.set(aspect="equal", xlabel="x1", ylabel="x2")
    panel.legend(loc="upper right", fontsize=8)
    finish_figure(path, figure, title)


def clusters(path, weights, means, likely, x, title=None):
    """Draws means of clusters of images, the most frequent first, beside the images that belong to each most.

    Args:
        path: the PNG file.
        weights: the clusters' probabilities.
        means: their means as images.
        likely: responsibilities, shape `(rows, clusters)`.
        x: images of as many rows.
        title: the line above the picture.
    """
    order = np.argsort(-weights)[: _SHOWN // 2]
    own = likely.argmax(1)
    members = np.zeros((len(order), COLUMNS, *x.shape[1:]), "float32")
    for row, cluster in enumerate(order):
        rows = np.flatnonzero(own == cluster)
        best = rows[np.argsort(-likely[rows, cluster], kind="stable")][:COLUMNS]
        members[row, : len(best)] = x[best]
    marks = tuple(f"{weights[cluster]:.1%}" for cluster in order)
    blocks = [
        Block(means[order], "means", 1, marks),
        Block(members.reshape(-1, *x.shape[1:]), "held-out data of each cluster", COLUMNS),
    ]
    save_sheet(path, title, blocks, across=True)


def ellipses(path, model, x, title=None):
    """Draws points in the plane by cluster with covariances at two deviations, and a map of responsibilities."""
    plt = pyplot()
    count = model.num_components
    colours = plt.get_cmap("tab10" if count <= 10 else "hsv")(np.linspace(0, 1, count, endpoint=count <= 10))[:, :3]
    side = 1.25 * np.abs(x).max()
    line = np.linspace(-side, side, _SIDE, dtype="float32")
    grid = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    figure, panels = plt.subplots(1, 2, figsize=(11.5, 5.4), layout="constrained", sharex=True, sharey=True)
    shades = keras.ops.convert_to_numpy(model.predict_proba(x)) @ colours
    panels[0].scatter(*x.T, s=5, c=np.clip(shades, 0, 1))
    map_of = keras.ops.convert_to_numpy(model.predict_proba(grid)) @ colours
    panels[1].imshow(np.clip(map_of, 0, 1).reshape(_SIDE, _SIDE, 3), origin="lower", extent=(-side, side, -side, side))
    for panel, name in zip(panels, ("held-out data, covariances at two deviations", "responsibilities"), strict=True):
        for mean, covariance in zip(model.means, model.covariances, strict=True):
            panel.plot(*outline(mean, covariance).T, color="black", linewidth=1)
        panel.plot(*model.means.T, "+", color="black", markersize=7)
        panel.set_title(name, fontsize=10)
        panel.set(aspect="equal", xlabel="x1", ylabel="x2", xlim=(-side, side), ylim=(-side, side))
    finish_figure(path, figure, title)


def outline(mean, covariance, deviations=2.0):
    """Points on the ellipse at so many standard deviations of a Gaussian in the plane, shape `(100, 2)`."""
    angles = np.linspace(0, 2 * np.pi, 100)
    values, vectors = np.linalg.eigh(covariance)
    circle = np.stack([np.cos(angles), np.sin(angles)], -1)
    return mean + deviations * (circle * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
