"""NumPy's files: the rows are those of the array, and what is damaged or stored otherwise is refused."""

import numpy as np
import pytest

from keras_dl.data import DataError, pipeline
from keras_dl.data import open as open_data
from keras_dl.data.disk import blocks


@pytest.mark.parametrize("dtype", ["float32", ">f8", "float16", "int64", "bool"])
def test_the_rows_of_npy_are_those_of_the_array(dtype, tmp_path):
    array = np.random.default_rng(0).integers(-9, 9, (20, 3, 2)).astype(dtype)
    np.save(tmp_path / "x.npy", array)
    x = open_data(tmp_path / "x.npy").x
    assert x.shape == array.shape and x.dtype == ("int32" if dtype == "int64" else "float32")
    expected = array.astype(x.dtype)
    np.testing.assert_array_equal(x[:], expected)
    np.testing.assert_array_equal(x[[7, 3, 4, 5, 3]], expected[[7, 3, 4, 5, 3]])
    np.testing.assert_array_equal(x[-1], expected[-1])
    np.testing.assert_array_equal(x.take(slice(4, 18, 3))[1:], expected[4:18:3][1:])
    np.testing.assert_array_equal(np.stack(list(x)), expected)


@pytest.mark.parametrize(("dtype", "white"), [("uint8", 255), ("uint16", 65535)])
def test_pixels_become_floats_up_to_one(dtype, white, tmp_path):
    array = np.random.default_rng(0).integers(0, white + 1, (5, 4, 4, 1)).astype(dtype)
    np.save(tmp_path / "x.npy", array)
    np.testing.assert_array_equal(open_data(tmp_path / "x.npy").x[:], array.astype("float32") / np.float32(white))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_holds_samples_with_their_labels(save, tmp_path):
    x, y = np.random.default_rng(0).normal(size=(30, 4)).astype("float32"), np.arange(30) % 3
    save(tmp_path / "data.npz", x=x, y=y)
    data = open_data(tmp_path / "data.npz")
    np.testing.assert_array_equal(data.x[:], x)
    np.testing.assert_array_equal(data.y, y)
    assert data.y.dtype == "int32" and data.name == "data"


def test_targets_of_many_numbers_stay_on_disk(tmp_path):
    masks = np.random.default_rng(0).normal(size=(6, 4, 4)).astype("float32")
    np.savez(tmp_path / "data.npz", x=masks + 1, y=masks)
    data = open_data(tmp_path / "data.npz")
    for x, y in pipeline(data.x, data.y, batch_size=4, seed=1):
        np.testing.assert_array_equal(x, y + 1)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.asfortranarray(np.zeros((4, 3))), "row by row: save np.ascontiguousarray"),
        (np.array(["a", "b"]), "numbers"),
        (np.zeros((0, 3)), "with rows"),
        (np.float32(1), "with rows"),
        (np.array([[0, 1], [1, 1]], "uint8"), "save zeros and ones as booleans"),
    ],
)
def test_other_arrays_are_refused(array, message, tmp_path):
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(ValueError, match=rf"x\.npy.*{message}.*Received"):
        open_data(tmp_path / "x.npy")


def test_damaged_files_are_named(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(40.0).reshape(20, 2))
    whole = (tmp_path / "x.npy").read_bytes()
    x = open_data(tmp_path / "x.npy").x
    (tmp_path / "x.npy").write_bytes(whole[:-100])
    with pytest.raises(DataError, match=r"row 13 of .*x\.npy should have 16 bytes. Received: the end of the file"):
        x.read(np.arange(20))
    with pytest.raises(ValueError, match=r"x\.npy should be an array"):
        open_data(tmp_path / "x.npy")
    np.savez(tmp_path / "x.npz", x=np.arange(40.0))
    content = bytearray((tmp_path / "x.npz").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"x\.npz should hold arrays.*CRC"):
        open_data(tmp_path / "x.npz")


@pytest.mark.parametrize("arrays", [{"a": 1, "b": 2}, {"x": 1, "z": 2}])
def test_npz_of_other_names_is_refused(arrays, tmp_path):
    np.savez(tmp_path / "x.npz", **{name: np.ones(3) for name in arrays})
    with pytest.raises(ValueError, match="should hold x, and y"):
        open_data(tmp_path / "x.npz")


def test_what_is_not_finite_is_named_when_it_is_read(tmp_path):
    x = np.zeros((9, 2))
    x[4, 1] = np.inf
    np.save(tmp_path / "x.npy", x)
    column = open_data(tmp_path / "x.npy").x
    assert column[:4].sum() == 0
    with pytest.raises(DataError, match=r"row 4 of .*x\.npy should be finite. Received: inf"):
        column.take([8, 4]).read([0, 1])


def test_labels_that_do_not_exist_are_named(tmp_path):
    np.savez(tmp_path / "x.npz", x=np.zeros((3, 2)), y=np.array([0, -1, 2]))
    with pytest.raises(DataError, match=r"The label in row 1 of y in .*x\.npz should count from 0. Received: -1"):
        open_data(tmp_path / "x.npz")


def test_a_spool_gives_back_what_was_written():
    spool = blocks.Spool(lambda row: f"row {row}")
    parts = [np.arange(6, dtype="float32").reshape(3, 2), np.ones((1, 2), "float32")]
    for part in parts:
        spool.append(part)
    np.testing.assert_array_equal(spool.block()[:], np.concatenate(parts))
