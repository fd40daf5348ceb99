"""Description of a folder by its `dataset.json`, as nnU-Net and the Medical Segmentation Decathlon mean it."""

import json
from typing import NamedTuple

from keras_dl.checks import refusal
from keras_dl.data.segmentation import listing

BACKGROUND, IGNORE = "background", "ignore"


class Description(NamedTuple):
    """What `dataset.json` says.

    Attributes:
        label_values: The label of each class, ascending, 0 first; `None` if it says nothing.
        ignore: The label of pixels that train nothing, or `None`.
        modalities: Of each channel, in lower case; empty if it says nothing.
        listed: What it says of the files of the cases, see `keras_dl.data.segmentation.listing`; a dict.
    """

    label_values: tuple | None = None
    ignore: int | None = None
    modalities: tuple = ()
    listed: dict | None = None


def describe(folder):
    """Reads `dataset.json`, if there is one.

    Args:
        folder: The folder of images and labels.

    Returns:
        A `Description`.

    Raises:
        ValueError: If it is not understood, or describes regions that overlap.

    Example:

    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "dataset.json").write_text('{"labels": {"background": 0, "cell": 255, "ignore": 9}}')
    ...     describe(Path(folder))
    Description(label_values=(0, 255), ignore=9, modalities=(), listed={})
    """
    path = folder / "dataset.json"
    if not path.is_file():
        return Description()
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=_once)
        numbers, modalities = _labels(content.get("labels", {})), _modalities(content)
        files = listing.listed(content)
    except _Regions as error:
        raise refusal(str(error), f"regions in {folder.name}/dataset.json") from error
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise refusal("dataset.json should name labels and channels", f"{error!r}") from error
    ignore = numbers.pop(IGNORE, None)
    if not numbers:
        return Description(None, ignore, modalities, files)
    return Description(tuple(sorted({0, *numbers.values()})), ignore, modalities, files)


def _once(pairs):
    """A dict of JSON, which otherwise keeps the last of two entries of one name."""
    names = [name for name, _ in pairs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{', '.join(twice)}, which is there twice")
    return dict(pairs)


class _Regions(Exception):
    """Labels that are sets of others."""


def _labels(labels):
    """The number of each name, of `{"organ": 1}` or `{"1": "organ"}`."""
    if not isinstance(labels, dict):
        raise ValueError(f'labels {labels!r}, which are not as {{"background": 0, "organ": 1}}')
    regions = [name for name, value in labels.items() if isinstance(value, (list, tuple))]
    if regions:
        raise _Regions(
            "each name of a label should have one number: labels here exclude one another. Name the numbers that are "
            f"in the files instead of {', '.join(map(str, regions))}, and join classes of the predictions."
        )
    by_number = all(label.removeprefix("-").isdecimal() for label in labels) and bool(labels)
    pairs = labels.items()
    if by_number:
        pairs = [(name, number) for number, name in pairs]
    numbers = {}
    for name, value in pairs:
        name = str(name).strip()
        name = name.lower() if name.lower() in (BACKGROUND, IGNORE) else name
        number = _integer(value, negative=name == IGNORE)
        if number in numbers.values() or (name in numbers and name in (BACKGROUND, IGNORE)):
            raise ValueError(f"label {number}, {name}, is there twice")
        numbers[name if name not in numbers else f"{name} {number}"] = number
    if numbers.get(BACKGROUND, 0) != 0:
        raise ValueError(f"the background is {numbers[BACKGROUND]}, which has to be 0")
    if numbers.get(IGNORE) == 0:
        raise ValueError("the ignored label is 0, which is the background's")
    return numbers


def _modalities(content):
    channels = content.get("channel_names", content.get("modality", {}))
    if not isinstance(channels, dict):
        raise ValueError(f'channels {channels!r}, which are not as {{"0": "CT"}}')
    if content.get("modality", channels) != channels:
        raise ValueError(f"channel_names {channels!r} and modality {content['modality']!r}, which differ")
    numbers = sorted(int(key) for key in channels)
    if numbers != list(range(len(channels))):
        raise ValueError(f"channels {numbers}, which are not 0, 1, 2 ...")
    names = {int(key): str(name).strip().lower() for key, name in channels.items()}
    return tuple(names[number] for number in numbers)


def _integer(value, negative):
    number = int(value) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int) or (number < 0 and not negative):
        raise ValueError(f"{value!r}, which is no integer of at least 0")
    return number
