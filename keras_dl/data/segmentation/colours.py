"""Colours: channels that are divided by the value of white, and what they may hold."""

import warnings

import numpy as np

from keras_dl.checks import refusal
from keras_dl.data.segmentation.problems import listed

BYTE = 255.0
COLOURS = ("rgb", "rgb_to_0_1")
ALIKE = {"ct", "none", "nonorm"}  # the numbers of all images mean the same
REMEDY = "else save them as 8 or 16 bits, or have dataset.json call the channels zscore, rescale_to_0_1 or noNorm"
UNUSED = 16  # times the largest value, if that is no more than white, images have fewer bits than their files


def check_colours(image, modalities, white, name):
    """Refuses channels that are to be divided by white and go beyond it, or cannot have been measured by it.

    Args:
        image: Array `(*sizes, channels)`.
        modalities: Of each channel, the name of its modality or its normalisation.
        white: Value of white, a number or one per channel.
        name: What error messages call the image.

    Raises:
        ValueError: If such channels have values below 0 or above white, fractions up to 1 alone, or in sixteen bits
            only values of eight.

    Example:

    >>> check_colours(np.full((2, 2, 3), 200.0), ("rgb",) * 3, 255.0, "a")
    """
    for one, numbers in _by_white(modalities, white).items():
        least, largest = (float(f([f(image[..., number]) for number in numbers])) for f in (np.min, np.max))
        fractions = largest <= 1 and any((image[..., n] != np.round(image[..., n])).any() for n in numbers)
        eight_bits = one > BYTE and 0 < largest <= BYTE
        if least < 0 or largest > one or fractions or eight_bits:
            text = f"colours should be from 0 to {one:g}, the value of white; {REMEDY}"
            raise refusal(text, f"values from {least:g} to {largest:g} in {name}")


def check_depth(images, modalities):
    """Warns of images that all end far below white, as those of twelve bits in files of sixteen do.

    A single image may be dark; that none of a set has a bright pixel lets one suspect that its numbers mean something
    else.

    Args:
        images: Of each image, by name, the array `(*sizes, channels)` and its value of white, as in `check_colours`.
        modalities: Of each channel, the name of its modality or its normalisation.

    Example:

    >>> check_depth({"a": (np.full((2, 2, 1), 200), 255.0)}, ["rgb"])
    """
    ends = []
    for image, white in images.values():
        for one, numbers in _by_white(modalities, white).items():
            largest = max(float(image[..., number].max()) for number in numbers)
            if UNUSED * largest > one:
                return
            ends.append((largest, one))
    if any(largest > 0 for largest, _ in ends):
        largest, white = max(ends)
        warnings.warn(
            f"colours go up to {largest:g} of {white:g}, the value of white, in {listed(images)}, and are divided by "
            "that; if they have fewer bits than their files, scale them (12 bits in 16 by 16)",
            stacklevel=4,
        )


def check_alike_depth(opened, modalities):
    """Refuses pictures of eight and of sixteen bits side by side where all images are normalised alike.

    Args:
        opened: Of each image, by name, its `Opened`.
        modalities: Of each channel, the name of its modality; z-scores, colours and ranges are each image's own.

    Raises:
        ValueError: If there are both.
    """
    depths: dict = {}
    for name, image in opened.items():
        if image.image.dtype.kind == "u":
            depths.setdefault(float(np.max(image.source.white)), []).append(name)
    if len(depths) > 1 and ALIKE.intersection(modalities):
        kinds = "; ".join(f"white of {white:g} in {listed(names)}" for white, names in depths.items())
        text = f"images should have as many bits each where dataset.json calls channels {listed(sorted(ALIKE))}"
        raise refusal(f"{text}: save them alike", kinds)


def _by_white(modalities, white):
    """Numbers of the coloured channels by their value of white."""
    numbers = {}
    if np.ndim(white) and len(white) != len(modalities):
        return numbers  # which is refused as another number of channels
    for number, (kind, one) in enumerate(zip(modalities, np.broadcast_to(white, len(modalities)), strict=True)):
        if kind in COLOURS:
            numbers.setdefault(float(one), []).append(number)
    return numbers
