"""Named sets of images of any sizes, for super-resolution: drawings made up here, and t91."""

import difflib
import os
from pathlib import Path

import numpy as np

from keras_dl.checks import refusal
from keras_dl.data.images.folder import Images, open_folder

NAMES = ("drawings", "t91")
_COUNT, _SIZE = 24, 96
_FINER = 3  # how much finer drawings are computed, so that their edges are smooth


def load(name, track=None):
    """Opens a set of images by name.

    | name | images | sizes |
    |---|---:|---|
    | `drawings` | 24 | 96x96; discs, polygons and stripes, made up, no files needed |
    | `t91` | 53 | about 215x300; of the 91 images of Yang et al. (2010), under `$KERAS_DL_DATA/t91/` |

    Args:
        name: One of the names above.
        track: Function `track(items, title)` that goes through items, or `None`.

    Returns:
        `keras_dl.data.images.Images`.

    Raises:
        ValueError: For an unknown name, or if files are not what they should be.
        FileNotFoundError: If there are no such files.

    Example:

    >>> images = load("drawings")
    >>> len(images), images[0].shape
    (24, (96, 96, 3))
    """
    if name not in NAMES:
        near = difflib.get_close_matches(str(name), NAMES) or NAMES
        raise refusal(f"`name` should be that of a set of images; the nearest: {', '.join(near)}", f"{name!r}")
    if name == "drawings":
        return Images([drawing(number) for number in range(_COUNT)], [f"drawing_{n:02d}" for n in range(_COUNT)])
    root = os.environ.get("KERAS_DL_DATA")
    if not root:
        text = f"the environment variable KERAS_DL_DATA should name a folder with {name}/"
        raise refusal(text, "it is not set", error=FileNotFoundError)
    return open_folder(Path(root) / name, track=track)


def drawing(number, size=_SIZE):
    """Draws an image of shapes with smooth edges, uint8 `(size, size, 3)`; `number` decides it.

    Example:

    >>> drawing(3, 24).shape
    (24, 24, 3)
    """
    rng = np.random.default_rng((2018, number))
    fine = size * _FINER
    y, x = (np.mgrid[:fine, :fine] + 0.5) / fine
    image = np.empty((fine, fine, 3))
    slope = rng.normal(size=(2, 3)) * 0.2
    image[:] = rng.uniform(0.2, 0.8, 3) + (x[..., None] - 0.5) * slope[0] + (y[..., None] - 0.5) * slope[1]
    for _ in range(int(rng.integers(8, 14))):
        inside = _shape(rng, x, y)
        image[inside] = _fill(rng, x[inside], y[inside])
    image = image.reshape(size, _FINER, size, _FINER, 3).mean((1, 3))
    return np.round(255 * np.clip(image, 0, 1)).astype("uint8")


def _shape(rng, x, y):
    """A disc, a ring or a polygon of a few corners, as a mask."""
    centre, radius, kind = rng.uniform(0, 1, 2), rng.uniform(0.05, 0.3), rng.integers(3)
    dx, dy = x - centre[0], y - centre[1]
    if kind < 2:
        distance = np.hypot(dx, dy)
        return (distance < radius) & ((kind == 0) | (distance > 0.8 * radius))
    angles = rng.uniform(0, 2 * np.pi) + 2 * np.pi * np.arange(int(rng.integers(3, 6))) / 5
    return np.all([dx * np.cos(angle) + dy * np.sin(angle) < 0.7 * radius for angle in angles], 0) & (
        np.hypot(dx, dy) < 2 * radius
    )


def _fill(rng, x, y):
    """One colour, or stripes of two."""
    colours = rng.uniform(0, 1, (2, 3))
    if rng.random() < 0.5:
        return colours[0]
    angle, frequency = rng.uniform(0, np.pi), rng.uniform(8, 20)
    phase = frequency * (x * np.cos(angle) + y * np.sin(angle))
    return colours[(phase % 1 < 0.5).astype(int)]
