"""Named data sets as arrays: images as float32 in [0, 1] with a channel axis, or points; labels as int32, or values."""

import difflib
import os
from pathlib import Path

import numpy as np

from keras_dl.checks import refusal
from keras_dl.data import coordinates, files, points, tables

NAMES = (
    "digits", "mnist", "fashion_mnist", "binarized_mnist", "cifar10", "cifar10_subset",
    "eight_gaussians", "ring", "grid", "moons", "circles", "spirals", "wave", "checkerboard", "camera",
    "wine_quality_red", "wine_quality_white", "breast_cancer",
)  # fmt: skip


def load(name: str, held_out: str = "test") -> tuple[tuple, tuple]:
    """Loads a data set by name.

    | name | images | train | test | labels |
    |---|---|---|---|---|
    | `digits` | 8x8x1 | 1,437 | 360 | 0..9 |
    | `mnist`, `fashion_mnist` | 28x28x1 | 60,000 | 10,000 | 0..9 |
    | `binarized_mnist` | 28x28x1, only 0 and 1 | 50,000 | 10,000 (and 10,000 `valid`) | none |
    | `cifar10` | 32x32x3 | 50,000 | 10,000 | 0..9 |
    | `cifar10_subset` | 32x32x3 | 3,000 | 1,000 | 0..9 |
    | `eight_gaussians`, `ring`, `grid`, `moons`, `circles`, `spirals`, `wave`, `checkerboard` | none: points in the
      plane | 50,000 | 10,000 | the component |
    | `wine_quality_red`, `wine_quality_white` | none: 11 columns | 1,439, 4,408 | 160, 490 | none |
    | `breast_cancer` | none: 26 columns | 512 | 57 | 0 or 1 |
    | `camera` | none: coordinates in [-1, 1]^2 | 16,384 | 16,129 | none: values in [-1, 1] |

    The points are drawn by `sample_points`, which says how; their coordinates are any numbers, and the ring and the
    wave have no labels. The columns of tables are standardised: see `keras_dl.data.tables.load`.

    `camera` is the photograph that comes with scikit-image, smoothed and reduced to 128x128 as
    `skimage.transform.resize` does: a coordinate and a value for every pixel (see `pixels`). Held out are the points in
    the middle of four pixels.

    `digits` comes with scikit-learn; its rows are ordered by writer, and the test part is the last 360 rows. The
    static binarisation of MNIST is Larochelle and Murray's (2011), its test images, which the file holds by classes, in
    an order drawn once. The others are read, if the environment variable
    `KERAS_DL_DATA` is set, from `$KERAS_DL_DATA/<name>/`: the four `*-idx?-ubyte.gz` files of `mnist` and
    `fashion_mnist`; `binarized_mnist.npz` with the arrays `train_data`, `valid_data` and `test_data` of 784 columns;
    the binary version of `cifar10`, unpacked or as `cifar-10-binary.tar.gz`; for `cifar10_subset`, which are the first
    4,000 training images of CIFAR-10, `cifar10_batch_0.png` to `cifar10_batch_3.png` with an image's 1,024 pixels in
    each of 1,000 rows, the last of them held out, and `labels.txt`. A missing file is then an error, never a
    download. Where the variable is not set, `keras.datasets` downloads them once (`binarized_mnist` and
    `cifar10_subset` are not there).

    Args:
        name: string, one of the names above.
        held_out: `"test"`, or `"valid"` for the validation images of `binarized_mnist`: what the second pair holds.

    Returns:
        `((x_train, y_train), (x_test, y_test))`: float32 images of shape `(num_images, height, width, channels)` in
        [0, 1], or points of shape `(num_points, 2)`, and int32 labels of shape `(num_images,)`, float32 values of
        shape `(num_points, 1)` for `camera`, or None if the set has neither.

    Raises:
        ValueError: for an unknown name or part, or if a file is truncated, damaged or not what its name says.
        OSError: if a file is missing under `KERAS_DL_DATA` (`FileNotFoundError`), or a download fails.

    Example:

    >>> import keras_dl
    >>> (x, y), (x_test, y_test) = keras_dl.data.load("digits")
    >>> x.shape, x.dtype, y.shape, x_test.shape
    ((1437, 8, 8, 1), dtype('float32'), (1437,), (360, 8, 8, 1))
    """
    _check_name(name, held_out)
    if name in points.NAMES:
        return points.load(name)
    if name in tables.NAMES:
        return tables.load(name)
    if name in coordinates.NAMES:
        return coordinates.load(name)
    return tuple(_images_and_labels(name, x, y) for x, y in _READERS[name](name, held_out))


def _check_name(name, held_out):
    if not isinstance(name, str):
        raise refusal(f"`name` should be one of {list(NAMES)}", f"{name!r}", error=TypeError)
    if name not in NAMES:
        near = difflib.get_close_matches(name, NAMES) or NAMES
        raise refusal(f"`name` should be the name of a data set; the nearest: {', '.join(near)}", f"{name!r}")
    parts = ("test", "valid") if name == "binarized_mnist" else ("test",)
    if held_out not in parts:
        raise refusal(f"`held_out` should be one of {list(parts)} for {name}", f"{held_out!r}")


def _images_and_labels(name, x, y):
    largest = {"digits": 16, "binarized_mnist": 1}.get(name, 255)
    x = np.asarray(x, "float32") / largest
    if name == "binarized_mnist" and not ((x == 0) | (x == 1)).all():
        raise refusal(f"{name} should hold only 0 and 1", f"values from {x.min()} to {x.max()}")
    if not (x.min() >= 0 and x.max() <= 1):
        limits = f"{x.min() * largest}..{x.max() * largest}"
        raise refusal(f"the pixels of {name} should lie in 0..{largest}", limits)
    if y is None:
        return x, None
    y = np.asarray(y, "int32").reshape(-1)
    if y.shape != x.shape[:1] or y.min() < 0 or y.max() > 9:
        received = f"{len(y)} labels from {y.min()} to {y.max()}"
        raise refusal(f"there should be {len(x)} labels of {name} in 0..9", received)
    return x, y


def _folder(name):
    root = os.environ.get("KERAS_DL_DATA")
    return Path(root) / name if root else None


def _read_digits(name, held_out):
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    x = x.reshape(-1, 8, 8, 1)
    return (x[:-360], y[:-360]), (x[-360:], y[-360:])


def _read_mnist(name, held_out):
    folder = _folder(name)
    if folder is None:
        return [(x[..., None], y) for x, y in _download(name)]
    return [_read_idx_pair(folder, part, count) for part, count in (("train", 60_000), ("t10k", 10_000))]


def _read_idx_pair(folder, part, count):
    x = files.read_idx(files.find(folder, [f"{part}-images-idx3-ubyte.gz"]), (count, 28, 28))
    y = files.read_idx(files.find(folder, [f"{part}-labels-idx1-ubyte.gz"]), (count,))
    return x[..., None], y


def _read_binarized_mnist(name, held_out):
    folder = _folder(name)
    if folder is None:
        raise _only_from_files(f"{name}/{name}.npz")
    shapes = {"train_data": (50_000, 784), f"{held_out}_data": (10_000, 784)}
    train, rest = files.read_npz(files.find(folder, [f"{name}.npz"]), shapes).values()
    if held_out == "test":  # by classes in the file: the first rows would all be zeros
        rest = np.random.default_rng(0).permutation(rest)
    return [(x.reshape(-1, 28, 28, 1), None) for x in (train, rest)]


def _read_cifar10(name, held_out):
    folder = _folder(name)
    if folder is None:
        return _download(name)
    train = [f"data_batch_{i}.bin" for i in range(1, 6)]
    return [files.read_cifar10_binary(folder, batches) for batches in (train, ["test_batch.bin"])]


def _read_cifar10_subset(name, held_out):
    folder = _folder(name)
    if folder is None:
        raise _only_from_files(f"{name}/")
    pictures = [files.find(folder, [f"cifar10_batch_{i}.png"]) for i in range(4)]
    x = np.concatenate([files.read_image_rows(path, (1000, 32, 32, 3)) for path in pictures])
    y = files.read_integers(files.find(folder, ["labels.txt"]), len(x))
    return (x[:3000], y[:3000]), (x[3000:], y[3000:])


def _only_from_files(where):
    return refusal(
        f"the environment variable KERAS_DL_DATA should name a folder with {where}: keras.datasets does "
        "not have this set",
        "KERAS_DL_DATA is not set",
        error=FileNotFoundError,
    )


def _download(name):
    import keras

    try:
        return getattr(keras.datasets, name).load_data()
    except Exception as error:  # what keras raises without a network has no type of its own
        raise refusal(
            f"keras.datasets should download {name}, or the environment variable KERAS_DL_DATA name a folder with "
            f"{name}/",
            f"KERAS_DL_DATA is not set, and {error}",
            error=OSError,
        ) from error


_READERS = {
    "digits": _read_digits,
    "mnist": _read_mnist,
    "fashion_mnist": _read_mnist,
    "binarized_mnist": _read_binarized_mnist,
    "cifar10": _read_cifar10,
    "cifar10_subset": _read_cifar10_subset,
}
