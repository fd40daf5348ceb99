"""TFRecord files of `tf.train.Example`s. They are read through once, when they are opened; see `tables`."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.data.disk.column import DataError
from keras_dl.data.disk.unpacking import Labels, Unpacked, label_among

SUFFIXES = (".tfrecord", ".tfrecords")
_SAMPLES = ("image", "image/encoded", "image_raw", "x", "features")  # usual names of the samples
_LABELS = ("image/class/label",)  # a usual name beside those of columns
_SIZES = (("height", "width", "depth"), ("height", "width", "channels"))


def read(path, label=None):
    """Opens a TFRecord file, or a folder of such files, in the order of their names.

    An example holds its sample as the only feature beside its label, or as one of a usual name (image, image/encoded,
    image_raw, x, features): an encoded picture, numbers, or the bytes of a picture with its `height`, `width` and
    `depth`.

    Args:
        path: The file or folder.
        label: Name of the feature that is the label; `None` for one with a usual name, if there is one.

    Returns:
        `(x, y, classes)`; see `tables.read_csv`.

    Raises:
        ValueError: If a checksum is wrong, or examples differ in what they hold.
    """
    path = Path(path)
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    places = []
    unpacked = Unpacked(lambda row: _where(places, row))
    labels = Labels(unpacked.where)
    for file in files:
        places.append((unpacked.count, file))
        _append(file, label, unpacked, labels)
    if not unpacked.count:
        raise refusal(f"{path} should hold examples", "none")
    return unpacked.column(), *labels.arrays()


def _where(places, row):
    """A row's place in words: the file is the last that begins before it."""
    begin, file = [place for place in places if place[0] <= row][-1]
    return f"record {row - begin} of {file}"


def _append(file, label, unpacked, labels):
    """Adds the examples of one file."""
    try:
        for record in tf.data.TFRecordDataset([str(file)]).as_numpy_iterator():
            features = _features(record, unpacked)
            chosen = next((name for name in _LABELS if name in features), None) if label is None else label
            chosen = label_among(list(features), chosen, unpacked.where(unpacked.count))
            if chosen is not None:
                labels.extend([_label(features.pop(chosen), unpacked)])
            elif labels.values:
                raise refusal(
                    f"{unpacked.where(unpacked.count)} should have a label, as the first", "none", error=DataError
                )
            unpacked.extend(_sample(features, unpacked))
    except (tf.errors.DataLossError, tf.errors.NotFoundError) as error:
        text = f"{unpacked.where(unpacked.count)} should be a whole record, in a TFRecord file without compression"
        raise refusal(text, f"{error.message}", error=DataError) from error


def _features(record, unpacked):
    """The features of an example: a dict of arrays, and of lists of bytes, by name."""
    example = tf.train.Example()
    try:
        example.ParseFromString(record)
    except Exception as error:  # protobuf's own type of error moves between its versions
        raise refusal(
            f"{unpacked.where(unpacked.count)} should be a tf.train.Example", error, error=DataError
        ) from error
    features = {}
    for name, feature in example.features.feature.items():
        values = getattr(feature, feature.WhichOneof("kind") or "bytes_list").value
        is_bytes = feature.WhichOneof("kind") == "bytes_list"
        features[name] = list(values) if is_bytes else np.array(values, "float32")
    return dict(sorted(features.items()))


def _label(value, unpacked):
    if len(value) != 1:
        text = f"The label in {unpacked.where(unpacked.count)} should be one number or text"
        raise refusal(text, f"{len(value)} values", error=DataError)
    return value[0].decode() if isinstance(value[0], bytes) else float(value[0])


def _sample(features, unpacked):
    """The sample of an example: an array with one row, or a list with one encoded picture."""
    shape = next((names for names in _SIZES if all(name in features for name in names)), ())
    shape = tuple(int(features.pop(name)[0]) for name in shape)
    names = [name for name in _SAMPLES if name in features] or list(features)
    if len(names) != 1:
        text = f"{unpacked.where(unpacked.count)} should hold one feature beside its label, or one called image or x"
        raise refusal(text, f"{', '.join(features) or 'none'}", error=DataError)
    value = features[names[0]]
    if isinstance(value, np.ndarray):
        return value[None]
    if len(value) != 1:
        text = f"{names[0]} in {unpacked.where(unpacked.count)} should be one picture"
        raise refusal(text, f"{len(value)}", error=DataError)
    if shape and len(value[0]) == np.prod(shape):
        return np.frombuffer(value[0], "uint8").reshape(1, *shape)
    return value
