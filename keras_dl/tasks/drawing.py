"""Pictures of a trained model and of its training, each a PNG that one wants to look at."""

from statistics import NormalDist

import keras
import numpy as np

from keras_dl.callbacks import image_grid, save_image_grid, save_samples
from keras_dl.objectives.gradient_penalties import input_gradients

COLUMNS = 8
POINTS = 200  # in the plane, per class
MOST_POINTS = 1000  # held-out samples in one picture


def loss_curves(path, history):
    """Draws every metric over the epochs, training and validation in one panel."""
    plt = pyplot()
    names = [name for name in history[0] if name not in ("epoch", "seconds") and not name.startswith("val_")]
    figure, panels = plt.subplots(1, len(names), figsize=(3.6 * len(names), 3), squeeze=False, layout="constrained")
    epochs = [row["epoch"] for row in history]
    for name, panel in zip(names, panels[0], strict=True):
        for key, label in ((name, "train"), (f"val_{name}", "held out")):
            if key in history[0]:
                panel.plot(epochs, [row.get(key, np.nan) for row in history], label=label)
        panel.set(title=name, xlabel="epoch")
        panel.xaxis.get_major_locator().set_params(integer=True)
        panel.legend(frameon=False)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def reconstructions(path, model, x, condition=None, count=64):
    """Draws the first images in pairs: the original, and beside it what the model makes of it."""
    x, condition = x[:count], None if condition is None else condition[:count]
    reconstructed = keras.ops.convert_to_numpy(model.reconstruct(x, condition=condition))
    pairs = np.stack([x, reconstructed], axis=1).reshape(-1, *x.shape[1:])
    save_image_grid(path, pairs, columns=2 * COLUMNS)


def manifold(path, decode, side=20):
    """Draws what `decode` makes of a grid over a two-dimensional latent space, spaced by the normal's quantiles."""
    quantiles = np.array([NormalDist().inv_cdf(p) for p in np.linspace(0.02, 0.98, side)], "float32")
    across, down = np.meshgrid(quantiles, quantiles[::-1])
    latents = np.stack([across.ravel(), down.ravel()], axis=-1)
    save_image_grid(path, decode(latents), columns=side)


def latent_means(path, model, x, y):
    """Draws the posterior means of images in a two-dimensional latent space, coloured by class."""
    _points_by_class(path, keras.ops.convert_to_numpy(model.encode(x)), y, ("z1", "z2"))


def embeddings(path, model, x, y):
    """Draws images by the two main directions of their embeddings (principal components), coloured by class."""
    from sklearn.decomposition import PCA

    vectors = keras.ops.convert_to_numpy(model.embed(x))
    directions = PCA(2).fit(vectors)
    shares = [f"{share:.0%} of the variance" for share in directions.explained_variance_ratio_]
    _points_by_class(path, directions.transform(vectors), y, shares)


def _points_by_class(path, points, y, labels):
    plt = pyplot()
    figure, panel = plt.subplots(figsize=(5.5, 5), layout="constrained")
    if y is None:
        panel.scatter(*points.T, s=8)
    else:
        count = int(np.max(y)) + 1
        colours = plt.get_cmap("tab10" if count <= 10 else "tab20").resampled(count)
        drawn = panel.scatter(*points.T, c=y[: len(points)], cmap=colours, vmin=-0.5, vmax=count - 0.5, s=8)
        figure.colorbar(drawn, label="class", ticks=range(count))
    panel.set(xlabel=labels[0], ylabel=labels[1], aspect="equal")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def classes(path, model, num_classes, seed=0):
    """Draws images with a row per class, or points in the plane coloured by class."""
    condition = class_rows(num_classes)
    samples = model.sample(len(condition), condition=condition, seed=seed)
    if len(samples.shape) > 2:
        _rows_by_class(path, samples, num_classes)
        return
    condition = np.repeat(condition, POINTS // COLUMNS)
    samples = model.sample(len(condition), condition=condition, seed=seed)
    _points_by_class(path, keras.ops.convert_to_numpy(samples), condition, ("x1", "x2"))


def _rows_by_class(path, images, num_classes):
    plt = pyplot()
    sheet = image_grid(images, COLUMNS)
    figure, panel = plt.subplots(figsize=(5, 5 * sheet.shape[0] / sheet.shape[1]), layout="constrained")
    panel.imshow(sheet.squeeze(-1) if sheet.shape[-1] == 1 else sheet, cmap="gray", vmin=0, vmax=1)
    panel.set(xticks=[], ylabel="class")
    panel.set_yticks((np.arange(num_classes) + 0.5) * sheet.shape[0] / num_classes, range(num_classes))
    panel.tick_params(length=0)
    panel.spines[:].set_visible(False)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def critic_field(path, model, x, count=1000):
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
    figure.colorbar(panel.contourf(line, line, scores, levels=20, cmap="RdBu", alpha=0.6), label="critic")
    panel.quiver(*coarse.T, *arrows.T, color="0.3", width=0.003)
    panel.scatter(*x[:count].T, s=3, color="0.6", label="data")
    panel.scatter(*samples.T, s=3, color="tab:green", label="samples")
    panel.set(aspect="equal")
    panel.legend(loc="upper right")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def write_samples(path, samples):
    """Writes samples as an array or as a picture, by the suffix of `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, samples, allow_pickle=False)
    else:
        save_samples(path, samples, COLUMNS)


def class_rows(num_classes):
    """The condition of a sample grid with a row per class."""
    return np.repeat(np.arange(num_classes, dtype="int32"), COLUMNS)


def pyplot():
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt
