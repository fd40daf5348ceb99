"""Numbers that a type cannot hold, that are far below its white, or that mean something else: refused, or said."""

import warnings

import numpy as np
import pytest
from PIL import Image

from keras_dl.data import DataError
from keras_dl.data import open as open_data


@pytest.mark.parametrize(
    ("value", "dtype", "held"),
    [
        (2**40, "int64", "int32"),
        (2**31, "uint32", "int32"),
        (2**64 - 1, "uint64", "int32"),
        (-(2**31) - 1, ">i8", "int32"),
        (1e300, "float64", "float32"),
        (-1e39, ">f8", "float32"),
    ],
)
def test_numbers_beyond_what_is_read_are_refused(value, dtype, held, tmp_path):
    """They were other numbers, or infinite."""
    array = np.zeros((5, 2), dtype)
    array[3, 1] = value
    np.save(tmp_path / "x.npy", array)
    x = open_data(tmp_path / "x.npy").x
    assert not x[:3].any()
    with pytest.raises(DataError, match=rf"row 3 of .*x\.npy should be within the range of {held}. Received: "):
        x[2:]


@pytest.mark.parametrize("value", [2**31 - 1, -(2**31), 7])
def test_numbers_at_the_ends_of_the_range_are_read(value, tmp_path):
    np.save(tmp_path / "x.npy", np.full((2, 3), value, "int64"))
    assert (open_data(tmp_path / "x.npy").x[:] == value).all()


def of(largest, dtype):
    return (np.arange(2 * 8 * 8).reshape(2, 8, 8, 1) % (largest + 1)).astype(dtype)


@pytest.mark.parametrize("kind", ["arrays", "pictures"])
@pytest.mark.parametrize(
    ("largest", "dtype", "message"),
    [
        (1, "uint8", "pixels of 0 to 255 where it holds eight bits"),
        (1, "uint16", "pixels of 0 to 65535 where it holds sixteen bits: save zeros and ones as"),
        (120, "uint16", "where it holds sixteen bits: save them as uint8. Received: values up to 120"),
    ],
)
def test_pixels_of_other_ranges_are_refused(kind, largest, dtype, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        open_data(saved(kind, of(largest, dtype), tmp_path))


@pytest.mark.parametrize("kind", ["arrays", "pictures"])
@pytest.mark.parametrize(("largest", "dtype"), [(16, "uint8"), (4095, "uint16")])
def test_pixels_far_below_white_are_said(kind, largest, dtype, tmp_path):
    images = of(largest, dtype)
    images[0, 0, 0, 0] = largest
    with pytest.warns(UserWarning, match=f"go up to {largest} of {np.iinfo(dtype).max}, the value of white"):
        open_data(saved(kind, images, tmp_path))


@pytest.mark.parametrize("kind", ["arrays", "pictures"])
@pytest.mark.parametrize(("largest", "dtype"), [(18, "uint8"), (5000, "uint16"), (0, "uint8")])
def test_dark_and_black_pixels_are_read(kind, largest, dtype, tmp_path):
    images = of(largest, dtype)
    images[0, 0, 0, 0] = largest
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        assert open_data(saved(kind, images, tmp_path)).x[:].max() == np.float32(largest) / np.iinfo(dtype).max


def saved(kind, images, folder):
    if kind == "arrays":
        np.save(folder / "x.npy", images)
        return folder / "x.npy"
    for number, image in enumerate(images):
        Image.fromarray(image[..., 0]).save(folder / f"{number}.png")
    return folder


def test_labels_that_no_row_has_are_said(tmp_path):
    """The largest label is taken for the number of classes: of 1, 2, 3 there would be four."""
    for labels, missing in (([1, 2, 3], "0 of 0 to 3"), ([0, 5, 0], "1, 2, 3, 4 of 0 to 5")):
        np.savez(tmp_path / "x.npz", x=np.zeros((3, 2)), y=labels)
        with pytest.warns(UserWarning, match=f"labels count from 0, and {missing} are those of no row"):
            assert open_data(tmp_path / "x.npz").y.tolist() == labels
    (tmp_path / "t.csv").write_text("a,label\n1,3\n2,1\n")
    with pytest.warns(UserWarning, match=r"0, 2 of 0 to 3 .*t\.csv and the next.; write labels as text"):
        open_data(tmp_path / "t.csv")


def test_labels_that_are_no_classes_are_refused(tmp_path):
    np.savez(tmp_path / "x.npz", x=np.zeros((3, 2)), y=[0, 1, 5_000_000_000])
    with pytest.raises(DataError, match="row 2 of y .* should be one of fewer than 1,000,000 classes.*: 5000000000"):
        open_data(tmp_path / "x.npz")


@pytest.mark.parametrize("names", [("train", "test"), ("Training", "Validation", "Test"), ("images", "masks")])
def test_folders_that_are_no_classes_are_refused(names, tmp_path):
    for name in names:
        (tmp_path / name).mkdir()
        Image.fromarray(np.full((4, 4), 200, "uint8")).save(tmp_path / name / "a.png")
    with pytest.raises(ValueError, match=f"a folder a class: .*Received: {', '.join(sorted(names))}"):
        open_data(tmp_path)
    (tmp_path / names[0]).rename(tmp_path / "cats")
    assert len(open_data(tmp_path).classes) == len(names)


@pytest.mark.parametrize("header", [",a,label", "Unnamed: 0,a,label"])
def test_columns_without_names_are_refused(header, tmp_path):
    """The numbers of rows that pandas writes were a feature, and in the order of classes tell them."""
    (tmp_path / "t.csv").write_text(f"{header}\n0,5,x\n1,6,y\n")
    with pytest.raises(DataError, match=r"t\.csv should have names; leave numbers of rows out"):
        open_data(tmp_path / "t.csv")


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_other_encodings_are_named(encoding, tmp_path):
    (tmp_path / "t.csv").write_bytes(("a,b\n" + "1,2\n" * 70_000 + "1,ü\n").encode(encoding))
    with pytest.raises(DataError, match=r"t\.csv should be text in UTF-8: save it so"):
        open_data(tmp_path / "t.csv")
