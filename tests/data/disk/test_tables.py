"""CSV and Parquet files: numbers, labels, and what is neither."""

import io

import numpy as np
import pytest
from PIL import Image

from keras_dl.data import DataError
from keras_dl.data import open as open_data
from keras_dl.data.disk import tables


def write(tmp_path, text):
    (tmp_path / "t.csv").write_text(text)
    return tmp_path / "t.csv"


def test_csv_with_names_has_samples_and_labels(tmp_path):
    data = open_data(write(tmp_path, 'a,"label",b\n1,0,2.5\n3,2,-4e1\n5,1,6\n'))
    np.testing.assert_array_equal(data.x[:], [[1, 2.5], [3, -40], [5, 6]])
    assert data.y.tolist() == [0, 2, 1] and data.y.dtype == "int32" and data.classes is None


def test_csv_without_names_is_numbers(tmp_path):
    data = open_data(write(tmp_path, "1,2\n3,4\n"))
    assert data.x[:].tolist() == [[1, 2], [3, 4]] and data.y is None


def test_labels_may_be_texts_or_values(tmp_path):
    path = write(tmp_path, "size,target,kind\n1,0.5,oak\n2,1,elm\n3,2,oak\n")
    data = open_data(write(tmp_path, "size,kind\n1,oak\n2,elm\n3,oak\n"), label="kind")
    assert data.y.tolist() == [1, 0, 1] and data.classes == ("elm", "oak")
    values = open_data(write(tmp_path, "size,target\n1,0.5\n2,1\n"))
    assert values.y.tolist() == [[0.5], [1.0]] and values.y.dtype == "float32"
    with pytest.raises(DataError, match=r"kind in line 2 of .*t\.csv should be a number. Received: 'oak'"):
        open_data(write(tmp_path, "size,target,kind\n1,0.5,oak\n2,1,elm\n"))
    assert path.is_file()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n3\n", r"line 3 of .*t\.csv should have 2 cells, as the first. Received: '3'"),
        ("a,b\n1,2\n\n3,4\n", "line 3 .*should have 2 cells"),
        ("a,b\n1,2\n3,x\n", "b in line 3 .*should be a number. Received: 'x'"),
        ("a,b\n1,2\n3,\n", "b in line 3 .*should be a number. Received: ''"),
        ("1,2\n3,nan\n", "line 2 .*should be finite. Received: nan"),
        ("a,label\n1,0\n2,-1\n", "label in line 3 .*should count from 0. Received: -1"),
        ("a,label\n1,0\n2,\n", "line 3 .*should have a label"),
        ("a,y,label\n1,0,0\n", "which column .* is the label. Received: y, label"),
        ("label\n1\n", "columns beside its labels"),
        ("a,b\n", "with rows"),
    ],
)
def test_bad_csv_is_refused_by_line(text, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        open_data(write(tmp_path, text))


def test_long_csv_is_read_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "_LINES", 3)
    x = np.random.default_rng(0).normal(size=(10, 4)).astype("float32")
    np.savetxt(tmp_path / "t.csv", x, delimiter=",", fmt="%.9g")
    np.testing.assert_array_equal(open_data(tmp_path / "t.csv").x[:], x)
    with pytest.raises(DataError, match="b in line 9 "):
        open_data(write(tmp_path, "a,b\n" + "1,2\n" * 7 + "1,z\n"))


@pytest.fixture
def parquet():
    return pytest.importorskip("pyarrow.parquet")


def table(**columns):
    import pyarrow

    return pyarrow.table(columns)


def test_parquet_of_numbers_and_lists(parquet, tmp_path):
    parquet.write_table(table(a=[1, 2, 3], label=[1, 0, 1], b=[0.5, 1.5, 2.5]), tmp_path / "t.parquet")
    data = open_data(tmp_path / "t.parquet")
    assert data.x[:].tolist() == [[1, 0.5], [2, 1.5], [3, 2.5]] and data.y.tolist() == [1, 0, 1]
    parquet.write_table(table(x=[[1.0, 2.0], [3.0, 4.0]]), tmp_path / "t.parquet")
    assert open_data(tmp_path / "t.parquet").x[:].tolist() == [[1, 2], [3, 4]]


def test_parquet_of_pictures(parquet, tmp_path):
    greys = np.random.default_rng(0).integers(0, 256, (4, 5, 6), "uint8")
    contents = []
    for grey in greys:
        file = io.BytesIO()
        Image.fromarray(grey).save(file, "PNG")
        contents.append(file.getvalue())
    pictures = [{"bytes": content, "path": None} for content in contents]
    for column in (contents, pictures):
        parquet.write_table(table(image=column, label=["b", "a", "b", "a"]), tmp_path / "t.parquet", row_group_size=2)
        data = open_data(tmp_path / "t.parquet")
        np.testing.assert_array_equal(data.x[:][..., 0], greys.astype("float32") / 255)
        assert data.y.tolist() == [1, 0, 1, 0] and data.classes == ("a", "b")
    parquet.write_table(table(image=[contents[0], contents[1][:50]]), tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"row 1 of .*t\.parquet should be one picture"):
        open_data(tmp_path / "t.parquet")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": [1.0, None]}, "a in row 1 .*should hold a value"),
        ({"a": [1.0, float("nan")]}, "row 1 .*should be finite"),
        ({"a": ["x", "y"]}, "a in row 0 .*should be a number, a list of numbers or a picture"),
        ({"a": [[1.0], [1.0, 2.0]]}, "lists of one length"),
        ({"a": [[1.0], [2.0]], "b": [1, 2]}, "the column 'a' beside others"),
    ],
)
def test_bad_parquet_is_refused_by_row(parquet, columns, message, tmp_path):
    parquet.write_table(table(**columns), tmp_path / "t.parquet")
    with pytest.raises(DataError, match=message):
        open_data(tmp_path / "t.parquet")


def test_a_damaged_parquet_file_is_named(parquet, tmp_path):
    (tmp_path / "t.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(DataError, match=r"t\.parquet should be a Parquet file"):
        open_data(tmp_path / "t.parquet")


def test_the_extra_is_named_where_pyarrow_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    (tmp_path / "t.parquet").touch()
    with pytest.raises(ImportError, match="pip install pyarrow, or keras_dl with the extra 'parquet'"):
        open_data(tmp_path / "t.parquet")
