"""Pictures and masks as PNG or TIFF files."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from keras_dl import lazy
from keras_dl.data.segmentation.problems import named, reason

SUFFIXES = (".png", ".tif", ".tiff", ".bmp")


class PictureSource(NamedTuple):
    """What is needed to write masks as those that were read.

    Attributes:
        label_values: The number in a file that each class has, as 0 and 255.
    """

    label_values: tuple | None = None

    def write(self, labels, path):
        """Writes class indices as a PNG file of the label values.

        Args:
            labels: Integer array `(height, width)`.
            path: The file.
        """
        io = lazy.need("skimage.io", "Writing pictures")
        values = np.arange(labels.max(initial=0) + 1) if self.label_values is None else np.array(self.label_values)
        dtype = "uint8" if values.max(initial=0) < 256 else "uint16"
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        io.imsave(path, values[labels].astype(dtype), check_contrast=False)

    @property
    def white(self):
        return 255.0

    @property
    def suffix(self):
        return SUFFIXES[0]


def read_image(paths):
    """Reads a picture of one or several channels, grey or coloured; transparency is left out.

    Args:
        paths: The files of its channels, or one file.

    Returns:
        `(image, spacing, None, source)`: float32 `(height, width, channels)`, `(1.0, 1.0)` and a `PictureSource`.

    Raises:
        ValueError: If a file is not a picture, or their shapes differ.
    """
    parts = [_read(path) for path in paths]
    for path, part in zip(paths, parts, strict=True):
        if part.shape[:2] != parts[0].shape[:2]:
            raise ValueError(
                f"Expected the shape of the first channel, {parts[0].shape}. Received: {part.shape} in {named(path)}"
            )
    return np.concatenate(parts, axis=-1).astype("float32"), (1.0, 1.0), None, PictureSource()


def read_labels(path):
    """Reads a mask: a grey picture, a coloured one whose channels are equal, or the indices into a coloured palette.

    Returns:
        `(labels, None)`: an integer array `(height, width)`.

    Raises:
        ValueError: If the file is not such a picture.
    """
    indices = _indices(path)
    labels = _read(path) if indices is None else indices[..., None]
    if (labels != labels[..., :1]).any():
        raise ValueError(f"Expected a grey picture of labels. Received: a coloured one, {named(path)}")
    return labels[..., 0], None


def check_same_grid(image, affine, other, other_affine, name):
    """Raises a `ValueError` unless two pictures have the same size."""
    if image.shape[:2] != other.shape[:2]:
        raise ValueError(f"Expected the shape of the image, {image.shape[:2]}. Received: {other.shape[:2]} in {name}")


def _indices(path):
    """Returns the indices `(height, width)` of a picture that has a palette with colours, and `None` of any other."""
    from PIL import Image

    try:
        with Image.open(path) as picture:
            if picture.mode != "P":
                return None
            palette = np.reshape(picture.getpalette(), (-1, 3))
            return None if (palette == palette[:, :1]).all() else np.asarray(picture)
    except Exception:  # whatever the damage leads to; `_read` says what is wrong
        return None


def _read(path):
    """Returns `(height, width, channels)` with one channel or three; of one bit a pixel, with 0 and 255."""
    io = lazy.need("skimage.io", "Reading pictures")
    try:
        picture = np.asarray(io.imread(path))
    except Exception as error:  # imageio's plugins raise whatever the damage leads to
        raise ValueError(f"Expected {named(path)} to be a picture. Received: {reason(error)}") from error
    picture = picture.astype("uint8") * 255 if picture.dtype == bool else picture
    picture = picture[..., None] if picture.ndim == 2 else picture
    if picture.ndim != 3 or picture.shape[2] > 4:
        raise ValueError(f"Expected one grey or coloured picture. Received: shape {picture.shape} in {named(path)}")
    return picture[..., : 1 if picture.shape[2] < 3 else 3]  # without transparency
