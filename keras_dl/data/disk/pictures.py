"""Folders of pictures, with a subfolder per class or without."""

import mmap
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np

from keras_dl.checks import refusal
from keras_dl.data.disk.blocks import Block, temporary
from keras_dl.data.disk.column import Column, DataError
from keras_dl.data.disk.decoding import decoded, kind
from keras_dl.data.segmentation.problems import listed

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif")
#: Names that folders beside one another have for other reasons than being classes.
NO_CLASSES = frozenset(
    [
        "train",
        "training",
        "trn",
        "val",
        "valid",
        "validation",
        "dev",
        "test",
        "testing",
        "tst",
        "images",
        "masks",
        "labels",
    ]
)
_SHARE_OF_DISK = 10  # a tenth of what is free may hold decoded pictures


class Pictures(Column):
    """Pictures of one size and kind, the first one's. Each is decoded once, into a temporary file, if it has room.

    Args:
        paths: Sequence of the files' paths.
    """

    def __init__(self, paths):
        self.paths = paths
        first = decoded(paths[0])
        super().__init__((len(paths), *first.shape), first.dtype)
        # Shared with processes that are forked, as the file of what was decoded is.
        self._seen = np.frombuffer(mmap.mmap(-1, len(paths)), bool)
        size = first.nbytes * len(paths)
        free = shutil.disk_usage(tempfile.gettempdir()).free
        self._cache = None
        if size <= free // _SHARE_OF_DISK:
            file = temporary()
            file.truncate(size)
            self._cache = Block(file, 0, self.shape, self.stored, self.where)

    def where(self, row):
        return str(self.paths[row])

    def read_stored(self, rows):
        samples = np.empty((len(rows), *self.shape[1:]), self.stored)
        seen = self._seen[rows]
        if seen.any():
            samples[seen] = self._cache.read_stored(rows[seen])
        for place in np.flatnonzero(~seen):
            samples[place] = self._decode(rows[place])
        return samples

    def _decode(self, row):
        picture = decoded(self.paths[row])
        if picture.shape != self.shape[1:] or picture.dtype != self.stored:
            alike = f"{kind(self.shape[1:], self.stored)}, as {self.paths[0]}"
            raise refusal(
                f"{self.where(row)} should be {alike}", f"{kind(picture.shape, picture.dtype)}", error=DataError
            )
        if self._cache is not None:
            os.pwrite(self._cache.file.fileno(), picture.data, row * self._cache.row_bytes)
            self._seen[row] = True
        return picture


def folder(path):
    """Opens a folder of pictures.

    Args:
        path: The folder: pictures, or subfolders of pictures, which are the classes in the order of their names.

    Returns:
        `(x, y, classes)`: `Pictures`, int32 labels and the names of the classes; two `None`s if there are none.

    Raises:
        ValueError: If there are no pictures, or something else beside them.
    """
    path = Path(path)
    files, folders = _listed(path)
    if files and folders:
        text = f"{path} should hold pictures or folders of pictures, one per class"
        raise refusal(text, f"{files[0]} beside the folder {folders[0]}")
    if not folders:
        return Pictures(Paths([path], [_pictures(path, files)])), None, None
    paths = Paths([path / name for name in folders], [_of_class(path / name) for name in folders])
    if {name.lower() for name in folders} <= NO_CLASSES:
        text = f"{path} should hold a folder a class: of the parts of a set, or of images and their masks, open one"
        raise refusal(text, listed(folders))
    return Pictures(paths), paths.owners, tuple(folders)


class Paths:
    """The paths of many files in few folders, in a few bytes each.

    Args:
        folders: List of folders.
        names: List of lists of the names of files in them.

    Attributes:
        owners: int32 array, the number of each file's folder.
    """

    def __init__(self, folders, names):
        self.folders = folders
        self.owners = np.repeat(np.arange(len(names), dtype="int32"), [len(part) for part in names])
        self.names = np.array([os.fsencode(name) for part in names for name in part])

    def __len__(self):
        return len(self.names)

    def __getitem__(self, row):
        return self.folders[self.owners[row]] / os.fsdecode(self.names[row])


def _listed(path):
    """The names of the files and of the folders in a folder, in order; hidden ones are passed over."""
    files, folders = [], []
    with os.scandir(path) as entries:
        for entry in entries:
            if not entry.name.startswith("."):
                (folders if entry.is_dir() else files).append(entry.name)
    return sorted(files), sorted(folders)


def _of_class(path):
    """The names of the pictures in the folder of a class."""
    files, folders = _listed(path)
    if folders:
        text = f"{path} should hold the pictures of one class; of parts such as train/ and test/, open one"
        raise refusal(text, f"the folder {folders[0]} in it")
    return _pictures(path, files)


def _pictures(path, files):
    others = [name for name in files if Path(name).suffix.lower() not in SUFFIXES]
    if others or not files:
        text = f"{path} should hold pictures alone ({', '.join(SUFFIXES)})"
        raise refusal(text, f"{listed(others) or 'no file'}")
    return files
