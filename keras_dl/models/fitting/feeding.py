"""What `fit` reads: arrays through the pipeline, a `PyDataset` in an order of its own, the user's own datasets."""

import math

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import check_count, refusal
from keras_dl.data.disk import rows_of
from keras_dl.data.pipeline import pipeline
from keras_dl.models.fitting import class_weights
from keras_dl.models.fitting.checking import check, check_rows, is_arrays, reads_disk
from keras_dl.models.fitting.datasets import ShuffledBatches
from keras_dl.models.fitting.stream import Stream
from keras_dl.untuned import untuned


def data_of(model, x, y, shuffle, options):
    """What Keras' loop reads, and the options that are left, held-out data as it reads them among these."""
    model.stream, weights = None, options.get("class_weight")
    if not isinstance(x, tf.data.Dataset) and is_arrays(x):
        x, options = through_pipeline(model, x, y, shuffle, options)
        return x, None, options | {"validation_data": held_out_data(model, options)}
    options = options | {"validation_data": held_out_data(model, options)}
    if isinstance(x, keras.utils.PyDataset) and weights is not None:
        class_weights.check_batches(model, x)
    if isinstance(x, keras.utils.PyDataset) and shuffle and x.num_batches:
        x = ShuffledBatches(x, model.seed)
    if isinstance(x, tf.data.Dataset) and getattr(getattr(x, "order", None), "data", None) is not None:
        x.order.check(model)
    else:
        model.stream = Stream(model)
        if not hasattr(x, "order"):  # a pipeline is untuned as it is made
            x = untuned(x)
    if isinstance(x, tf.data.Dataset) and weights is not None:
        x, options["class_weight"] = class_weights.of_dataset(model, weights, x), None
    return x, y, options


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


def held_out_data(model, options):
    """The held-out data as `fit` reads them, checked where they are arrays; `None` without any."""
    data = options.get("validation_data")
    if data is None or hasattr(data, "order"):
        return data
    if isinstance(data, tf.data.Dataset):
        return untuned(data)
    data = held_out(data, options.get("validation_batch_size"))
    if isinstance(data, (tuple, list)):
        if not 1 <= len(data) <= 3:
            expected = "`validation_data` should be data, (x, y) or (x, y, sample_weight)"
            raise refusal(expected, f"{len(data)} parts")
        check(model, *data)
    elif is_arrays(data):
        check(model, data)
    return data
