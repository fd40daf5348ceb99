"""Films of samples along closed paths of latents, as GIF files."""

import keras
import numpy as np

from keras_dl import files
from keras_dl.callbacks.arcs import on_arc

STOPS, STEPS = 4, 12  # latents that a path leads through, frames from one to the next
MILLISECONDS = 80  # a frame
GAP, LEAST_SIDE = 4, 48  # in pixels
ROWS, COLUMNS = 2, 6


def closed_path(stops, steps=STEPS):
    """Latents along arcs of great circles through several ones and back to the first; see `callbacks.arcs.on_arc`.

    Args:
        stops: Array `(num_stops, rows, latent_size)`, two stops at least.
        steps: Frames from one stop to the next.

    Returns:
        Array `(num_stops * steps, rows, latent_size)`.

    Example:

    >>> path = closed_path(np.array([[[1.0, 0.0]], [[0.0, 1.0]]]), steps=2)
    >>> path[:, 0].round(3).tolist()    # there, and back
    [[1.0, 0.0], [0.707, 0.707], [0.0, 1.0], [0.707, 0.707]]
    """
    following = np.roll(stops, -1, axis=0)
    shares = (np.arange(steps) / steps)[:, None, None]
    path = on_arc(stops[:, None], following[:, None], shares)
    return path.reshape(-1, *stops.shape[1:])


def film_of_latents(path, generate, latent_size, value_range=(0.0, 1.0)):
    """Writes a film of samples along closed paths of normal latents, which repeats without a cut.

    Args:
        path: The GIF file.
        generate: Function of latents `(rows, latent_size)` that returns images.
        latent_size: Number of latents.
        value_range: `(black, white)`.

    Returns:
        Dict of the film's meaning by path.
    """
    stops = np.random.default_rng(0).standard_normal((STOPS, ROWS * COLUMNS, latent_size))
    latents = closed_path(stops).astype("float32")
    frames = [frame(keras.ops.convert_to_numpy(generate(row)), value_range) for row in latents]
    write_film(path, frames)
    return {path: "samples along closed paths of latents, a film"}


def frame(images, value_range=(0.0, 1.0)):
    """Images as one picture, `COLUMNS` in a row, every pixel a whole square: uint8 `(height, width, channels)`."""
    low, high = value_range
    levels = np.round(255 * np.clip((images - low) / (high - low), 0, 1)).astype("uint8")
    times = max(1, -(-LEAST_SIDE // max(levels.shape[1:3])))
    levels = levels.repeat(times, axis=1).repeat(times, axis=2)
    rows = -(-len(levels) // COLUMNS)
    edges = ((0, rows * COLUMNS - len(levels)), (GAP, 0), (GAP, 0), (0, 0))
    cells = np.pad(levels, edges, constant_values=255)
    height, width, channels = cells.shape[1:]
    grid = cells.reshape(rows, COLUMNS, height, width, channels).swapaxes(1, 2)
    grid = grid.reshape(rows * height, COLUMNS * width, channels)
    return np.pad(grid, ((0, GAP), (0, GAP), (0, 0)), constant_values=255)


def write_film(path, frames):
    """Writes pictures of one size as a GIF file that repeats.

    Args:
        path: The file.
        frames: List of uint8 arrays `(height, width, 1 or 3)`; of three channels, a frame keeps its 256 best colours.
    """
    from PIL import Image

    pictures = [Image.fromarray(one.squeeze(-1) if one.shape[-1] == 1 else one) for one in frames]
    if pictures[0].mode == "RGB":
        pictures = [picture.quantize(256, Image.Quantize.MEDIANCUT) for picture in pictures]

    def save(temporary):
        first, *others = pictures
        first.save(temporary, "GIF", save_all=True, append_images=others, duration=MILLISECONDS, loop=0)

    files.replace(path, save)
