"""Readers for the standard files of named data sets; each checks what it reads and names the file when it is wrong."""

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy as np

from keras_dl import lazy
from keras_dl.checks import refusal

_DAMAGE = (
    EOFError,
    KeyError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
    struct.error,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)
_IDX_UNSIGNED_BYTE = 0x08
_NPY_HEADER_BYTES = 65536


def find(folder, candidates):
    """Returns the first of `candidates` (paths relative to `folder`) that is a file.

    Raises:
        FileNotFoundError: if there is none; the message names what was looked for and what is there.
    """
    folder = Path(folder)
    for candidate in candidates:
        if (folder / candidate).is_file():
            return folder / candidate
    there = "no such folder"
    if folder.is_dir():
        there = sorted(path.name for path in folder.iterdir())
    raise refusal(f"there should be {' or '.join(map(str, candidates))} in {folder}", there, error=FileNotFoundError)


def read_idx(path, shape):
    """Reads a gzipped IDX file of unsigned bytes (LeCun's MNIST format).

    The header is two zero bytes, a type code (8: unsigned byte), the number of axes, and each axis' length as a
    big-endian 32-bit integer.

    Args:
        path: the `.gz` file.
        shape: tuple of integers, the shape that the array must have.

    Returns:
        A uint8 array of that shape.

    Raises:
        ValueError: if the file is not such an array of that shape, is truncated, too long, or fails its checksum.
    """
    header = struct.pack(f">BBBB{len(shape)}I", 0, 0, _IDX_UNSIGNED_BYTE, len(shape), *shape)
    size = len(header) + int(np.prod(shape))
    try:
        with gzip.open(path, "rb") as file:
            content = file.read(size + 1)
    except _DAMAGE as error:
        raise _damaged(path, "a whole gzip file", error) from error
    if content[:4] != header[:4]:
        raise refusal(
            f"{path} should start with the magic number {header[:4].hex()} (IDX, unsigned bytes, {len(shape)} axes)",
            f"{content[:4].hex() or 'an empty file'}",
        )
    if content[4 : len(header)] != header[4:]:
        raise refusal(
            f"{path} should hold an array of shape {tuple(shape)}, in its header {header[4:].hex()}",
            f"{content[4 : len(header)].hex()}",
        )
    if len(content) != size:
        length = "more" if len(content) > size else len(content)
        raise refusal(f"{path} should hold {size} bytes after decompression", length)
    return np.frombuffer(content, "uint8", offset=len(header)).reshape(shape)


def read_npz(path, shapes):
    """Reads arrays from an `.npz` archive, without pickle and with every checksum verified.

    Args:
        path: the `.npz` file.
        shapes: dict from array name to the shape it must have.

    Returns:
        A dict from array name to array, in the order of `shapes`.

    Raises:
        ValueError: if the archive is damaged, lacks an array, or holds one of another shape or of Python objects.
    """
    arrays = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for name, shape in shapes.items():
                arrays[name] = _read_member(archive, f"{name}.npy", shape)
    except _DAMAGE as error:
        raise _damaged(path, f"an .npz file with the arrays {list(shapes)}", error) from error
    for name, shape in shapes.items():
        if arrays[name].shape != tuple(shape) or arrays[name].dtype.kind not in "buif":
            raise refusal(
                f"{name} in {path} should be a numeric array of shape {tuple(shape)}",
                f"{arrays[name].dtype} of shape {arrays[name].shape}",
            )
    return arrays


def _read_member(archive, name, shape):
    largest = 8 * int(np.prod(shape)) + _NPY_HEADER_BYTES
    if archive.getinfo(name).file_size > largest:
        raise ValueError(f"{name} holds {archive.getinfo(name).file_size} bytes, more than the {largest} expected")
    content = archive.read(name)  # reading a member to its end compares its checksum
    return np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)


def read_cifar10_binary(folder, batches, num_images=10_000):
    """Reads CIFAR-10's binary version: a label byte, then 3,072 bytes of red, green and blue planes, an image.

    Args:
        folder: holds the `.bin` files, or `cifar-10-batches-bin/` with them, or `cifar-10-binary.tar.gz`.
        batches: file names, for instance `["test_batch.bin"]`.
        num_images: integer, images in each file.

    Returns:
        `(x, y)`: uint8 images of shape `(len(batches) * num_images, 32, 32, 3)` and uint8 labels `(...,)`.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if a file has another size or the archive is damaged.
    """
    inner = "cifar-10-batches-bin"
    size = num_images * 3073
    records = []
    for batch in batches:
        path = find(folder, [batch, f"{inner}/{batch}", "cifar-10-binary.tar.gz"])
        packed = path.name.endswith(".tar.gz")
        content = _read_tar_member(path, f"{inner}/{batch}", size) if packed else path.read_bytes()
        if len(content) != size:
            raise refusal(f"{batch} from {path} should hold {size} bytes", f"{len(content)}")
        records.append(np.frombuffer(content, "uint8").reshape(num_images, 3073))
    records = np.concatenate(records)
    return records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), records[:, 0]


def read_image_rows(path, shape):
    """Reads images that are the rows of one picture: each row's pixels are an image's, from its top left corner on.

    Args:
        path: the picture, without loss (PNG).
        shape: tuple `(num_images, height, width, 3)`.

    Returns:
        A uint8 array of that shape.

    Raises:
        ValueError: if the file is no picture, or one of another size.
    """
    io = lazy.need("skimage.io", "Reading pictures")
    count, height, width, channels = shape
    try:
        picture = io.imread(path)
    except (*_DAMAGE, SyntaxError) as error:  # the latter for a broken PNG
        raise _damaged(path, "a picture", error) from error
    if picture.shape != (count, height * width, channels) or picture.dtype != "uint8":
        expected = f"{height * width} by {count} pixels of {channels} bytes"
        raise refusal(f"{path} should have {expected}", f"{picture.shape} {picture.dtype}")
    return picture.reshape(shape)


def read_integers(path, count):
    """Reads a text file of that many integers, apart by white space, as an int64 array.

    Raises:
        ValueError: if it holds anything else.
    """
    words = Path(path).read_text(encoding="ascii", errors="replace").split()
    if len(words) != count or not all(word.lstrip("-").isdecimal() for word in words):
        raise refusal(f"{path} should hold {count} integers", f"{len(words)} words, {words[:3]} ...")
    return np.array(words, "int64")


def _read_tar_member(path, name, size):
    try:
        with tarfile.open(path, "r:gz") as archive:
            return archive.extractfile(name).read(size + 1)
    except (*_DAMAGE, AttributeError) as error:
        raise _damaged(path, f"a gzipped tar archive with {name}", error) from error


def _damaged(path, expected, error):
    return refusal(f"{path} should be {expected}", f"{type(error).__name__}: {error}")
