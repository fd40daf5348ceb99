import gzip
import struct

import keras
import numpy as np
import pytest
import skimage.io
from sklearn.datasets import load_digits

import keras_dl


def write_idx(path, array):
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(header + array.tobytes())


@pytest.fixture
def data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_DL_DATA", str(tmp_path))
    return tmp_path


def write_mnist(folder, largest_label=9):
    folder.mkdir()
    for part, count in (("train", 60_000), ("t10k", 10_000)):
        images = np.zeros((count, 28, 28), "uint8")
        images[1, 2, 3] = 51
        write_idx(folder / f"{part}-images-idx3-ubyte.gz", images)
        write_idx(folder / f"{part}-labels-idx1-ubyte.gz", (np.arange(count) % (largest_label + 1)).astype("uint8"))


def test_digits_are_scikit_learns_split_at_the_last_360_rows():
    (x, y), (x_test, y_test) = keras_dl.data.load("digits")
    images, labels = load_digits(return_X_y=True)
    assert x.shape == (1437, 8, 8, 1) and x_test.shape == (360, 8, 8, 1)
    assert x.dtype == "float32" and y.dtype == "int32"
    np.testing.assert_array_equal(np.concatenate([x, x_test]).reshape(-1, 64) * 16, images)
    np.testing.assert_array_equal(np.concatenate([y, y_test]), labels)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_idx_sets_from_a_folder(data_folder, name):
    write_mnist(data_folder / name)
    (x, y), (x_test, y_test) = keras_dl.data.load(name)
    assert x.shape == (60_000, 28, 28, 1) and x_test.shape == (10_000, 28, 28, 1)
    assert x.dtype == "float32" and y.dtype == y_test.dtype == "int32"
    assert x[1, 2, 3, 0] == np.float32(0.2) and x.sum() == np.float32(0.2)
    assert y[:12].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]


def test_a_label_out_of_range_is_a_value_error(data_folder):
    write_mnist(data_folder / "mnist", largest_label=10)
    with pytest.raises(ValueError, match=r"labels of mnist in 0\.\.9.*to 10"):
        keras_dl.data.load("mnist")


def test_test_images_in_place_of_training_images_are_a_value_error(data_folder):
    write_mnist(data_folder / "mnist")
    folder = data_folder / "mnist"
    (folder / "t10k-images-idx3-ubyte.gz").replace(folder / "train-images-idx3-ubyte.gz")
    with pytest.raises(ValueError, match=r"train-images-idx3-ubyte\.gz.*\(60000, 28, 28\)"):
        keras_dl.data.load("mnist")


def write_binarized(folder, value=1):
    folder.mkdir()
    shapes = {"train_data": 50_000, "valid_data": 10_000, "test_data": 10_000}
    arrays = {name: np.zeros((count, 784), "uint8") for name, count in shapes.items()}
    for marker, array in enumerate(arrays.values()):
        array[0, 28 + marker] = value  # row 1, column 0, 1 or 2
    np.savez_compressed(folder / "binarized_mnist.npz", **arrays)


def test_binarized_mnist_from_a_folder(data_folder):
    write_binarized(data_folder / "binarized_mnist")
    (x, y), (x_test, y_test) = keras_dl.data.load("binarized_mnist")
    assert x.shape == (50_000, 28, 28, 1) and x_test.shape == (10_000, 28, 28, 1)
    assert y is None and y_test is None
    assert x[0, 1, 0, 0] == 1 and x.sum() == 1 and x_test[:, 1, 2, 0].sum() == 1
    assert x_test[0, 1, 2, 0] == 0  # the file's order, by classes, is not kept
    (_, _), (x_valid, _) = keras_dl.data.load("binarized_mnist", held_out="valid")
    assert x_valid[0, 1, 1, 0] == 1 and x_valid.sum() == 1


def test_binarized_mnist_with_another_value_is_a_value_error(data_folder):
    write_binarized(data_folder / "binarized_mnist", value=2)
    with pytest.raises(ValueError, match="only 0 and 1. Received: values from 0.0 to 2.0"):
        keras_dl.data.load("binarized_mnist")


def test_cifar10_from_a_folder(data_folder):
    folder = data_folder / "cifar10"
    folder.mkdir()
    batch = np.zeros((10_000, 3073), "uint8")
    batch[:, 0] = 7
    batch[:, 1] = 255
    for name in [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]:
        (folder / f"{name}.bin").write_bytes(batch.tobytes())
    (x, y), (x_test, y_test) = keras_dl.data.load("cifar10")
    assert x.shape == (50_000, 32, 32, 3) and x_test.shape == (10_000, 32, 32, 3)
    assert set(y) == {7} and y.shape == (50_000,) and y_test.shape == (10_000,)
    assert x[9, 0, 0].tolist() == [1, 0, 0] and x[9, 0, 1].tolist() == [0, 0, 0]


def test_cifar10_subset_from_a_folder(data_folder):
    folder = data_folder / "cifar10_subset"
    folder.mkdir()
    pictures = np.random.default_rng(0).integers(0, 256, (4, 1000, 1024, 3), "uint8")
    for index, picture in enumerate(pictures):
        skimage.io.imsave(folder / f"cifar10_batch_{index}.png", picture, check_contrast=False)
    (folder / "labels.txt").write_text(" ".join(str(i % 10) for i in range(4000)))
    (x, y), (x_test, y_test) = keras_dl.data.load("cifar10_subset")
    assert x.shape == (3000, 32, 32, 3) and y[:3].tolist() == [0, 1, 2] and len(x_test) == len(y_test) == 1000
    np.testing.assert_array_equal(x_test[7, 1, 2], pictures[3, 7, 34] / np.float32(255))
    (folder / "labels.txt").write_text("1 2 three")
    with pytest.raises(ValueError, match="labels.txt should hold 4000 integers. Received: 3 words"):
        keras_dl.data.load("cifar10_subset")
    (folder / "cifar10_batch_2.png").write_bytes((folder / "cifar10_batch_2.png").read_bytes()[:5000])
    with pytest.raises(ValueError, match="cifar10_batch_2.png should be a picture. Received: "):
        keras_dl.data.load("cifar10_subset")


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "binarized_mnist", "cifar10", "cifar10_subset"])
def test_a_missing_set_is_an_error_and_never_a_download(data_folder, monkeypatch, name):
    for module in (keras.datasets.mnist, keras.datasets.fashion_mnist, keras.datasets.cifar10):
        monkeypatch.setattr(module, "load_data", lambda: pytest.fail("downloaded"))
    with pytest.raises(FileNotFoundError, match=f"{name}. Received: no such folder"):
        keras_dl.data.load(name)


def test_a_download_that_fails_says_what_else_there_is(monkeypatch):
    def load_data():
        raise Exception("URL fetch failure")

    monkeypatch.delenv("KERAS_DL_DATA", raising=False)
    monkeypatch.setattr(keras.datasets.mnist, "load_data", load_data)
    with pytest.raises(OSError, match="download mnist, or .*KERAS_DL_DATA.*Received: .*URL fetch failure"):
        keras_dl.data.load("mnist")


def test_without_the_variable_keras_datasets_is_asked(monkeypatch):
    monkeypatch.delenv("KERAS_DL_DATA", raising=False)
    images, labels = np.full((6, 32, 32, 3), 255, "uint8"), np.arange(6, dtype="uint8")
    grey = ((images[..., 0], labels), (images[:2, :, :, 0], labels[:2]))
    colour = ((images, labels[:, None]), (images, labels[:, None]))
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: grey)
    monkeypatch.setattr(keras.datasets.cifar10, "load_data", lambda: colour)
    (x, y), (x_test, _) = keras_dl.data.load("mnist")
    assert x.shape == (6, 32, 32, 1) and x.min() == 1 and x_test.shape == (2, 32, 32, 1) and y.dtype == "int32"
    (x, y), _ = keras_dl.data.load("cifar10")
    assert x.shape == (6, 32, 32, 3) and y.tolist() == [0, 1, 2, 3, 4, 5]
    with pytest.raises(FileNotFoundError, match="KERAS_DL_DATA"):
        keras_dl.data.load("binarized_mnist")


@pytest.mark.parametrize(
    ("name", "options", "error", "message"),
    [
        ("mnits", {}, ValueError, "nearest: mnist.*Received: 'mnits'"),
        ("zzz", {}, ValueError, "digits, mnist, fashion_mnist, binarized_mnist, cifar10"),
        ("../digits", {}, ValueError, "Received: '../digits'"),
        (3, {}, TypeError, "Received: 3"),
        ("digits", {"held_out": "valid"}, ValueError, r"\['test'\] for digits. Received: 'valid'"),
        ("binarized_mnist", {"held_out": "train"}, ValueError, r"\['test', 'valid'\]"),
    ],
)
def test_unknown_names_are_refused(name, options, error, message):
    with pytest.raises(error, match=message):
        keras_dl.data.load(name, **options)


@pytest.mark.parametrize(
    ("name", "mean", "counts"),
    [("mnist", 0.13066, (5923, 6742)), ("fashion_mnist", 0.28604, (6000, 6000))],
)
def test_the_real_sets_have_their_published_statistics(real_data, name, mean, counts):
    (x, y), (_, y_test) = real_data(name)
    assert abs(float(x.mean(dtype="float64")) - mean) < 1e-5
    assert tuple(np.bincount(y)[:2]) == counts
    assert y_test.shape == (10_000,)


def test_the_real_binarized_mnist_agrees_with_mnist(real_data):
    (x, _), _ = real_data("binarized_mnist")
    _, (x_valid, _) = real_data("binarized_mnist", held_out="valid")
    (grey, _), _ = real_data("mnist")
    assert abs(float(np.concatenate([x, x_valid]).mean(dtype="float64")) - float(grey.mean(dtype="float64"))) < 1e-3
    _, (x_test, _) = real_data("binarized_mnist")
    middle = x_test[:, 13:15, 13:15].mean((1, 2, 3), dtype="float64")  # of zeros, which come first in the file, empty
    assert abs(middle[:500].mean() - middle.mean()) < 0.06
