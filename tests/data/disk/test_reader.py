"""Batches read in threads: which rows come to which worker, and who looks at them."""

import numpy as np
import pytest
import tensorflow as tf

from keras_dl.data import open as open_data
from keras_dl.data import pipeline
from keras_dl.data.disk.reader import Reader


@pytest.fixture
def column(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(1.0, 41.0).reshape(40, 1))
    return open_data(tmp_path / "x.npy").x


@pytest.mark.parametrize("replicas", [2, 4, 6])
@pytest.mark.parametrize("count", [1, 2, 5, 8, 13, 40])
def test_the_shares_of_workers_are_disjoint_and_complete(column, count, replicas):
    shares = []
    for worker in range(2):
        reader = Reader(column)
        reader.share(2, worker, replicas)
        batch, problem = reader._read(np.arange(count))
        assert problem == ""
        shares.append(batch[:, 0])
    read = [np.flatnonzero(~np.isnan(share)) for share in shares]
    assert sorted([*read[0], *read[1]]) == list(range(count))
    for share, rows in zip(shares, read, strict=True):
        np.testing.assert_array_equal(share[rows], rows + 1.0)


def test_shares_are_what_tensorflow_deals_out(column):
    for count in (32, 13, 5, 1):
        batch = tf.data.Dataset.from_tensors(tf.range(count))
        parts = _rebatched(batch, 4)
        for worker in range(2):
            reader = Reader(column)
            reader.share(2, worker, 4)
            rows = np.concatenate(parts[worker::2])
            np.testing.assert_array_equal(np.flatnonzero(reader._wanted(count)), rows)


def _rebatched(dataset, replicas):
    from tensorflow.python.data.experimental.ops import distribute

    return [part.numpy() for part in distribute._LegacyRebatchDataset(dataset, replicas)]


def test_a_pipeline_read_by_itself_says_what_is_wrong(tmp_path):
    x = np.ones((1000, 1))
    x[501] = np.nan  # none of those that are looked at for a mark
    np.save(tmp_path / "x.npy", x)
    iterator = iter(pipeline(open_data(tmp_path / "x.npy").x, batch_size=500, shuffle=False))
    assert len(next(iterator)) == 500
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"row 501 of .*x\.npy should be finite"):
        next(iterator)


def test_only_values_from_zero_to_one_are_binarised(column):
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"row 1 of .*x\.npy: x should lie in \[0, 1\]"):
        list(pipeline(column, batch_size=8, shuffle=False, binarize="stochastic"))


def test_batches_that_are_passed_over_are_not_read(column):
    dataset, whole = (pipeline(column, batch_size=8, seed=1) for _ in range(2))
    dataset.order.place(0)
    dataset.order.pass_over(2)
    for epoch in range(2):
        for index, (batch, expected) in enumerate(zip(dataset, whole, strict=True)):
            if epoch == 0 and index < 2:
                assert np.isnan(batch).all() and batch.shape == expected.shape
            else:
                np.testing.assert_array_equal(batch, expected)
