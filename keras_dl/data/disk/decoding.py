"""Pictures decoded to numbers of 8 or 16 bits: nothing that a file says is left out in silence."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np

from keras_dl.checks import refusal
from keras_dl.data.disk.column import DataError
from keras_dl.data.segmentation import raster, tiff
from keras_dl.data.segmentation.problems import reason

#: Chunks of a PNG file that change what it shows: with any of them, the slower and complete reader decodes it.
_TELLING = {b"PLTE", b"tRNS", b"eXIf", b"acTL"}
_COLOURS = {0: 1, 2: 3}  # type of colour in a PNG file -> channels


def decoded(path):
    """Reads a picture.

    Returns:
        Array `(height, width, channels)` of uint8 or uint16, grey or red, green and blue.

    Raises:
        DataError: If it cannot be read, has transparent pixels, or has other numbers than 8 or 16 bits.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
        picture = _plain_png(content)
        if picture is not None:
            return picture
        picture = (tiff if content[:4] in tiff.MAGIC else raster).read(path)
    except ImportError:
        raise
    except Exception as error:  # the readers raise whatever the damage leads to
        raise refusal(f"{path} should be one picture, grey or coloured", f"{reason(error)}", error=DataError) from error
    array = picture.array
    if array.dtype not in (np.uint8, np.uint16) or array.shape[-1] != (3 if picture.colours else 1):
        text = f"{array.dtype} with {array.shape[-1]} channels"
        raise refusal(f"{path} should be grey or coloured, of 8 or 16 bits", text, error=DataError)
    if picture.alpha is not None and (picture.alpha < np.iinfo(picture.alpha.dtype).max).any():
        raise refusal(f"{path} should be opaque: save it without transparency", "transparent pixels", error=DataError)
    return np.ascontiguousarray(array)


def _plain_png(content):
    """The picture of a PNG file of eight bits, grey or coloured, and nothing more; `None` of any other file.

    Its checksums are compared, which Pillow leaves out for pixels. Takes a third of the time of the complete reader.
    """
    if not content.startswith(raster.PNG):
        return None
    names = set()
    position = len(raster.PNG)
    while position < len(content):
        size, name = struct.unpack(">I4s", content[position : position + 8])
        names.add(name)
        end = position + 8 + size
        if content[end : end + 4] != struct.pack(">I", zlib.crc32(content[position + 4 : end])):
            raise ValueError(f"the checksum of its part {name.decode(errors='replace')} is wrong")
        position = end + 4
    bits, colours = content[24], content[25]
    if b"IEND" not in names:
        raise ValueError("the end of the file is missing")
    if names & _TELLING or bits != 8 or colours not in _COLOURS:
        return None
    from PIL import Image

    with Image.open(io.BytesIO(content)) as picture:
        array = np.asarray(picture)
    return np.ascontiguousarray(array.reshape(*array.shape[:2], _COLOURS[colours]))


def kind(shape, dtype):
    """Returns in words what picture has a shape and a dtype.

    Example:

    >>> kind((28, 28, 1), np.dtype("uint8"))
    '28x28 in grey of 8 bits'
    """
    height, width, channels = shape
    return f"{height}x{width} in {'grey' if channels == 1 else 'colour'} of {8 * dtype.itemsize} bits"
