"""Images for translation: pairs, and two domains without pairs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from keras_dl.checks import check_count, check_path, check_seed, refusal
from keras_dl.data.checks import check_arrays
from keras_dl.data.disk.column import Column
from keras_dl.data.disk.pictures import Pictures
from keras_dl.data.images import files
from keras_dl.data.pipeline import Order, finished, mark_of
from keras_dl.data.segmentation.problems import listed
from keras_dl.types import PathLike

_STREAM = 15_485_863
#: Names of the two folders, source and target.
FOLDERS = (("source", "target"), ("a", "b"), ("A", "B"), ("trainA", "trainB"))
_FOLDER_NAMES = " or ".join(f"{a} and {b}" for a, b in FOLDERS)


class Half(Column):
    """One side of pictures that hold two images side by side."""

    def __init__(self, pictures, right):
        rows, height, width, channels = pictures.shape
        super().__init__((rows, height, width // 2, channels), pictures.stored)
        self.pictures, self.right = pictures, right

    def read_stored(self, rows):
        pictures, middle = self.pictures.read_stored(rows), self.shape[2]
        return pictures[:, :, middle:] if self.right else pictures[:, :, :middle]

    def where(self, row):
        return self.pictures.where(row)


def open_pairs(path: PathLike, channels: int | None = 3, reverse: bool = False, track: Callable | None = None) -> tuple:
    """Opens pairs of images, for `Pix2Pix`; all files are decoded once, to check them.

    A folder of pictures that hold source and target side by side, left and right; or a folder with two folders, called
    source and target, or a and b, A and B, trainA and trainB, whose files pair by their names but for the suffixes.

    Args:
        path: The folder.
        channels: 3 for colours, 1 for grey, `None` for what the first image is, of each folder on its own.
        reverse: Whether source and target change places.
        track: Function `track(items, title)` that goes through items, or `None`.

    Returns:
        `(source, target)`: columns of float32 images in [0, 1], which are read when a model trains.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If an image has no partner, sizes differ, or files are not what `open_folder` takes; it names them.
    """
    path = Path(check_path(path, "path"))
    folders = _two_folders(path)
    if folders is None:
        paths = _side_by_side(path)
        _check_one_size(paths, _sizes(paths, channels, track))
        pictures = Pictures(paths)
        if pictures.shape[2] % 2:
            raise refusal("Pictures of two images side by side should have an even width", f"{pictures.shape[2]}")
        pair = Half(pictures, False), Half(pictures, True)
    else:
        paths = _partners(*(files.paths_in(folder) for folder in folders))
        sizes = [_sizes(part, channels, track) for part in paths]
        _check_equal(paths, sizes)
        _check_one_size(paths[0], sizes[0])
        pair = tuple(Pictures(part) for part in paths)
    return pair[::-1] if reverse else pair


def open_unpaired(path: PathLike, channels: int | None = 3, track: Callable | None = None) -> tuple:
    """Opens two domains of images without pairs, for `CycleGAN`: a folder with two folders, called as in `open_pairs`.

    Args:
        path: The folder.
        channels: 3 for colours, 1 for grey, `None` for what the first image is, of each folder on its own.
        track: Function `track(items, title)` that goes through items, or `None`.

    Returns:
        `(a, b)`: columns of float32 images in [0, 1], of which there may be different numbers.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If sizes differ within a domain, or files are not what `open_folder` takes; it names them.
    """
    path = Path(check_path(path, "path"))
    folders = _two_folders(path)
    if folders is None:
        raise refusal(f"{path} should hold two folders of images, called {_FOLDER_NAMES}", "none of these")
    columns = []
    for folder in folders:
        paths = files.paths_in(folder)
        _check_one_size(paths, _sizes(paths, channels, track))
        columns.append(Pictures(paths))
    return tuple(columns)


def unpaired(a: Any, b: Any, batch_size: int = 1, shuffle: bool = True, seed: int = 0) -> tf.data.Dataset:
    """Batches of two domains of different numbers of images: each is gone through in an order of its own.

    An epoch has as many rows as the larger domain. The smaller one is gone through again and again, in another order
    each time, over the ends of epochs. Batch `i` of epoch `e` is a function of `(seed, e, i)` alone.

    Args:
        a, b: Arrays or columns of images, `(rows, ...)`.
        batch_size: Rows per batch.
        shuffle: Whether orders are random.
        seed: Integer that decides them.

    Returns:
        A `tf.data.Dataset` of one epoch of batches `(a, b)`, whose attribute `order` lets `fit` continue a saved run.

    Raises:
        ValueError: If a domain is empty or not finite.

    Example:

    >>> dataset = unpaired(np.arange(5.0), np.arange(3.0), batch_size=2, shuffle=False)
    >>> [b.numpy().tolist() for _, b in dataset]
    [[0.0, 1.0], [2.0, 0.0], [1.0]]
    """
    domains = [x if isinstance(x, Column) else tf.convert_to_tensor(x) for x in (a, b)]
    for domain in domains:
        check_arrays(domain)
    batch_size, seed, lengths = check_count(batch_size, "batch_size"), check_seed(seed), [len(x) for x in domains]
    rows = max(lengths)
    count = -(-rows // batch_size)
    mark = mark_of(tuple(domains), ("unpaired", batch_size, seed, bool(shuffle)))
    order = Order(None, count, batch_size, mark)

    def numbers(epoch, index):
        places = np.arange(index * batch_size, min((index + 1) * batch_size, rows)) + epoch * rows
        return tuple(_order(places, n, (seed, _STREAM, side) if shuffle else None) for side, n in enumerate(lengths))

    def batch_at(epoch, index):
        chosen = tf.numpy_function(numbers, [epoch, index], (tf.int64, tf.int64), stateful=False)
        return tuple(_read(domain, rows_) for domain, rows_ in zip(domains, chosen, strict=True))

    def one_epoch(_):
        epoch = order.epoch.assign_add(1) - 1
        batches = tf.data.Dataset.range(count)
        return batches.map(lambda i: batch_at(epoch, i), num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)

    return finished(tf.data.Dataset.range(1).flat_map(one_epoch), count, order)


def _order(places, length, key):
    """The rows at some places of an endless sequence of passes over a domain."""
    passes = places // length
    chosen = places % length
    if key is not None:
        for number in np.unique(passes):
            within = passes == number
            chosen[within] = np.random.default_rng((*key, int(number))).permutation(length)[chosen[within]]
    return chosen.astype("int64")


def _read(domain, rows):
    if not isinstance(domain, Column):
        rows.set_shape([None])
        return tf.gather(domain, rows)
    x = tf.numpy_function(domain.read, [rows], domain.dtype, stateful=False)
    return tf.ensure_shape(x, (None, *domain.shape[1:]))


def _two_folders(path):
    if not path.is_dir():
        raise refusal(f"{path} should be a folder of images", "no such folder", error=FileNotFoundError)
    pairs = [[path / name for name in names] for names in FOLDERS]
    pairs = [pair for pair in pairs if all(folder.is_dir() for folder in pair)]
    # On a disk that takes capitals for small letters, a and A are one folder.
    others = [pair for pair in pairs[1:] if not pair[0].samefile(pairs[0][0])]
    if others:
        names = listed(" and ".join(folder.name for folder in pair) for pair in (pairs[0], *others))
        raise refusal(f"{path} should hold one pair of folders; rename those that are not meant", names)
    return pairs[0] if pairs else None


def _side_by_side(path):
    """The pictures of a folder, each of two images; of folders in it the names that they should have are said."""
    folders = sorted(entry.name for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    if folders:
        expected = f"{path} should hold two folders, called {_FOLDER_NAMES}, or pictures of two images side by side"
        raise refusal(expected, listed(folders))
    return files.paths_in(path)


def _sizes(paths, channels, track):
    return files.sizes_of(paths, files.channels_of(paths, channels), track)


def _partners(sources, targets):
    """Both lists in the same order, by the names without suffixes."""
    named = [files.by_name(paths[0].parent, paths) for paths in (sources, targets)]
    alone = sorted(named[0].keys() ^ named[1].keys())
    if alone:
        where = [str((named[0].get(name) or named[1][name]).relative_to(sources[0].parents[1])) for name in alone]
        raise refusal("Each image should have a partner of its name in the other folder", f"{listed(where)}")
    stems = sorted(named[0])
    return [[names[stem] for stem in stems] for names in named]


def _check_equal(paths, sizes):
    other = [
        f"{source.name} of {a[0]}x{a[1]} beside {b[0]}x{b[1]}"
        for source, a, b in zip(paths[0], *sizes, strict=True)
        if a != b
    ]
    if other:
        raise refusal("The two images of a pair should have the same size", f"{listed(other)}")


def _check_one_size(paths, sizes):
    other = [f"{p.name} of {h}x{w}" for p, (h, w) in zip(paths, sizes, strict=True) if (h, w) != sizes[0]]
    if other:
        height, width = sizes[0]
        raise refusal(f"Images should be of one size, {height}x{width} as {paths[0].name}", f"{listed(other)}")
