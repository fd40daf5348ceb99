"""Rows of equal size in one file: NumPy's `.npy` and `.npz`, and temporary files of what had to be decoded."""

import os
import struct
import tempfile
import zipfile
import zlib
from pathlib import Path

import numpy as np

from keras_dl.checks import refusal
from keras_dl.data.disk.column import Column, DataError

_CHUNK = 2**24
_LOCAL_HEADER = 30
_NOT_NUMPY = (ValueError, EOFError, OSError, SyntaxError, TypeError, KeyError, zipfile.BadZipFile, zlib.error)


class Block(Column):
    """Rows of a file, one behind the other.

    They are read by position rather than mapped into memory: what has been read does not count as the process' memory,
    and a file that was cut off is an error instead of a crash.

    Args:
        file: An open binary file.
        offset: Where the first row begins.
        shape, stored: See `Column`.
        named: Function of a row that returns its place in words.
    """

    def __init__(self, file, offset, shape, stored, named):
        super().__init__(shape, stored)
        if self.stored.kind not in "biuf":
            raise refusal(f"{named(0)} should hold numbers", f"dtype {self.stored}")
        if not self.shape or 0 in self.shape:
            raise refusal(f"{named(0)} should be in an array with rows", f"shape {self.shape}")
        self.file, self.offset = file, offset
        self.where = named  # type: ignore[method-assign]
        self.row_bytes = self.stored.itemsize * int(np.prod(self.shape[1:]))

    def read_stored(self, rows):
        samples = np.empty((len(rows), *self.shape[1:]), self.stored)
        if len(rows):
            target = memoryview(samples.reshape(len(rows), -1).view("uint8"))  # type: ignore[arg-type]
            for first, last in _runs(rows):
                self._fill(target[first:last], int(rows[first]))
        return samples if self.stored.isnative else samples.astype(self.stored.newbyteorder("="))

    def _fill(self, target, row):
        """Reads rows that follow one another."""
        size, position = target.nbytes, self.offset + row * self.row_bytes
        flat, done = target.cast("B", (size,)), 0
        while done < size:
            count = os.preadv(self.file.fileno(), [flat[done:]], position + done)
            if count == 0:
                cut = row + done // self.row_bytes
                raise refusal(
                    f"{self.where(cut)} should have {self.row_bytes} bytes", "the end of the file", error=DataError
                )
            done += count


def _runs(rows):
    """The ends of what can be read at once: positions at which rows no longer follow one another."""
    ends = [0, *(np.flatnonzero(np.diff(rows) != 1) + 1), len(rows)]
    return zip(ends[:-1], ends[1:], strict=True)


class Spool:
    """A temporary file that rows are written to as they are decoded, and that is gone with the process.

    Args:
        named: Function of a row that returns its place in words.
    """

    def __init__(self, named):
        self.named, self.count, self.like = named, 0, None
        self.file = temporary()

    def append(self, rows):
        """Writes an array of rows, all of one shape and dtype."""
        rows = np.ascontiguousarray(rows)
        self.like = rows[:0] if self.like is None else self.like
        self.file.write(rows.data)
        self.count += len(rows)

    def block(self):
        """Returns what was written, as a `Block`."""
        self.file.flush()
        like = np.empty(0, "float32") if self.like is None else self.like
        return Block(self.file, 0, (self.count, *like.shape[1:]), like.dtype, self.named)


def temporary():
    """Returns a new file without a name, which is gone when it is closed."""
    return tempfile.TemporaryFile(prefix="keras_dl_")  # noqa: SIM115


def npy(path):
    """Opens a `.npy` file: its array, a `Block`.

    Raises:
        ValueError: If the file is damaged, or its rows do not lie one behind the other.
    """
    path = Path(path)
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise
    except _NOT_NUMPY as error:
        raise refusal(f"{path} should be an array of numbers as np.save writes it", error) from error
    _check_order(path, array.flags.c_contiguous)
    return Block(path.open("rb"), array.offset, array.shape, array.dtype, lambda row: f"row {row} of {path}")


def npz(path):
    """Opens a `.npz` file: a dict of `Block`s by name. Arrays that are compressed are unpacked into temporary files."""
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            return {info.filename.removesuffix(".npy"): _member(path, archive, info) for info in archive.infolist()}
    except FileNotFoundError:
        raise
    except _NOT_NUMPY as error:
        raise refusal(f"{path} should hold arrays as np.savez writes them", error) from error


def _member(path, archive, info):
    def named(row):
        return f"row {row} of {info.filename.removesuffix('.npy')} in {path}"

    spool = None if info.compress_type == zipfile.ZIP_STORED else temporary()
    with archive.open(info) as member:
        version = np.lib.format.read_magic(member)
        read_header = {(1, 0): np.lib.format.read_array_header_1_0}.get(version, np.lib.format.read_array_header_2_0)
        shape, fortran, dtype = read_header(member)
        _check_order(f"{info.filename} in {path}", not fortran or len(shape) < 2)
        start = member.tell()
        while chunk := member.read(_CHUNK):  # reading a member to its end compares its checksum
            if spool is not None:
                spool.write(chunk)
    if spool is not None:
        spool.flush()
        return Block(spool, 0, shape, dtype, named)
    return Block(path.open("rb"), _begin(path, info) + start, shape, dtype, named)


def _begin(path, info):
    """Where the content of a member that is not compressed begins."""
    with path.open("rb") as file:
        file.seek(info.header_offset)
        name, extra = struct.unpack("<26xHH", file.read(_LOCAL_HEADER))
    return info.header_offset + _LOCAL_HEADER + name + extra


def _check_order(name, in_rows):
    if not in_rows:
        text = f"{name} should be stored row by row: save np.ascontiguousarray(x)"
        raise refusal(text, "an array in Fortran's order")
