"""Opening of data on disk, by what they are: a folder of pictures, NumPy's files, tables, records."""

import dataclasses
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from keras_dl.checks import check_number, check_path, check_seed, refusal
from keras_dl.data.disk import blocks, pictures, records, tables
from keras_dl.data.disk.column import Column, DataError, rows_of
from keras_dl.data.disk.unpacking import as_labels
from keras_dl.data.segmentation.colours import BYTE
from keras_dl.types import PathLike

_LOOKED_AT = 256  # rows by which numbers of eight or sixteen bits are judged
_UNUSED = 15  # times the largest number, such as 4095 of 65535 or 16 of 255: if that is no more than white
_DECODED = 16  # pictures, which have to be decoded
_READERS = {".csv": tables.read_csv, ".parquet": tables.read_parquet}
_READERS |= dict.fromkeys(records.SUFFIXES, records.read)
SUFFIXES = (".npy", ".npz", *_READERS)


@dataclasses.dataclass(frozen=True)
class Opened:
    """Samples on disk and what is known of them.

    Attributes:
        name: What the data are called: the file's or folder's name.
        x: `Column` of samples.
        y: int32 labels of shape `(rows,)`, float32 values, a `Column` of samples, or `None`.
        classes: Tuple of the names of the classes, where they have names, or `None`.
    """

    name: str
    x: Column
    y: Any = None
    classes: tuple | None = None

    def __len__(self):
        return len(self.x)

    def __getitem__(self, rows):
        """The same with some rows only: a slice or a sequence of numbers."""
        return dataclasses.replace(self, x=self.x.take(rows), y=None if self.y is None else rows_of(self.y, rows))

    def split(self, fraction, seed=0, most=None):
        """Divides the rows, of every class about the same part; those that are held out come in an order of their own.

        Args:
            fraction: Part of the rows that is held out, above 0 and below 1.
            seed: Integer that decides which.
            most: Largest number of rows that are held out, or `None`.

        Returns:
            `(training, held_out)`: two `Opened`.
        """
        fraction, rows = check_number(fraction, "fraction", above=0, below=1), len(self)
        if rows < 2:
            raise refusal(f"{self.name} should have two samples at least, to hold one out", rows)
        count = min(max(1, round(fraction * rows)), rows - 1, most or rows)
        rng = np.random.default_rng(check_seed(seed))
        order = rng.permutation(rows)
        if self.y is not None and not isinstance(self.y, Column) and self.y.dtype.kind == "i":
            order = order[np.argsort(self.y[order], kind="stable")]
        held_out = rng.permutation(order[((np.arange(count) + 0.5) * rows / count).astype(int)])
        training = np.ones(rows, bool)
        training[held_out] = False
        return self[training], self[held_out]


def open(path: PathLike, label: str | None = None) -> Opened:
    """Opens data on disk, of which a batch at a time is read when a model trains.

    | path | samples | labels |
    |---|---|---|
    | folder of pictures | float32 in [0, 1], `(height, width, 1 or 3)` | none |
    | folder of folders of pictures | the same | the subfolders, in the order of their names |
    | `.npy` | the rows | none |
    | `.npz` | the array `x`, or the only one | the array `y` |
    | `.csv`, `.parquet` | the other columns, `(columns,)`; in Parquet also lists, pictures | `label` |
    | `.tfrecord`, a folder of such | numbers, pictures | `label` |

    Unsigned numbers of 8 and 16 bits become float32 in [0, 1]. Pictures are of one size and kind; those of a palette
    are read as its colours, of 16 bits with all of them; transparent ones are refused. Files of CSV, Parquet and
    TFRecord and compressed arrays are read through and checked when they are opened, into a temporary file; other data
    as they are read: what cannot be trained on is a `DataError` that names the file and the row.

    Args:
        path: The file or folder.
        label: Of tables and records, the name of the column with labels or values to predict; `None` for one called
            label, class, target or y, if there is one.

    Returns:
        An `Opened`: its columns `x` and `y` go wherever arrays go, such as `model.fit(data.x, data.y)`, in the order in
        which arrays would; `data[:1000]` and `data.split(0.1)` are parts of it.

    Raises:
        ValueError: If there is nothing that is understood, or damaged files; `DataError` for a row.
        OSError: If the path cannot be read.
        ImportError: If a library is missing; the message names the extra that brings it.

    Example:

    >>> import tempfile, keras_dl
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/points.npy", np.zeros((10, 2)))
    ...     data = keras_dl.data.open(f"{folder}/points.npy")
    ...     training, held_out = data.split(0.2, seed=1)
    >>> len(training), held_out.x.shape, data.x[:3].dtype
    (8, (2, 2), dtype('float32'))
    """
    path = Path(check_path(path, "path"))
    if not path.exists():
        raise refusal(f"{path} should be a file or folder of data", "no such file", error=FileNotFoundError)
    x, y, classes = _read(path, label)
    if y is not None and len(y) != len(x):
        raise refusal(f"y in {path} should have as many rows as x, {len(x)}", f"{len(y)} rows")
    if x.ndim == 1:
        x = _Flat(x)
    _check_pixels(x, path)
    name = path.resolve().name if path.is_dir() else path.stem
    return Opened(name or "data", x, y, classes)


def _read(path, label):
    suffix = path.suffix.lower()
    if path.is_dir():
        names = [one.name for one in path.iterdir() if not one.name.startswith(".")]
        recorded = names and all(name.lower().endswith(records.SUFFIXES) for name in names)
        return records.read(path, label) if recorded else pictures.folder(path)
    if suffix in _READERS:
        return _READERS[suffix](path, label)
    if label is not None:
        raise refusal("`label` names a column of a table", f"label={label!r} for {path}")
    if suffix == ".npy":
        return blocks.npy(path), None, None
    if suffix == ".npz":
        return _pair(path, blocks.npz(path))
    text = f"{path} should be a folder of pictures, or a file that ends in {', '.join(SUFFIXES)}"
    raise refusal(text, f"a file that ends in {suffix!r}")


def _pair(path, arrays):
    """The samples and labels among the arrays of a `.npz` file."""
    x = arrays.pop("x") if "x" in arrays else arrays.pop(next(iter(arrays))) if len(arrays) == 1 else None
    y = arrays.pop("y", None)
    if x is None or arrays:
        raise refusal(f"{path} should hold x, and y or nothing beside it", f"{', '.join(arrays) or 'none'}")
    if y is not None and y.ndim <= 2 and (y.ndim == 1 or y.shape[1] == 1):
        y = as_labels(y.read_stored(np.arange(len(y))), y.where)
    return x, y, None


class _Flat(Column):
    """A column of single numbers, as samples of one number."""

    def __init__(self, column):
        super().__init__((len(column), 1), column.stored, column.white)
        self._column = column
        self.where = column.where  # type: ignore[method-assign]

    def read_stored(self, rows):
        return self._column.read_stored(rows)[:, None]


def _check_pixels(x, path):
    """Refuses zeros and ones, or in sixteen bits numbers of eight, which would be read as almost black."""
    if x.white is None:
        return
    decoded = isinstance(x, pictures.Pictures)
    rows = np.unique(np.linspace(0, len(x) - 1, _DECODED if decoded else _LOOKED_AT).astype(int))
    try:
        largest = int(x.read_stored(rows).max())
    except DataError:
        return  # of a file that is damaged, or unlike the first, which is said when it is read
    if largest == 1:
        bits = "eight" if x.white == BYTE else "sixteen"
        text = f"{path} should hold pixels of 0 to {x.white:g} where it holds {bits} bits: save zeros and ones as"
        booleans = "pictures of one bit" if decoded else "booleans, x.astype(bool)"
        raise refusal(f"{text} {booleans}", "values from 0 to 1")
    if 0 < largest <= BYTE < x.white:
        text = f"{path} should hold pixels of 0 to {x.white:g} where it holds sixteen bits: save them as uint8"
        raise refusal(text, f"values up to {largest}")
    if 0 < _UNUSED * largest <= x.white:
        text = f"numbers in {path} go up to {largest} of {x.white:g}, the value of white, and are divided by that"
        warnings.warn(f"{text}; if they have fewer bits than their type, scale them", stacklevel=3)
