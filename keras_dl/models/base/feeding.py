"""What `fit` reads: arrays through the pipeline, a `PyDataset` in an order of its own, the user's datasets.

Data that come again after a resume are known by a mark, a checksum of their sizes and of some of their rows.
"""

import contextlib
import itertools
import math

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import check_count, refusal
from keras_dl.data.disk import rows_of
from keras_dl.data.pipeline import mark_of, pipeline
from keras_dl.models.base import class_weights
from keras_dl.models.base.checking import check, check_rows, reads_disk, without_none


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


def through_pipeline(model, x, y, shuffle, options):
    """Arrays as a pipeline, and the options of `fit` without those that have been worked in."""
    if not isinstance(shuffle, (bool, np.bool_)):
        raise refusal("shuffle should be True or False", shuffle=shuffle)
    options = dict(options)
    weight, class_weight = options.pop("sample_weight", None), options.pop("class_weight", None)
    split, batch_size = options.pop("validation_split", 0.0), options.pop("batch_size", None)
    if class_weight is not None:
        class_weights.check_alone("fit", weight, y)
    if split and options.get("validation_data") is None:
        x, y, weight, options["validation_data"] = split_rows(x, y, weight, split)
    if class_weight is not None:  # those of the rows to train on: validation takes none, as in Keras
        weight = class_weights.of_arrays(model, class_weight, y)
    check(model, x, y, weight)
    rows = len(tf.nest.flatten(x)[0])
    if options.get("validation_batch_size") is None:
        options["validation_batch_size"] = batch_size
    if batch_size is None:
        steps = options.get("steps_per_epoch")
        batch_size = math.ceil(rows / steps) if steps else 32
    batch_size = check_count(batch_size, "batch_size")
    check_rows(model, rows % batch_size or batch_size)
    options["validation_data"] = held_out(options.get("validation_data"), options["validation_batch_size"])
    options_of_data = {"sample_weight": weight, "shuffle": bool(shuffle), "missing": model.takes_missing}
    dataset = pipeline(x, y, batch_size, seed=model.seed, **options_of_data)
    if dataset.order.reader is not None:
        dataset.order.reader.check_with(model.check_data)
    return dataset, options


def held_out(data, batch_size=None):
    """Validation data as they are or, where some are columns on disk, as a pipeline in order."""
    if data is None or not reads_disk(data):
        return data
    x, y, weight = (*(data if isinstance(data, (tuple, list)) else (data,)), None, None)[:3]
    return pipeline(x, y, batch_size or 32, sample_weight=weight, shuffle=False)


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


def split_rows(x, y, weight, share):
    """The first `1 - share` of the rows to train on, and the others as validation data."""
    if not 0 < share < 1:
        raise refusal("validation_split should lie between 0 and 1", share)
    rows = len(tf.nest.flatten(x)[0])
    count = int(rows * (1 - share))
    if count in (0, rows):
        raise refusal("validation_split should leave rows on both sides", f"{share} of {rows} rows")

    def take(data, rows):
        return None if data is None else tf.nest.map_structure(lambda t: rows_of(t, rows), data)

    training = [take(data, slice(None, count)) for data in (x, y, weight)]
    return *training, tuple(take(data, slice(count, None)) for data in (x, y, weight))


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
    for source in _sources(data):
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
    sizes = map(_batch_size, _sources(dataset)) if order is None else [order.batch_size]
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


def reads_alike(dataset):
    """Whether reading a batch of a dataset neither loses it nor changes what comes after it, as far as it tells."""
    if not isinstance(dataset, tf.data.Dataset):
        return False
    names = [type(source).__name__ for source in _sources(dataset)]
    return not any(word in name for name in names for word in ("FlatMap", "Interleave", "Generator", "Shuffle"))


def shuffles(dataset):
    """Whether a dataset's batches are others at every reading."""
    return isinstance(dataset, tf.data.Dataset) and any("Shuffle" in type(x).__name__ for x in _sources(dataset))


def _sources(dataset):
    """A dataset and those that it is made of, the last first."""
    inputs = getattr(dataset, "_inputs", list)()
    return [dataset, *itertools.chain.from_iterable(map(_sources, inputs))]


def _batch_size(dataset):
    size = getattr(dataset, "_batch_size", None)
    value = None if size is None else tf.get_static_value(size)
    return None if value is None else int(value)
