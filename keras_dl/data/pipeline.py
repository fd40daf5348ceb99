"""A tf.data pipeline whose order is a function of seed, epoch and position."""

import weakref
import zlib

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import check_count, check_seed, refusal
from keras_dl.data.checks import check_arrays
from keras_dl.data.disk.column import Column, glimpse
from keras_dl.data.disk.reader import Reader
from keras_dl.types import Nest, Tensor
from keras_dl.untuned import UNTUNED

_BINARIZE = (None, "stochastic", "static")
_MARKED = 64  # rows that go into a mark


class Order:
    """Which epoch a pipeline gives next. `fit` places it, so that a resumed run sees the data it would have seen.

    Args:
        data: The arrays that the pipeline gives as they are, for `fit` to check; `None` if it changes them.
        count: Batches of an epoch.
        batch_size: Rows of a batch.
        mark: A checksum that tells these data, in this order, from others.
        reader: The `Reader` of what is on disk, or `None`.
    """

    def __init__(self, data, count, batch_size, mark, reader=None):
        self.data, self.count, self.batch_size, self.mark = data, count, batch_size, mark
        self.reader = reader
        self.epoch = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._checked_by = None

    def check(self, model):
        """Lets a model check the arrays, unless it has done so before."""
        checked_by = self._checked_by and self._checked_by()
        if self.data is not None and checked_by is not model:
            model.check_data(self.data if self.reader is None else glimpse(self.data))
            self._checked_by = weakref.ref(model)
        if self.data is not None and self.reader is not None:
            self.reader.check_with(model.check_data)

    def place(self, epoch):
        """Makes the next iteration that of `epoch`."""
        self.epoch.assign(epoch)
        if self.reader is not None:
            self.reader.failure = None

    def pass_over(self, count):
        """Spares reading the first batches of the next iteration, which a resumed epoch drops."""
        if self.reader is not None and self.data is not None:
            self.reader.pass_over(int(self.epoch), count)


def pipeline(
    x: Nest,
    y: Nest | None = None,
    batch_size: int = 32,
    *,
    sample_weight: Tensor | None = None,
    shuffle: bool = True,
    seed: int = 0,
    binarize: str | None = None,
    drop_remainder: bool = False,
    missing: bool = False,
) -> tf.data.Dataset:
    """Batches of arrays or of columns on disk, shuffled, optionally binarised, gathered by index and prefetched.

    The rows of batch `i` of epoch `e` are a function of `(seed, e, i)` alone (a
    stateless permutation of the rows): iteration `e` over the dataset is epoch `e`, in any process. Columns on disk
    (`keras_dl.data.open`) are read batch by batch, in threads, and come in the order in which arrays would.

    Args:
        x: Array or column, or nest of such, with one row per sample: shape `(n, ...)`.
        y: Targets or conditions, likewise; `None` for none.
        batch_size: Rows per batch.
        sample_weight: Weights of the samples, shape `(n,)`, or `None`.
        shuffle: Whether each epoch has an order of its own.
        seed: Integer that decides orders and binarisation.
        binarize: `"stochastic"` draws `x ~ Bernoulli(x)` afresh each epoch, `"static"` once (of arrays in memory);
            `None` leaves `x`.
        drop_remainder: Whether to leave out the last, smaller batch.
        missing: Whether NaN marks values of arrays that are missing, and so is let through.

    Returns:
        A `tf.data.Dataset` of one epoch of batches: `x`, `(x, y)` or `(x, y, sample_weight)`. Its attribute `order`
        lets `ObjectiveModel.fit` continue where a saved run stopped.

    Raises:
        ValueError: If arrays are empty, hold NaN, differ in length, are weights without `y`, or lie outside [0, 1] if
            they are to be binarised.

    Example:

    >>> import numpy as np
    >>> dataset = keras_dl.data.pipeline(np.arange(10.0), batch_size=4, seed=1)
    >>> [len(batch) for batch in dataset]
    [4, 4, 2]
    """
    _check_given(x, y, sample_weight, binarize)
    data = join(x, y, sample_weight)
    batch_size, seed = check_count(batch_size, "batch_size"), check_seed(seed)
    rows = check_arrays(data, binarize is not None, missing)
    return _checked(data, rows, batch_size, shuffle, seed, binarize, drop_remainder)


def pipelines(
    training: tuple, held_out: tuple, *, batch_size: int = 32, seed: int = 0, binarize: str | None = None
) -> tuple[tf.data.Dataset, tf.data.Dataset]:
    """The pipelines of training data, shuffled, and of held-out data, in order and binarised once if at all.

    Args:
        training, held_out: Data `(x, y)`, of which `y` may be `None`; see `pipeline`.
        batch_size, seed, binarize: As of `pipeline`.

    Raises:
        ValueError: As of `pipeline`.
    """
    kinds = binarize, "static" if binarize else None
    sets = join(*training), join(*held_out)
    rows = []
    try:
        for which, (x, y) in enumerate((training, held_out)):
            _check_given(x, y, None, kinds[which])
        for which in range(len(sets)):
            rows.append(check_arrays(sets[which], binarize is not None))
    except (TypeError, ValueError) as error:
        error.args = (f"{error} ({('training', 'held-out')[which]} data)",)
        raise
    batch_size, seed = check_count(batch_size, "batch_size"), check_seed(seed)
    return (
        _checked(sets[0], rows[0], batch_size, True, seed, kinds[0]),
        _checked(sets[1], rows[1], batch_size, False, seed, kinds[1]),
    )


def _checked(data, rows, batch_size, shuffle, seed, binarize, drop_remainder=False):
    """The pipeline of data that have been checked."""
    count = _count(rows, batch_size, drop_remainder)
    data = tf.nest.map_structure(_tensor, keras.tree.lists_to_tuples(data))  # tf.data stacks lists
    if binarize == "static":
        data = _with_first(data, _bernoulli(_first(data), seed, -1, 0))
    mark = mark_of(data, (batch_size, bool(shuffle), binarize, drop_remainder))
    on_disk = any(isinstance(leaf, Column) for leaf in tf.nest.flatten(data))
    reader = Reader(data, binarize is not None) if on_disk else None
    order = Order(None if binarize else data, count, batch_size, mark, reader)

    def batch_at(epoch, order_of_rows, index):
        batch = _rows(data, reader, order_of_rows[index * batch_size : (index + 1) * batch_size], epoch, index)
        if binarize == "stochastic":
            batch = _with_first(batch, _bernoulli(_first(batch), seed, epoch, index))
        return batch

    def one_epoch(_):
        epoch = order.epoch.assign_add(1) - 1
        indices = _rows_in_order(rows, _key(seed, epoch, -1) if shuffle else None)
        threads = None if reader is None else reader.threads
        return tf.data.Dataset.range(count).map(lambda index: batch_at(epoch, indices, index), threads)

    return finished(tf.data.Dataset.range(1).flat_map(one_epoch), count, order)


def _check_given(x, y, sample_weight, binarize):
    if binarize not in _BINARIZE:
        raise refusal(f"binarize should be one of {_BINARIZE}", binarize=binarize)
    if x is None:
        raise refusal("x should be an array or a nest of arrays", "x=None")
    if y is None and sample_weight is not None:
        raise refusal("sample_weight should come with y, whose losses it weighs", "y=None")
    if binarize == "static" and isinstance(_first(x), Column):
        raise refusal('binarize="static" should come with arrays in memory', "a column on disk")


def _count(rows, batch_size, drop_remainder):
    """How many batches an epoch has."""
    if drop_remainder and rows < batch_size:
        raise refusal(f"drop_remainder leaves no batch of {batch_size} rows", f"{rows} rows")
    return rows // batch_size if drop_remainder else -(-rows // batch_size)


def _rows_in_order(rows, key):
    """The numbers of all rows, in the random order that a key decides; as they lie without one."""
    numbers = tf.range(rows, dtype=tf.int64)
    return numbers if key is None else tf.random.experimental.stateless_shuffle(numbers, key)


def _rows(data, reader, rows, epoch, index):
    """The rows of a batch, from memory or from disk."""
    if reader is None:
        return tf.nest.map_structure(lambda t: tf.gather(t, rows), data)
    return reader.batch(rows, epoch, index)


def finished(dataset, count, order):
    """A dataset of `count` batches, fetched ahead, in an order that `fit` can place."""
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(count)).prefetch(4).with_options(UNTUNED)
    dataset.order = order
    return dataset


def join(x, y=None, sample_weight=None):
    """The nest that a batch of these is: `x`, `(x, y)` or `(x, y, sample_weight)`.

    `None` among the weights of several outputs stands for ones.
    """
    if sample_weight is not None:
        if keras.tree.is_nested(sample_weight):
            ones = np.ones(len(tf.nest.flatten(x)[0]), "float32")
            sample_weight = keras.tree.map_structure(lambda weight: ones if weight is None else weight, sample_weight)
        return (x, y, sample_weight)
    return x if y is None else (x, y)


def mark_of(data, sizes=()):
    """A checksum of a nest of arrays: of their shapes, dtypes and some evenly spaced rows, and of `sizes`.

    Never 0, which stands for no mark.
    """
    mark = zlib.crc32(repr(sizes).encode())
    for leaf in tf.nest.flatten(data):
        if leaf is None or isinstance(leaf, tf.experimental.Optional):
            continue
        rows = np.unique(np.linspace(0, len(leaf) - 1, _MARKED).astype(int)) if len(leaf) else []
        some = leaf[rows] if isinstance(leaf, Column) else tf.gather(leaf, rows).numpy()
        mark = zlib.crc32(repr((tuple(leaf.shape), some.dtype.str)).encode(), mark)
        mark = zlib.crc32(some.tobytes() if some.dtype.kind in "biufc" else repr(some).encode(), mark)
    return mark or 1


def _tensor(leaf):
    return leaf if isinstance(leaf, Column) else tf.convert_to_tensor(leaf)


def _first(data):
    return data[0] if isinstance(data, tuple) else data


def _with_first(data, x):
    return (x, *data[1:]) if isinstance(data, tuple) else x


def _key(seed, epoch, index):
    """The key of the random numbers that `(seed, epoch, index)` decides."""
    return tf.random.fold_in(tf.stack([tf.cast(seed, tf.int64), tf.cast(epoch, tf.int64)]), index)


def _bernoulli(x, seed, epoch, index):
    """`x` as ones and zeros, one with probability `x`."""
    draws = tf.random.stateless_uniform(tf.shape(x), _key(seed, epoch, index), alg="philox")
    return tf.cast(draws < tf.cast(x, tf.float32), x.dtype)
