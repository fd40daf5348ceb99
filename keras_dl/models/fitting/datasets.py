"""What datasets tell before they are read: their order, the number and shapes of their batches; and their reading.

Data that come again after a resume are known by a mark, a checksum of their sizes and of some of their rows.
"""

import contextlib
import itertools
from typing import Any, NamedTuple, Self

import keras
import numpy as np
import tensorflow as tf

from keras_dl.data.pipeline import mark_of
from keras_dl.models.fitting.batches import without_none


class Feed(NamedTuple):
    """What is known of that which feeds a training, found out once, before anything is read.

    Attributes:
        data: A dataset, a `PyDataset`, a generator or an iterator.
        order: The order of the pipeline that it passes on, which is placed at every epoch, or `None`.
        count: Number of batches, or `None` where it is not known or has no end.
        spec: As `batch_spec` gives it.
        one_length: Whether batches differ in their rows alone; `None` for a generator, which does not say.
        alike: Whether reading a batch neither loses it nor changes what comes after it, as far as it tells.
        shuffled: Whether batches are others at every reading.
        endless: Whether it is known to have no end.
    """

    data: Any
    order: Any
    count: int | None  # type: ignore[assignment]  # not the method that tuples have
    spec: Any
    one_length: bool | None
    alike: bool
    shuffled: bool
    endless: bool

    @classmethod
    def of(cls, data: Any) -> Self:
        """What is known of data."""
        spec, kinds = batch_spec(data), [type(source).__name__ for source in sources(data)]
        unlike = any(word in kind for kind in kinds for word in ("FlatMap", "Interleave", "Generator", "Shuffle"))
        shuffled = any("Shuffle" in kind for kind in kinds)
        alike = bool(kinds) and not unlike
        order, count = order_of(data), count_batches(data)
        return cls(data, order, count, spec, has_one_length(spec), alike, shuffled, endless(data))


class ShuffledBatches(keras.utils.PyDataset):
    """A `PyDataset` whose batches come in an order that seed and epoch decide; Keras' own is forgotten by a resume.

    Args:
        batches: The `PyDataset`, of a known number of batches.
        seed: Integer.
    """

    def __init__(self, batches, seed):
        options = {name: getattr(batches, name) for name in ("workers", "use_multiprocessing", "max_queue_size")}
        super().__init__(**options)
        self.batches, self.seed, self.count = batches, seed, batches.num_batches
        self.mark = mark_of(batches[0], ("shuffled", self.count))
        self.place(0)

    @property
    def num_batches(self):
        return self.count

    def place(self, epoch):
        """Makes the next iteration that of `epoch`."""
        self.indices = np.random.default_rng((self.seed, epoch)).permutation(self.count)

    def pass_over(self, count):
        """Nothing is spared: what a resumed epoch drops is read first."""

    def __getitem__(self, index):
        return self.batches[int(self.indices[index])]

    def on_epoch_begin(self):
        self.batches.on_epoch_begin()

    def on_epoch_end(self):
        self.batches.on_epoch_end()


@contextlib.contextmanager
def reading(model, *datasets):
    """Has pipelines read what comes to this worker, and raises what was wrong with their files instead of TensorFlow's.

    Args:
        model: The model that takes the data.
        *datasets: What feeds it; of pipelines that read from disk only.

    Raises:
        keras_dl.data.DataError: If a file or row cannot be trained on.
    """
    orders = [order_of(dataset) for dataset in datasets]
    readers = [order.reader for order in orders if getattr(order, "reader", None) is not None]
    for reader in readers:
        _share(reader, model.distribute_strategy)
    try:
        yield
    except tf.errors.OpError as error:
        failures = [reader.failure for reader in readers if reader.failure is not None]
        if not failures:
            raise
        raise failures[0] from error
    finally:
        for reader in readers:
            reader.share(workers=1, worker=0, replicas=1)


def _share(reader, strategy):
    """Has a reader leave out the rows that come to other workers."""
    resolver = strategy.cluster_resolver
    workers = len(resolver.cluster_spec().as_dict().get("worker", ())) if resolver is not None else 0
    if workers > 1:
        reader.share(workers, resolver.task_id, strategy.num_replicas_in_sync)


def count_batches(data):
    """Number of batches of data, or `None` where it is not known or has no end."""
    if isinstance(data, keras.utils.PyDataset):
        return data.num_batches
    if not isinstance(data, tf.data.Dataset):
        return None
    count = int(data.cardinality())
    return count if count > 0 else None


def endless(data):
    """Whether a dataset is known to have no end."""
    return isinstance(data, tf.data.Dataset) and int(data.cardinality()) == tf.data.INFINITE_CARDINALITY


def order_of(data):
    """The order of the pipeline that a dataset passes on, batch by batch, or repeats for ever; else `None`."""
    if isinstance(data, ShuffledBatches):
        return data
    if not isinstance(data, tf.data.Dataset):
        return None
    for source in sources(data):
        order = getattr(source, "order", None)
        if order is not None:
            return order if endless(data) or count_batches(data) == order.count else None
        if not any(word in type(source).__name__ for word in ("Repeat", "Prefetch", "Map", "Options")):
            return None
    return None


def batch_spec(dataset):
    """The shapes of a dataset's batches, without reading one, which a dataset that can be read once would lose.

    Returns:
        A nest of `tf.TensorSpec`s; the number of rows is known where the dataset says it or a `batch` made it.
        Of a `PyDataset` what its first two batches have in common, as Keras reads them. `None` for other data.
    """
    if isinstance(dataset, keras.utils.PyDataset):
        return _common_spec([dataset[i] for i in range(min(2, dataset.num_batches or 2))])
    spec = getattr(dataset, "element_spec", None)
    if not isinstance(dataset, tf.data.Dataset) or not all(isinstance(s, tf.TensorSpec) for s in tf.nest.flatten(spec)):
        return None
    order = order_of(dataset)
    sizes = map(_batch_size, sources(dataset)) if order is None else [order.batch_size]
    rows = next((size for size in sizes if size), None)

    def with_rows(spec):
        if not spec.shape.rank or spec.shape[0] is not None or rows is None:
            return spec
        return tf.TensorSpec([rows, *spec.shape[1:]], spec.dtype)

    return tf.nest.map_structure(with_rows, spec)


def has_one_length(spec):
    """Whether batches differ in their rows alone; `None` for a generator, which does not say."""
    if spec is None:
        return None
    return all(tensor.shape.rank is None or tensor.shape[1:].is_fully_defined() for tensor in tf.nest.flatten(spec))


def _common_spec(batches):
    """A `tf.TensorSpec` for each tensor of a batch, whose axes are unknown where batches differ; `None` without any."""
    tensors = [tf.nest.map_structure(tf.convert_to_tensor, without_none(batch)) for batch in batches]
    specs = [tf.nest.map_structure(tf.TensorSpec.from_tensor, batch) for batch in tensors]
    columns = list(zip(*map(tf.nest.flatten, specs), strict=True))
    common = [first.most_specific_common_supertype(others) for first, *others in columns]
    return tf.nest.pack_sequence_as(specs[0], common) if common and None not in common else None


def sources(data):
    """A dataset and those that it is made of, the last first; of other data none."""
    inputs = getattr(data, "_inputs", list)()
    return [data, *itertools.chain.from_iterable(map(sources, inputs))] if isinstance(data, tf.data.Dataset) else []


def _batch_size(dataset):
    size = getattr(dataset, "_batch_size", None)
    value = None if size is None else tf.get_static_value(size)
    return None if value is None else int(value)
