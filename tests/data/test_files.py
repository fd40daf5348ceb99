import gzip
import io
import struct
import tarfile
import zipfile

import numpy as np
import pytest

from keras_dl.data import files

SHAPE = (5, 4, 3)
IMAGES = np.arange(60, dtype="uint8").reshape(SHAPE)


def idx_bytes(array, kind=8):
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, kind, array.ndim, *array.shape) + array.tobytes()


def write_gz(path, content):
    path.write_bytes(gzip.compress(content, mtime=0))
    return path


@pytest.fixture
def idx_file(tmp_path):
    return write_gz(tmp_path / "images.gz", idx_bytes(IMAGES))


@pytest.fixture
def npz_file(tmp_path):
    np.savez_compressed(tmp_path / "set.npz", train=IMAGES, test=IMAGES[:2])
    return tmp_path / "set.npz"


NPZ_SHAPES = {"train": SHAPE, "test": (2, 4, 3)}


def test_find_names_what_is_missing_and_what_is_there(tmp_path):
    (tmp_path / "other.gz").touch()
    with pytest.raises(FileNotFoundError, match=r"a\.gz or b\.gz.*Received: \['other\.gz'\]"):
        files.find(tmp_path, ["a.gz", "b.gz"])
    with pytest.raises(FileNotFoundError, match="Received: no such folder"):
        files.find(tmp_path / "nowhere", ["a.gz"])
    assert files.find(tmp_path, ["a.gz", "other.gz"]) == tmp_path / "other.gz"


def test_idx_reads_back_what_was_written(idx_file):
    np.testing.assert_array_equal(files.read_idx(idx_file, SHAPE), IMAGES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "magic number.*Received: an empty file"),
        (idx_bytes(IMAGES)[:3], "magic number"),
        (idx_bytes(IMAGES)[:9], r"shape \(5, 4, 3\)"),
        (idx_bytes(IMAGES)[:-1], "76 bytes.*Received: 75"),
        (idx_bytes(IMAGES) + b"\0", "76 bytes.*Received: more"),
        (idx_bytes(IMAGES[:, :, 0]), "magic number"),
        (idx_bytes(IMAGES, kind=9), "magic number"),
        (b"\1" + idx_bytes(IMAGES)[1:], "magic number"),
        (idx_bytes(IMAGES[:4]), r"shape \(5, 4, 3\)"),
        (idx_bytes(IMAGES.transpose(0, 2, 1)), r"shape \(5, 4, 3\)"),
    ],
)
def test_idx_with_wrong_content_is_a_value_error(tmp_path, content, message):
    path = write_gz(tmp_path / "wrong.gz", content)
    with pytest.raises(ValueError, match=message) as error:
        files.read_idx(path, SHAPE)
    assert str(path) in str(error.value)


def test_idx_truncated_anywhere_is_a_value_error(idx_file):
    whole = idx_file.read_bytes()
    for length in range(len(whole)):
        idx_file.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="images.gz"):
            files.read_idx(idx_file, SHAPE)


def test_idx_with_any_flipped_byte_is_refused_or_unchanged(idx_file):
    whole = idx_file.read_bytes()
    refused = 0
    for position in range(len(whole)):
        idx_file.write_bytes(whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :])
        try:  # the time stamp in the gzip header is free to change; nothing else is
            np.testing.assert_array_equal(files.read_idx(idx_file, SHAPE), IMAGES)
        except ValueError as error:
            assert "images.gz" in str(error)
            refused += 1
    assert refused >= len(whole) - 10


def test_idx_that_is_not_gzip_is_a_value_error(tmp_path):
    (tmp_path / "plain.gz").write_bytes(idx_bytes(IMAGES))
    with pytest.raises(ValueError, match="gzip"):
        files.read_idx(tmp_path / "plain.gz", SHAPE)


def test_npz_reads_back_what_was_written(npz_file):
    arrays = files.read_npz(npz_file, NPZ_SHAPES)
    assert list(arrays) == ["train", "test"]
    np.testing.assert_array_equal(arrays["train"], IMAGES)


def test_npz_truncated_anywhere_is_a_value_error(npz_file):
    whole = npz_file.read_bytes()
    for length in range(0, len(whole), 7):
        npz_file.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="set.npz"):
            files.read_npz(npz_file, NPZ_SHAPES)


def test_npz_with_any_flipped_byte_is_refused_or_unchanged(npz_file):
    whole = npz_file.read_bytes()
    refused = 0
    for position in range(len(whole)):
        npz_file.write_bytes(whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :])
        try:
            arrays = files.read_npz(npz_file, NPZ_SHAPES)
            np.testing.assert_array_equal(arrays["train"], IMAGES)
            np.testing.assert_array_equal(arrays["test"], IMAGES[:2])
        except ValueError as error:
            assert "set.npz" in str(error)
            refused += 1
    assert refused > len(whole) // 2


def test_npz_without_an_array_or_with_another_shape_is_a_value_error(npz_file):
    with pytest.raises(ValueError, match="valid"):
        files.read_npz(npz_file, {"valid": SHAPE})
    with pytest.raises(ValueError, match=r"train.*\(5, 4, 2\).*Received: uint8 of shape \(5, 4, 3\)"):
        files.read_npz(npz_file, {"train": (5, 4, 2)})


def test_npz_of_python_objects_is_refused(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("unpickled",))

    np.savez(tmp_path / "objects.npz", train=np.array([Bomb()], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="objects.npz"):
        files.read_npz(tmp_path / "objects.npz", {"train": (1,)})


def test_npz_that_unpacks_to_far_more_is_refused_before_unpacking(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("train.npy", bytes(10_000_000))
    with pytest.raises(ValueError, match="more than the"):
        files.read_npz(tmp_path / "bomb.npz", {"train": SHAPE})


def cifar_batch(first_label, num_images=2):
    """Images whose red plane is 10, green 20, blue 30, except one known pixel."""
    record = np.repeat(np.array([10, 20, 30], "uint8"), 1024)
    records = np.stack([np.concatenate([[first_label + i], record]) for i in range(num_images)]).astype("uint8")
    records[0, 1 + 1024 + 32 * 5 + 7] = 99  # green, row 5, column 7
    return records.tobytes()


def check_cifar(x, y):
    assert x.shape == (4, 32, 32, 3)
    assert y.tolist() == [3, 4, 6, 7]
    assert x[1, 0, 0].tolist() == [10, 20, 30]
    assert x[0, 5, 7].tolist() == [10, 99, 30]
    assert x[0, 7, 5].tolist() == [10, 20, 30]


@pytest.mark.parametrize("inner", ["", "cifar-10-batches-bin"])
def test_cifar10_binary_from_files(tmp_path, inner):
    (tmp_path / inner).mkdir(exist_ok=True)
    (tmp_path / inner / "a.bin").write_bytes(cifar_batch(3))
    (tmp_path / inner / "b.bin").write_bytes(cifar_batch(6))
    check_cifar(*files.read_cifar10_binary(tmp_path, ["a.bin", "b.bin"], num_images=2))


def test_cifar10_binary_from_the_archive_whole_and_truncated(tmp_path):
    path = tmp_path / "cifar-10-binary.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, content in (("a.bin", cifar_batch(3)), ("b.bin", cifar_batch(6))):
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    check_cifar(*files.read_cifar10_binary(tmp_path, ["a.bin", "b.bin"], num_images=2))
    with pytest.raises(ValueError, match=r"cifar-10-binary\.tar\.gz"):
        files.read_cifar10_binary(tmp_path, ["c.bin"], num_images=2)
    whole = path.read_bytes()
    for length in (0, 1, 10, len(whole) // 2):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"cifar-10-binary\.tar\.gz"):
            files.read_cifar10_binary(tmp_path, ["b.bin"], num_images=2)


def test_cifar10_binary_of_another_size_or_missing(tmp_path):
    (tmp_path / "a.bin").write_bytes(cifar_batch(3)[:-1])
    with pytest.raises(ValueError, match=r"a\.bin.*6146 bytes. Received: 6145"):
        files.read_cifar10_binary(tmp_path, ["a.bin"], num_images=2)
    with pytest.raises(FileNotFoundError, match="cifar-10-binary.tar.gz"):
        files.read_cifar10_binary(tmp_path, ["b.bin"], num_images=2)
