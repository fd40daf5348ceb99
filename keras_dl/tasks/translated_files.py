"""Images of a folder translated by a model, files in and files out."""

from pathlib import Path

import numpy as np

from keras_dl import files
from keras_dl.checks import refusal
from keras_dl.data.images import open_folder


def translate_files(source, folder, channels, translate, track):
    """Writes what a function makes of each image of a folder as a PNG file of the same name.

    Args:
        source: the folder of images.
        folder: the folder that the translations go to; it is made if it does not exist.
        channels: the channels of the images.
        translate: function of a float32 array `(1, height, width, channels)` in [0, 1] that returns another.
        track: function `track(items, title)` that goes through items.

    Returns:
        Dict of the meaning of what was written by path.

    Raises:
        ValueError: if the folder holds something other than such images, or is the one to write to.
        FileExistsError: if a file is there that we did not write.
        OSError: if a file cannot be read or written.
    """
    source, folder = Path(source), Path(folder)
    if folder.resolve() == source.resolve():
        raise refusal(f"{folder} holds the images themselves; give another folder", f"{source}")
    opened = open_folder(source, channels)
    paths = [folder / f"{Path(name).stem}.png" for name in opened.names]
    if len(set(paths)) < len(paths):
        raise refusal(f"{source} should hold one image per name", f"{len(paths)} images")
    files.check_free(paths)
    folder.mkdir(parents=True, exist_ok=True)
    for number in track(range(len(opened)), f"translating {len(opened)} images"):
        translated = translate(opened[number][None] / np.float32(255))[0]
        _write(paths[number], np.round(255 * np.clip(translated, 0, 1)).astype("uint8"))
    return {folder: f"the translations of {len(paths)} images"}


def _write(path, levels):
    from PIL import Image

    picture = Image.fromarray(levels.squeeze(-1) if levels.shape[-1] == 1 else levels)
    files.put(path, lambda temporary: picture.save(temporary, format="PNG"))
