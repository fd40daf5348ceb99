"""Sheets of images with words: a title, blocks of images under headings, marks beside their rows."""

import math
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_dl import files
from keras_dl.checks import check_count, refusal
from keras_dl.types import PathLike, Tensor

UNIT = (0.0, 1.0)
DPI = 100
INK = "0.15"
FAINT = "0.45"
# Sizes in pixels of the picture.
GAP = 4  # between images
MARGIN = 16
TITLE, HEADING = 40, 30  # heights of the lines
LETTER = 8  # width of a letter beside a row
TITLE_POINTS, TITLE_WEIGHT = 12, "bold"
LEAST_SIDE, LEAST_WIDTH = 48, 480  # of an image, of a row of images


class Block(NamedTuple):
    """Images of one kind on a sheet.

    Attributes:
        images: array or tensor of shape `(num_images, height, width, channels)`, 1 or 3 channels.
        heading: the line above them; `""` for none.
        columns: integer, images in a row.
        marks: texts beside the rows, one per row; empty for none.
        value_range: `(black, white)`, the values that are drawn so.
    """

    images: Any
    heading: str = ""
    columns: int = 8
    marks: tuple = ()
    value_range: tuple = UNIT


class Placed(NamedTuple):
    """A block in its place: its pixels, and their left and upper edge in the picture."""

    block: Block
    pixels: np.ndarray
    left: int
    top: int


def save_sheet(path, title, blocks, across=False):
    """Writes blocks of images as one picture with a title, every pixel of an image a whole square.

    Args:
        path: the file to write, by its suffix PNG or another format; its folder is made if it does not exist.
        title: the line above all.
        blocks: list of `Block`s.
        across: whether blocks lie beside one another rather than below.

    Example:

    >>> import os, tempfile
    >>> import numpy as np
    >>> path = os.path.join(tempfile.mkdtemp(), "sheet.png")
    >>> blocks = [Block(np.zeros((8, 8, 8, 1)), "real data"), Block(np.ones((16, 8, 8, 1)), "samples")]
    >>> save_sheet(path, "VAE on digits, epoch 3", blocks)
    >>> os.path.getsize(path) > 1000
    True
    """
    from matplotlib.figure import Figure

    placed, (width, height) = layout(title, blocks, across)
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")

    def write(text, left, middle, **style):
        figure.text(left / width, 1 - middle / height, text, va="center", **style)

    write(title, MARGIN, MARGIN / 2 + TITLE / 2, fontsize=TITLE_POINTS, fontweight=TITLE_WEIGHT, color=INK)
    for one in placed:
        rows, columns = one.pixels.shape[:2]
        panel = figure.add_axes((one.left / width, 1 - (one.top + rows) / height, columns / width, rows / height))
        panel.imshow(one.pixels.squeeze(-1) if one.pixels.shape[-1] == 1 else one.pixels, cmap="gray", vmin=0, vmax=1)
        panel.axis("off")
        if one.block.heading:
            write(one.block.heading, one.left + GAP, one.top - HEADING / 2 + 3, fontsize=10, color=FAINT)
        for number, mark in enumerate(one.block.marks):
            middle = one.top + rows * (number + 0.5) / len(one.block.marks)
            write(mark, one.left - 6, middle, ha="right", fontsize=9, color=FAINT)
    save_figure(path, figure)


def layout(title, blocks, across=False):
    """Returns the blocks in their places, and the picture's width and height in pixels."""
    columns = [block.columns for block in blocks]
    columns = [sum(columns)] if across else columns
    height, width = blocks[0].images.shape[1:3]
    scale = magnification(height, width, min(columns))
    placed, left, top, right, bottom = [], MARGIN, MARGIN // 2 + TITLE, 0, 0
    longest = [max(map(len, block.marks), default=0) for block in blocks]
    if not across:  # columns lie below one another, whatever stands beside the rows
        longest = [max(longest)] * len(blocks)
    for block, letters in zip(blocks, longest, strict=True):
        pixels = image_grid(enlarged(block.images, scale), block.columns, GAP, block.value_range)
        start = left + math.ceil(LETTER * letters)
        first = top + (HEADING if block.heading else 0)
        placed.append(Placed(block, pixels, start, first))
        right, bottom = max(right, start + pixels.shape[1]), max(bottom, first + pixels.shape[0])
        if across:
            left = right + MARGIN
        else:
            top = bottom + (GAP if block.heading else 2 * GAP)
    width = max(right, MARGIN + title_width(title))
    return placed, (width + MARGIN, bottom + MARGIN)


def title_width(title):
    """Returns the width of a title in pixels, as it is drawn."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    canvas = FigureCanvasAgg(Figure(dpi=DPI))
    text = canvas.figure.text(0, 0, title, fontsize=TITLE_POINTS, fontweight=TITLE_WEIGHT)
    return math.ceil(text.get_window_extent(canvas.get_renderer()).width)


def magnification(height, width, columns):
    """Returns by how much images are enlarged, so that the smallest can be read: a whole number."""
    return max(1, -(-LEAST_SIDE // min(height, width)), -(-LEAST_WIDTH // (columns * width)))


def enlarged(images, scale):
    """Returns images of which each pixel has become a square of `scale` by `scale` pixels."""
    return keras.ops.convert_to_numpy(images).repeat(scale, axis=1).repeat(scale, axis=2)


def epoch_title(model, dataset=None, epoch=None, epochs=None, what=None):
    """Returns a picture's title: what is drawn, the model's class, its data and the epoch, as far as they are known.

    Example:

    >>> epoch_title(keras.Sequential(), "digits", 3, 20, "Reconstructions")
    'Reconstructions: Sequential on digits, epoch 3 of 20'
    """
    about = type(model).__name__ + (f" on {dataset}" if dataset else "")
    about += f", epoch {epoch}" if epoch else ""
    about += f" of {epochs}" if epoch and epochs and epochs >= epoch else ""
    return f"{what}: {about}" if what else about


def image_grid(images: Tensor, columns: int = 8, padding: int = 1, value_range: Any = UNIT) -> np.ndarray:
    """Lays images out on a white sheet, row by row.

    Args:
        images: array or tensor of shape `(num_images, height, width, channels)`, 1 or 3 channels.
        columns: integer, images in a row.
        padding: integer, pixels between images and around them.
        value_range: `(black, white)`, the values that become 0 and 1.

    Returns:
        A float32 array of shape `(sheet_height, sheet_width, channels)`, clipped to [0, 1].

    Raises:
        ValueError: if `images` is not such an array.

    Example:

    >>> import numpy as np
    >>> import keras_dl
    >>> keras_dl.callbacks.image_grid(np.zeros((6, 8, 8, 1)), columns=3, padding=1).shape
    (19, 28, 1)
    """
    images = keras.ops.convert_to_numpy(images).astype("float32")
    if images.ndim != 4 or len(images) == 0 or images.shape[-1] not in (1, 3):
        raise refusal("images should have the shape (num_images, height, width, 1 or 3)", f"{images.shape}")
    count, height, width, channels = images.shape
    columns, padding = check_count(columns, "columns"), check_count(padding, "padding", least=0)
    black, white = check_range(value_range)
    rows = -(-count // columns)
    cells = np.ones((rows * columns, height + padding, width + padding, channels), "float32")
    cells[:count, :height, :width] = np.clip((images - black) / (white - black), 0.0, 1.0)
    cells = cells.reshape(rows, columns, *cells.shape[1:]).swapaxes(1, 2)
    sheet = cells.reshape(rows * (height + padding), columns * (width + padding), channels)
    return np.pad(sheet, ((padding, 0), (padding, 0), (0, 0)), constant_values=1.0)


def check_range(value_range):
    """Returns `(black, white)` as floats, or raises a `ValueError`."""
    try:
        black, white = (float(value) for value in value_range)
    except (TypeError, ValueError):
        black = white = math.nan
    if not (math.isfinite(black) and math.isfinite(white)) or black == white:
        raise refusal("`value_range` should be two different numbers (black, white)", value_range=value_range)
    return black, white


def save_points(path: PathLike, points: Tensor, title: str | None = None, real: Tensor | None = None) -> None:
    """Draws points in the plane as a picture.

    Args:
        path: the file to write; its folder is made if it does not exist.
        points: array or tensor of shape `(num_points, 2)`.
        title: the line above the panel; None for none.
        real: points of the data, drawn in grey behind the others; None for none.
    """
    from matplotlib.figure import Figure

    points = keras.ops.convert_to_numpy(points)
    real = None if real is None else keras.ops.convert_to_numpy(real)
    farthest = np.abs(points).max() if real is None else max(np.abs(points).max(), np.abs(real).max())
    side = 2.0 ** math.ceil(math.log2(max(farthest, 1e-3)))  # seldom another from picture to picture
    figure = Figure(figsize=(5.4, 5.4), layout="constrained")
    panel = figure.subplots()
    if real is not None:
        panel.scatter(real[:, 0], real[:, 1], s=6, color="0.7", linewidths=0, label="real data")
    panel.scatter(points[:, 0], points[:, 1], s=6, alpha=0.6, color="tab:blue", linewidths=0, label="samples")
    panel.set(aspect="equal", xlim=(-side, side), ylim=(-side, side), xlabel="x1", ylabel="x2")
    panel.set_title(title or "", fontsize=12, fontweight="bold", loc="left")
    if real is not None:
        panel.legend(loc="upper right", markerscale=2.5)
    save_figure(path, figure, 110)


def save_figure(path, figure, dpi=DPI):
    """Writes a figure of matplotlib, as `files.put` does."""
    files.put(path, lambda temporary: figure.savefig(temporary, dpi=dpi))
