"""Field: a network of coordinates that has learned an image, and its derivatives beside the image's."""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_dl.callbacks.sheets import Block, save_figure, save_sheet
from keras_dl.data.coordinates import grid
from keras_dl.objectives import gradient, laplacian
from keras_dl.tasks.base import Task
from keras_dl.tasks.drawing import pyplot, title
from keras_dl.tasks.measure import Context

ROWS = 16_384
WORDS = {
    "reconstruction": "Values",
    "gradient": "Length of the gradient",
    "laplacian": "Laplacian",
}
UNITS = {"reconstruction": "grey level, -1 to 1", "gradient": "per pixel", "laplacian": "per pixel squared"}


class Field(Task):
    """The task of a model that maps coordinates in the plane to one value in [-1, 1], by its network `"network"`."""

    card_pictures = ("reconstruction.png",)
    progress = ("psnr", "loss")

    def __init__(self):
        super().__init__("values")

    def views(self, model: keras.Model, options: dict[str, Any] | None = None) -> dict[str, dict]:
        return {"zoom": {"range": [-1.0, 1.0]}}

    def examples(self, data: Any, options: dict[str, Any], count: int) -> tuple | None:
        return None

    def pictures(self, model: keras.Model, data: Any, folder: Path, context: Context | None = None) -> dict[Path, str]:
        return draw(folder, model, data.x, data.y, title("Field", model, data, context or Context()))


def draw(folder, model, x, y, about=""):
    """Draws what a network makes of an image in the plane; returns paths with their meanings.

    Args:
        folder: where the pictures go.
        model: a model that maps coordinates to one value in [-1, 1].
        x, y: coordinates and values of the image's pixels, row by row, as `keras_dl.data.pixels` gives them.
        about: the line above the pictures: of which model, data and epoch they are.
    """
    image = y.reshape(len(np.unique(x[:, 0])), -1)
    learned, expected = fields(model, x, image), image_fields(image)
    drawn = {}
    for name, meaning in (
        ("reconstruction", "the image, beside it what the network makes of it"),
        ("gradient", "the length of the image's gradient, beside it that of the network's, by autodiff"),
        ("laplacian", "the image's Laplacian, beside it the network's, by autodiff"),
    ):
        path = folder / f"{name}.png"
        heading = f"{about}\n{WORDS[name]}; correlation {learned[f'{name}_correlation']:.3f}"
        _side_by_side(path, expected[name], learned[name], heading.strip(), UNITS[name])
        drawn[path] = meaning
    for factor in (2, 4):
        path = folder / f"rendering_x{factor}.png"
        size = [factor * length for length in image.shape]
        save_sheet(path, about or "Field", [rendering(model, size, f"{factor} times as many pixels per axis")])
        drawn[path] = f"the image by {factor} times as many pixels per axis"
    return drawn


def fields(model, x, image):
    """A network's values, slopes and Laplacian at a square image's pixels, in units of pixels, and how near."""
    pixel = 2.0 / (np.array(image.shape) - 1)  # what a pixel is in coordinates
    network = model.averaged("network")
    parts = [(network(rows), gradient(network, rows), laplacian(network, rows)) for rows in np.array_split(x, 8)]
    values, slopes, curvatures = (np.concatenate(part) for part in zip(*parts, strict=True))
    slopes = slopes.reshape(*image.shape, 2) * pixel
    learned = {
        "reconstruction": values.reshape(image.shape),
        "gradient": np.linalg.norm(slopes, axis=-1),
        "laplacian": curvatures.reshape(image.shape) * pixel[0] * pixel[1],
    }
    expected = image_fields(image)
    agreement = {f"{name}_correlation": correlation(learned[name], expected[name]) for name in learned}
    return learned | agreement


def image_fields(image):
    """An image, the length of its gradient and its Laplacian by central differences."""
    from scipy import ndimage

    return {
        "reconstruction": image,
        "gradient": np.linalg.norm(np.gradient(image), axis=0),
        "laplacian": ndimage.laplace(image, mode="nearest"),
    }


def correlation(a, b):
    """The correlation of two images, without the border, where differences are one-sided."""
    return float(np.corrcoef(a[1:-1, 1:-1].ravel(), b[1:-1, 1:-1].ravel())[0, 1])


def rendering(model, size, heading=""):
    """Returns the network's values on a grid of pixels, as a block of a sheet."""
    values = model.predict(grid(*size), batch_size=ROWS, verbose=0).reshape(1, *size, 1)
    return Block(values, heading, columns=1, value_range=(-1.0, 1.0))


def _side_by_side(path, expected, learned, heading, unit):
    """Draws two images in the same grey levels, from the first's 1st to its 99th percentile."""
    plt = pyplot()
    low, high = np.percentile(expected, (1, 99))
    figure, panels = plt.subplots(1, 2, figsize=(9.6, 5), layout="constrained", sharey=True)
    for panel, field, name in zip(panels, (expected, learned), ("image", "network"), strict=True):
        drawn = panel.imshow(field, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
        panel.set_title(name, fontsize=11)
        panel.set(xlabel="column (pixels)")
    panels[0].set(ylabel="row (pixels)")
    figure.colorbar(drawn, ax=panels, label=unit, shrink=0.8, extend="both")
    figure.suptitle(heading, fontsize=12, fontweight="bold")
    save_figure(path, figure, 110)
    plt.close(figure)
