"""Content of a picture's file, whatever its format."""

from typing import NamedTuple

import numpy as np


class PictureFile(NamedTuple):
    """A decoded picture.

    Attributes:
        array: `(height, width, channels)`, without transparency; of one bit per pixel, with 0 and 255.
        colours: Whether the first three channels are red, green and blue.
        white: Value of white: 255 for eight bits, 65535 for sixteen.
        alpha: Opacity `(height, width)`, or `None`.
        indices: Indices `(height, width)` into a palette, if they are what a mask means, or `None`.
        step: What decoding multiplied the numbers in the file by.
        refusal: Why it cannot be a mask, or `None`.
    """

    array: np.ndarray
    colours: bool = False
    white: float = 255.0
    alpha: np.ndarray | None = None
    indices: np.ndarray | None = None
    step: int = 1
    refusal: str | None = None


class UnknownPicture(ValueError):
    """A picture that is not damaged, and of which it is not known what it shows; the message says what to do."""


def turned(array, orientation):
    """Returns an array upright that is stored as the Exif or TIFF orientation says.

    Args:
        array: Array `(height, width, ...)` or `None`.
        orientation: 1 to 8; 1 is upright.

    Example:

    >>> turned(np.array([[1, 2]]), 6).tolist()
    [[1], [2]]
    """
    if array is None or orientation == 1:
        return array
    if orientation in (5, 6, 7, 8):
        array = np.swapaxes(array, 0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return array
