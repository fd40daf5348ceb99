"""Batches of columns on disk, read in the threads of a pipeline."""

import os
import weakref

import numpy as np
import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.data.disk.column import Column, DataError

_MOST_THREADS = 8


class Reader:
    """Reads batches of a nest of tensors and columns, checks them, and remembers what was wrong.

    Args:
        data: The nest, with a column at least.
        unit_interval: Whether the first leaf should lie in [0, 1].

    Attributes:
        failure: The `DataError` that ended reading, or `None`: what TensorFlow raises instead has lost its type.
        threads: How many batches are read at a time.
    """

    def __init__(self, data, unit_interval=False):
        self.data, self.unit_interval = data, unit_interval
        self.columns = [leaf for leaf in tf.nest.flatten(data) if isinstance(leaf, Column)]
        self.failure, self.threads = None, min(os.cpu_count() or 1, _MOST_THREADS)
        self._check, self._share, self._passed = None, (1, 0, 1), (-1, 0)

    def check_with(self, check):
        """Has the method `check(batch)` of a model look at every batch."""
        self._check = weakref.WeakMethod(check)

    def share(self, workers, worker, replicas):
        """Reads only the rows of a batch that come to one of several workers; floats of the others are NaN.

        Args:
            workers: Number of workers.
            worker: Number of this one.
            replicas: Replicas of all workers together.
        """
        self._share = workers, worker, replicas

    def pass_over(self, epoch, count):
        """Leaves out the first `count` batches of an epoch, whose floats are NaN."""
        self._passed = epoch, count

    def batch(self, rows, epoch, index):
        """Returns, in a graph, the samples at `rows`, an int64 tensor: batch `index` of `epoch`."""
        dtypes = [column.dtype for column in self.columns]
        *arrays, problem = tf.numpy_function(self._read, [rows, epoch, index], [*dtypes, tf.string])
        with tf.control_dependencies([tf.raw_ops.Assert(condition=tf.equal(problem, ""), data=[problem])]):
            arrays = [tf.identity(array) for array in arrays]
        for array, column in zip(arrays, self.columns, strict=True):
            array.set_shape([None, *column.shape[1:]])
        arrays = iter(arrays)
        return tf.nest.map_structure(
            lambda leaf: next(arrays) if isinstance(leaf, Column) else tf.gather(leaf, rows), self.data
        )

    def _read(self, rows, epoch=0, index=0):
        """The samples at some rows, and what is wrong with them: an exception here would be logged with its trace."""
        try:
            wanted = self._wanted(len(rows)) & (epoch != self._passed[0] or index >= self._passed[1])
            arrays = [_read(column, rows, wanted) for column in self.columns]
            if wanted.any():
                self._check_batch([array[wanted] for array in arrays], rows[wanted])
        except Exception as error:
            place = "" if isinstance(error, DataError) else f"{self.columns[0].where(rows[0])} or the next: "
            self.failure = DataError(f"{place}{error}")
            return [*(np.zeros((0, *column.shape[1:]), column.dtype) for column in self.columns), str(self.failure)]
        return [*arrays, ""]

    def _wanted(self, count):
        """Which rows of a batch come to this worker: TensorFlow deals out equal parts, one per replica, in turn."""
        workers, worker, replicas = self._share
        part = -(-count // replicas)
        return np.arange(count) // max(part, 1) % workers == worker

    def _check_batch(self, arrays, rows):
        if all(column.white for column in self.columns):
            return  # pixels lie in [0, 1], and what else a model asks of them it has asked of a few
        check = self._check and self._check()
        if check is None and not self.unit_interval:
            return
        try:
            self._check_rows(check, arrays, rows)
        except ValueError as error:
            if len(rows) == 1:
                raise DataError(f"{self.columns[0].where(rows[0])}: {error}") from error
            for place in range(len(rows)):  # the first that is wrong by itself
                self._check_batch([array[place : place + 1] for array in arrays], rows[place : place + 1])
            raise

    def _check_rows(self, check, arrays, rows):
        if self.unit_interval:
            least, most = arrays[0].min(), arrays[0].max()
            if least < 0 or most > 1:
                raise refusal("x should lie in [0, 1]", f"values from {least} to {most}")
        if check is not None:
            arrays = iter(arrays)
            leaves = tf.nest.map_structure(
                lambda leaf: next(arrays) if isinstance(leaf, Column) else leaf.numpy()[rows], self.data
            )
            check(leaves)


def _read(column, rows, wanted):
    if wanted.all():
        return column.read(rows)
    samples = np.full((len(rows), *column.shape[1:]), np.nan if column.dtype.kind == "f" else 0, column.dtype)
    samples[wanted] = column.read(rows[wanted])
    return samples
