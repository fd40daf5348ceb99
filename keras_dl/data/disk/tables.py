"""Tables of numbers, and of encoded pictures: CSV and Parquet files. They are read through once, when they are opened.

What is read goes into a temporary file, whose rows can be read in any order; labels stay in memory.
"""

import csv
import itertools
from pathlib import Path
from typing import Any

import numpy as np

from keras_dl import lazy
from keras_dl.checks import refusal
from keras_dl.data.disk.column import DataError
from keras_dl.data.disk.unpacking import Labels, Unpacked, label_among

_LINES = 50_000


def read_csv(path, label=None):
    """Opens a CSV file of numbers, with a line of names or without.

    Args:
        path: The file.
        label: Name of the column with labels or values to predict; `None` for one with a usual name, if there is one.

    Returns:
        `(x, y, classes)`: a column of the other numbers, shape `(rows, columns)`, and what `Labels` makes of the label.

    Raises:
        ValueError: If a cell is no number, or a line has more or fewer cells than the first.
    """
    path = Path(path)
    try:
        return _read_csv(path, label)
    except UnicodeDecodeError as error:
        raise refusal(f"{path} should be text in UTF-8: save it so", f"{error}", error=DataError) from error


def _read_csv(path, label):
    with path.open(newline="", encoding="utf-8-sig") as file:
        first = file.readline()
        names = _cells(first)
        if all(map(_is_number, names)):
            names = [f"column {number}" for number in range(len(names))]
            file.seek(0)
            begin = 1
        else:
            begin = 2
            _check_named(names, path)
        chosen = label_among(names, label, path)
        unpacked = Unpacked(lambda row: f"line {row + begin} of {path}")
        labels = Labels(unpacked.where)
        while lines := list(itertools.islice(file, _LINES)):
            _append(lines, names, chosen, unpacked, labels)
    return unpacked.column(), *labels.arrays()


def _check_named(names, path):
    """Refuses a column without a name, as pandas writes the numbers of rows, which would be a feature."""
    index = [name for name in names if not name.strip() or name.startswith("Unnamed: ")]
    if index:
        text = f"columns of {path} should have names; leave numbers of rows out (of pandas, to_csv(index=False))"
        raise refusal(text, ", ".join(map(repr, index)), error=DataError)


def _append(lines, names, chosen, unpacked, labels):
    """Adds some lines of a CSV file."""
    position = None if chosen is None else names.index(chosen)
    columns = [number for number in range(len(names)) if number != position]
    for place, line in enumerate(lines):
        cells = line.count(",") + 1 if '"' not in line else len(_cells(line))
        if cells != len(names) or not line.strip():
            where = unpacked.where(unpacked.count + place)
            raise refusal(f"{where} should have {len(names)} cells, as the first", f"{line.strip()!r}", error=DataError)
    if position is not None:
        labels.extend([_cells(line)[position].strip() for line in lines])
    try:
        numbers = _numbers(lines, columns)
    except ValueError:
        raise _not_a_number(lines, columns, names, unpacked) from None
    unpacked.extend(numbers)


def _numbers(lines, columns):
    options: dict[str, Any] = {"delimiter": ",", "comments": None, "quotechar": '"', "ndmin": 2, "dtype": "float32"}
    return np.loadtxt(lines, usecols=columns, **options)


def _not_a_number(lines, columns, names, unpacked):
    """The error of the first cell that is no number."""
    for place, line in enumerate(lines):
        cells = _cells(line)
        for column in columns:
            if not _is_number(cells[column]):
                where = unpacked.where(unpacked.count + place)
                return refusal(f"{names[column]} in {where} should be a number", f"{cells[column]!r}", error=DataError)
    return refusal(
        f"{unpacked.where(unpacked.count)} and the next should hold numbers", f"{lines[0]!r}", error=DataError
    )


def _cells(line):
    return next(csv.reader([line]), [])


def _is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def read_parquet(path, label=None):
    """Opens a Parquet file of numbers, of lists of numbers of one length, or of one encoded picture per row.

    Args, returns and raises are those of `read_csv`; reading needs pyarrow, of the extra `parquet`.
    """
    path, parquet = Path(path), lazy.need("pyarrow.parquet", "Reading Parquet files")
    try:
        file = parquet.ParquetFile(path)
        names = file.schema_arrow.names
        chosen = label_among(names, label, path)
        unpacked = Unpacked(lambda row: f"row {row} of {path}")
        labels = Labels(unpacked.where)
        for batch in file.iter_batches(_LINES // 50):
            columns = dict(zip(names, batch.columns, strict=True))
            if chosen is not None:
                labels.extend(columns.pop(chosen).to_pylist())
            unpacked.extend(_joined(columns, unpacked))
    except FileNotFoundError:
        raise
    except (OSError, lazy.need("pyarrow", "Reading Parquet files").ArrowException) as error:
        raise refusal(f"{path} should be a Parquet file", f"{str(error).splitlines()[0]}", error=DataError) from error
    return unpacked.column(), *labels.arrays()


def _joined(columns, unpacked):
    """The samples of a batch: numbers side by side, or its only list or picture."""
    arrays = {name: _array(name, column, unpacked) for name, column in columns.items()}
    if len(arrays) == 1:
        array = next(iter(arrays.values()))
        return array if isinstance(array, list) or array.ndim > 1 else array[:, None]
    for name, array in arrays.items():
        if isinstance(array, list) or array.ndim > 1:
            text = f"{unpacked.where(0)} should hold a list or picture alone, beside its label, or numbers"
            raise refusal(text, f"the column {name!r} beside others", error=DataError)
    return np.stack(list(arrays.values()), axis=1)


def _array(name, column, unpacked):
    """A column of a batch as an array, or as a list of the bytes of pictures."""
    values = column.to_pylist()
    for place, value in enumerate(values):
        if value is None:
            where = unpacked.where(unpacked.count + place)
            raise refusal(f"{name} in {where} should hold a value", "none", error=DataError)
    if isinstance(values[0], dict) and isinstance(values[0].get("bytes"), bytes):  # as the library datasets writes them
        values = [value["bytes"] for value in values]
    if isinstance(values[0], bytes):
        return values
    try:
        array = np.array(values)
    except ValueError as error:
        raise DataError(f"{name} in {unpacked.where(0)} and the next should be lists of one length. {error}") from error
    if array.dtype.kind not in "biuf":
        text = f"{name} in {unpacked.where(unpacked.count)} should be a number, a list of numbers or a picture"
        raise refusal(text, f"{values[0]!r}", error=DataError)
    if str(column.type).endswith(("uint8", "uint8>")) or "<item: uint8>" in str(column.type):
        return array.astype("uint8")
    return array.astype("float32")
