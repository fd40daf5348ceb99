"""What `keras_dl.data.open` takes, and parts of it."""

import numpy as np
import pytest

from keras_dl.data import DataSpec, pipeline
from keras_dl.data import open as open_data


@pytest.fixture
def data(tmp_path):
    x = np.random.default_rng(0).random((100, 3)).astype("float32")
    np.savez(tmp_path / "data.npz", x=x, y=np.repeat([0, 1, 2], [80, 15, 5]))
    return open_data(tmp_path / "data.npz"), x


def test_the_parts_of_a_split_are_all_rows_once(data):
    opened, x = data
    training, held_out = opened.split(0.2, seed=3)
    assert len(training) == 80 and len(held_out) == 20
    rows = np.concatenate([training.x[:], held_out.x[:]])
    np.testing.assert_array_equal(rows[np.lexsort(rows.T)], x[np.lexsort(x.T)])
    assert np.bincount(held_out.y).tolist() == [16, 3, 1]  # a fifth of every class
    assert len(set(held_out.y[:8])) > 1  # in an order that mixes them


def test_a_split_is_a_function_of_its_seed_and_is_bounded(data):
    opened, _ = data
    one, other = (opened.split(0.2, seed=3)[1].x[:] for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert (opened.split(0.2, seed=4)[1].x[:] != one).any()
    assert len(opened.split(0.5, most=7)[1]) == 7
    for fraction in (0, 1, 1.5):
        with pytest.raises(ValueError, match="fraction"):
            opened.split(fraction)
    with pytest.raises(ValueError, match="two samples"):
        opened[:1].split(0.5)


def test_slices_are_parts_that_are_read_later(data):
    opened, x = data
    part = opened[10:30:2][[1, 4]]
    np.testing.assert_array_equal(part.x[:], x[[12, 18]])
    assert part.y.tolist() == [0, 0] and len(part) == 2
    assert part.x.where(0) == opened.x.where(12)


def test_a_specification_is_that_of_the_array(data):
    opened, x = data
    assert DataSpec.of(opened.x, opened.y) == DataSpec.of(x, opened.y)


def test_batches_are_those_of_arrays(data):
    opened, x = data
    options = {"batch_size": 7, "seed": 5, "binarize": "stochastic"}
    from_disk, from_memory = pipeline(opened.x, opened.y, **options), pipeline(x, opened.y, **options)
    for _ in range(2):
        for batch, expected in zip(from_disk, from_memory, strict=True):
            for one, other in zip(batch, expected, strict=True):
                np.testing.assert_array_equal(one, other)
    assert from_disk.order.mark == from_memory.order.mark and from_disk.cardinality() == 15
    assert from_disk.element_spec == from_memory.element_spec


def test_rows_in_memory_go_with_rows_on_disk(data):
    opened, x = data
    for one, other in pipeline(opened.x, x, batch_size=9):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(ValueError, match="as many rows as x, 100. Received: 99"):
        pipeline(opened.x, x[:99])
    with pytest.raises(ValueError, match="should come with arrays in memory"):
        pipeline(opened.x, binarize="static")


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("missing", FileNotFoundError, "no such file"),
        ("notes.txt", ValueError, r"should be a folder of pictures, or a file that ends in \.npy.*Received"),
        (3, TypeError, "path"),
    ],
)
def test_what_is_no_data_is_refused(name, error, message, tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(error, match=message):
        open_data(tmp_path / name if isinstance(name, str) else name)


def test_a_label_is_asked_of_tables_only(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((2, 2)))
    with pytest.raises(ValueError, match="names a column of a table"):
        open_data(tmp_path / "x.npy", label="a")


def test_numbers_alone_are_samples_of_one_number_and_labels_fit(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(3.0))
    assert open_data(tmp_path / "x.npy").x[:].tolist() == [[0], [1], [2]]
    np.savez(tmp_path / "x.npz", x=np.zeros((3, 2)), y=np.zeros(2))
    with pytest.raises(ValueError, match="as many rows as x, 3. Received: 2"):
        open_data(tmp_path / "x.npz")
