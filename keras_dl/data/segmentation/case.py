"""One image with its labels."""

from typing import Any, NamedTuple

import numpy as np

from keras_dl.checks import refusal
from keras_dl.data.segmentation.labels import IGNORED


class Case(NamedTuple):
    """One image with its labels.

    Attributes:
        image: Float32 array `(*sizes, channels)`.
        labels: Integer array `(*sizes)` of class indices, -100 where pixels train nothing; or `None`.
        spacing: Distance between neighbouring pixels, one per axis (in mm for medical images).
        name: What error messages and written predictions call it.
        source: What is needed to write predictions back where it was read from; `None` for arrays.
    """

    image: np.ndarray
    labels: np.ndarray | None
    spacing: tuple
    name: str
    source: Any = None


class Opened(NamedTuple):
    """An image as it is in its files.

    Attributes:
        image: Array `(*sizes, channels)` of the files' type.
        spacing: Distance between neighbouring pixels, one per axis.
        grid: Where the pixels are in space, which `check_same_grid` of the reader compares; or `None`.
        source: What writes labels beside the files, whose attribute `white` is the value of white of colours.
        modalities: Of each channel, what the files alone say: `"rgb"`, `"grey"` or `"mri"`.
        layout: Number of channels of each file.
    """

    image: np.ndarray
    spacing: tuple
    grid: object
    source: object
    modalities: tuple
    layout: tuple


def check_case(case):
    """Refuses a case that is not what `Case` says, before anything is made of it.

    Args:
        case: The `Case`.

    Raises:
        ValueError: If its image is not of finite numbers, its spacing not positive and one per axis, or its labels not
            integers of at least 0 (or -100, which is ignored) of the image's sizes.

    Example:

    >>> check_case(Case(np.zeros((4, 5, 1)), np.zeros((4, 5), int), (1.0, 1.0), "a"))
    """
    image, spacing = np.asarray(case.image), np.asarray(case.spacing, "float64")
    sizes = image.shape[:-1]
    if image.dtype.kind not in "biuf" or not image.size:
        raise refusal("an image should hold numbers", f"{image.dtype}, {image.shape} in {case.name}")
    if not np.isfinite(image).all():
        raise refusal("values should be finite", f"NaN or infinity in {case.name}")
    if spacing.shape != (len(sizes),) or not (np.isfinite(spacing) & (spacing > 0)).all():
        raise refusal(
            "`spacing` should be positive for each axis of an image (*sizes, channels)",
            f"spacing {case.spacing} for shape {image.shape} in {case.name}",
        )
    if case.labels is None:
        return
    labels = np.asarray(case.labels)
    if labels.shape != sizes:
        raise refusal(f"labels should have the image's shape, {sizes}", f"{labels.shape} in {case.name}")
    least = labels.min(where=labels != IGNORED, initial=0) if labels.dtype.kind in "iu" else 0
    if labels.dtype.kind not in "biu" or least < 0:
        raise refusal("labels should be integers of at least 0", f"{labels.dtype} from {labels.min()} in {case.name}")
