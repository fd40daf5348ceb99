"""Images of a folder translated by a model, files in and files out."""

from pathlib import Path

import numpy as np

from keras_dl import files
from keras_dl.checks import refusal
from keras_dl.data.images import open_folder
from keras_dl.data.images.files import by_name
from keras_dl.data.segmentation.problems import listed


def translate_files(source, folder, shape, translate, track):
    """Writes what a function makes of each image of a folder as a PNG file of the same name.

    Args:
        source: the folder of images.
        folder: the folder that the translations go to; it is made if it does not exist.
        shape: the shape of an image, `(height, width, channels)`; sizes are `None` where any will do.
        translate: function of a float32 array `(1, height, width, channels)` in [0, 1] that returns another.
        track: function `track(items, title)` that goes through items.

    Returns:
        Dict of the meaning of what was written by path.

    Raises:
        ValueError: if the folder holds something other than such images, each of which is named, or is the one to
            write to; nothing is written then.
        FileExistsError: if a file is there that we did not write.
        OSError: if a file cannot be read or written.
    """
    source, folder = Path(source), Path(folder)
    if folder.resolve() == source.resolve():
        raise refusal(f"{folder} holds the images themselves; give another folder", f"{source}")
    opened = open_folder(source, shape[-1])
    _check_sizes(opened, shape[:2])
    paths = [folder / f"{name}.png" for name in by_name(source, opened.names)]
    files.check_free(paths)
    folder.mkdir(parents=True, exist_ok=True)
    for number in track(range(len(opened)), f"translating {len(opened)} images"):
        translated = translate(opened[number][None] / np.float32(255))[0]
        _write(paths[number], np.round(255 * np.clip(translated, 0, 1)).astype("uint8"))
    return {folder: f"the translations of {len(paths)} images"}


def check_one_way(backward):
    """Refuses the way back, of a model that has none."""
    if backward:
        raise refusal("`backward` is for models of two domains, those of cyclegan", backward=backward)


def check_no_seed(seed):
    """Refuses a seed, of a model without noise."""
    if seed is not None:
        raise refusal("`seed` is for models with noise, those of pix2pix", seed=seed)


def _check_sizes(opened, sizes):
    """Refuses images of other sizes than the model takes."""
    other = [
        f"{name} of {height}x{width}"
        for name, (height, width) in zip(opened.names, opened.sizes, strict=True)
        if not (sizes[0] in (None, height) and sizes[1] in (None, width))
    ]
    if other:
        expected = "x".join("any" if size is None else str(size) for size in sizes)
        raise refusal(f"Images should have the size that the model takes, {expected} pixels", listed(other))


def _write(path, levels):
    from PIL import Image

    picture = Image.fromarray(levels.squeeze(-1) if levels.shape[-1] == 1 else levels)
    files.put(path, lambda temporary: picture.save(temporary, format="PNG"))
