"""Pictures as PNG, TIFF, JPEG or BMP files, and masks as the same without losses."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from keras_dl.checks import refusal
from keras_dl.data.segmentation import raster, tiff
from keras_dl.data.segmentation.case import Opened
from keras_dl.data.segmentation.labels import whole_numbers
from keras_dl.data.segmentation.picture_file import UnknownPicture
from keras_dl.data.segmentation.problems import named, reason

SUFFIXES = (".png", ".tif", ".tiff", ".bmp", ".jpg", ".jpeg")
LARGEST = 2**16 - 1


class PictureSource(NamedTuple):
    """What is needed to write masks as those that were read.

    Attributes:
        label_values: The number in a file that each class has, as 0 and 255.
        white: Value of white in the image, or one per channel.
    """

    label_values: tuple | None = None
    white: float | tuple = 255.0

    def write(self, labels, path):
        """Writes class indices as a PNG file of the label values.

        Args:
            labels: Integer array `(height, width)`.
            path: The file.
        """
        from PIL import Image

        values = np.arange(labels.max(initial=0) + 1) if self.label_values is None else np.array(self.label_values)
        largest = int(values.max(initial=0))
        if largest > LARGEST:
            raise refusal(f"label values should be at most {LARGEST} for a PNG file", f"{largest} for {path}")
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(values[labels].astype("uint8" if largest < 256 else "uint16")).save(path)

    @property
    def suffix(self):
        return SUFFIXES[0]


def read_image(paths):
    """Reads a picture of one or several channels: grey, coloured, or bands. Transparency is left out of images.

    Args:
        paths: The files of its channels, or one file.

    Returns:
        An `Opened` with spacing `(1.0, 1.0)`; its grid is the picture's size.

    Raises:
        ValueError: If a file is not one picture whose channels are known, or their shapes differ.
    """
    parts = [_read(path) for path in paths]
    for path, part in zip(paths, parts, strict=True):
        if part.array.shape[:2] != parts[0].array.shape[:2]:
            raise refusal(
                f"channels should have the shape of the first, {parts[0].array.shape}",
                f"{part.array.shape} in {named(path)}",
            )
    layout = tuple(part.array.shape[-1] for part in parts)
    modalities = sum((_modalities(part) for part in parts), ())
    arrays = [part.array for part in parts]
    image = arrays[0] if len(arrays) == 1 else np.concatenate(arrays, axis=-1)
    source = PictureSource(white=sum(((part.white,) * part.array.shape[-1] for part in parts), ()))
    return Opened(image, (1.0, 1.0), image.shape[:2], source, modalities, layout)


def _modalities(picture):
    colours = 3 if picture.colours else 0
    return ("rgb",) * colours + ("grey",) * (picture.array.shape[-1] - colours)


def read_labels(path):
    """Reads a mask: a grey picture, a coloured one whose channels are equal, or the indices into a coloured palette.

    Returns:
        `(labels, grid)`: an integer array `(height, width)`, and its size.

    Raises:
        ValueError: If the file is not such a picture, if it may have been changed by compression, or if transparency
            tells pixels of one grey apart.
    """
    picture = _read(path)
    if picture.refusal is not None:
        raise refusal("a mask should be as it was drawn", f"{named(path)}, {picture.refusal}")
    labels = picture.array if picture.indices is None else picture.indices[..., None]
    if labels.shape[-1] > 1 and (labels != labels[..., :1]).any():
        raise refusal(
            "a picture of labels should be grey, of one number per class: save classes of colours as these",
            f"a coloured one, {named(path)}",
        )
    labels = labels[..., 0]
    if picture.indices is None and picture.alpha is not None:
        _check_alpha(labels, picture.alpha, path)
    return whole_numbers(labels, path) // picture.step, labels.shape


def _check_alpha(labels, alpha, path):
    """Refuses transparency that says more than the greys do."""
    for value in np.unique(labels):
        opacity = alpha[labels == value]
        if (opacity != opacity[0]).any():
            raise refusal(
                "the greys of a mask should be its labels; save it without transparency, on black",
                f"pixels of grey {value} that are transparent and others that are not in {named(path)}",
            )


def check_same_grid(grid, other, name):
    """Raises a `ValueError` unless two pictures have the same size."""
    if grid != other:
        raise refusal(f"labels should have the shape of the image, {grid}", f"{other} in {name}")


def _read(path):
    """Decodes a file by what it is, whatever its suffix says."""
    try:
        with path.open("rb") as file:
            magic = file.read(4)
        picture = (tiff if magic in tiff.MAGIC else raster).read(path)
    except UnknownPicture as error:
        raise refusal("a file should be one grey or coloured picture", f"{named(path)}, {error}") from error
    except ImportError:
        raise
    except Exception as error:  # the readers raise whatever the damage leads to
        raise refusal(f"{named(path)} should be a picture", f"{reason(error)}") from error
    if picture.array.dtype.kind not in "biuf" or not picture.array.size:
        raise refusal("a pixel should be one real number", f"type {picture.array.dtype} in {named(path)}")
    return picture
