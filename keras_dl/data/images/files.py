"""Files of images, all checked before anything trains on them."""

import collections
from pathlib import Path

import numpy as np

from keras_dl.checks import check_path, refusal
from keras_dl.data.disk.decoding import decoded
from keras_dl.data.disk.pictures import SUFFIXES
from keras_dl.data.segmentation.problems import listed, reason

_PALETTES, _GREYS = ("P", "PA", "1"), ("L", "I", "F", "LA", "La")


def paths_in(folder):
    """The pictures of a folder, sorted by name; hidden files are passed over.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If it holds something else, or nothing.
    """
    folder = Path(check_path(folder, "path"))
    if not folder.is_dir():
        raise refusal(f"{folder} should be a folder of images", "no such folder", error=FileNotFoundError)
    entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    others = [path.name for path in entries if path.suffix.lower() not in SUFFIXES or path.is_dir()]
    if others or not entries:
        raise refusal(f"{folder} should hold images alone ({', '.join(SUFFIXES)})", f"{listed(others) or 'no file'}")
    return entries


def by_name(folder, paths):
    """The files of a folder by their names without suffixes, which stand for one image each.

    Args:
        folder: The folder, for messages.
        paths: Their paths or names.

    Raises:
        ValueError: If two have one name; it names them.
    """
    stems = [Path(path).stem for path in paths]
    counts = collections.Counter(stems)
    twice = [Path(path).name for path, stem in zip(paths, stems, strict=True) if counts[stem] > 1]
    if twice:
        raise refusal(f"{folder} should hold one image per name", listed(twice))
    return dict(zip(stems, paths, strict=True))


def channels_of(paths, channels=None):
    """The channels that images should have: those asked for or, for `None`, those of the first image.

    Raises:
        ValueError: If other channels are asked for than 1 and 3.
    """
    if channels not in (None, 1, 3):
        raise refusal("`channels` should be 1, 3 or None", channels=channels)
    if channels is not None:
        return channels
    try:
        return decoded(paths[0]).shape[-1]
    except Exception:  # what `sizes_of` says in a sentence, whatever channels it looks for
        return 3


def sizes_of(paths, channels=3, track=None):
    """Decodes files, to refuse all that nothing should train on in one message.

    Args:
        paths: The files.
        channels: 3 for colours, 1 for grey.
        track: Function `track(items, title)` that goes through items, or `None`.

    Returns:
        List of `(height, width)`.

    Raises:
        ValueError: If files are damaged, of 16 bits, with transparency or a palette, or grey where colours are wanted;
            it names each and says why.
    """
    sizes, problems = [], []
    for path in paths if track is None else track(paths, f"looking at {len(paths)} images"):
        problem = problem_of(path, channels)
        if isinstance(problem, str):
            problems.append(f"{path.name} {problem}")
        else:
            sizes.append(problem)
    if problems:
        colours = "colour" if channels == 3 else "grey"
        text = f"{paths[0].parent} should hold whole opaque {colours} images of 8 bits per channel, without palettes"
        raise refusal(text, f"{listed(problems)}")
    return sizes


def problem_of(path, channels=3):
    """What is wrong with a file, in words; `(height, width)` if nothing is."""
    from PIL import Image

    try:
        with Image.open(path) as picture:
            mode, transparent = picture.mode, "transparency" in picture.info
        if mode in _PALETTES:
            return "has a palette"
        if transparent or mode.endswith(("A", "a")):
            return "has an alpha channel"
        array = decoded(path)
    except Exception as error:  # the readers raise whatever the damage leads to
        return f"cannot be read ({reason(error.__cause__ or error)})"
    if array.dtype != np.uint8:
        return "has 16 bits"
    if array.shape[-1] != channels:
        return "is grey" if channels == 3 else "is coloured"
    return array.shape[:2]
