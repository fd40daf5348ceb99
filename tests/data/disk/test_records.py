"""TFRecord files: examples of numbers, of pictures, of raw bytes; and damage."""

import numpy as np
import pytest
import tensorflow as tf

from keras_dl.data import DataError
from keras_dl.data import open as open_data

GREYS = np.random.default_rng(0).integers(0, 256, (5, 4, 3, 1), "uint8")


def feature(value):
    if isinstance(value, bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
    if isinstance(value, int):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
    return tf.train.Feature(float_list=tf.train.FloatList(value=value))


def write(path, examples):
    with tf.io.TFRecordWriter(str(path)) as writer:
        for example in examples:
            features = tf.train.Features(feature={name: feature(value) for name, value in example.items()})
            writer.write(tf.train.Example(features=features).SerializeToString())
    return path


def encoded(grey):
    return tf.io.encode_png(grey).numpy()


def test_examples_of_numbers_with_labels(tmp_path):
    data = open_data(write(tmp_path / "t.tfrecord", [{"x": [1.0, 2.0], "label": 1}, {"x": [3.0, 4.0], "label": 0}]))
    assert data.x[:].tolist() == [[1, 2], [3, 4]] and data.y.tolist() == [1, 0]


@pytest.mark.parametrize("kind", ["encoded", "raw"])
def test_examples_of_pictures_in_a_folder_of_files(kind, tmp_path):
    sizes = {"height": 4, "width": 3, "depth": 1} if kind == "raw" else {"height": 4, "width": 3, "channels": 1}
    content = encoded if kind == "encoded" else lambda grey: grey.tobytes()
    examples = [{"image": content(grey), "label": number % 2, **sizes} for number, grey in enumerate(GREYS)]
    write(tmp_path / "b.tfrecord", examples[3:])
    write(tmp_path / "a.tfrecord", examples[:3])
    data = open_data(tmp_path)
    np.testing.assert_array_equal(data.x[:], GREYS.astype("float32") / 255)
    assert data.y.tolist() == [0, 1, 0, 1, 0]
    assert data.x.where(3) == f"record 0 of {tmp_path / 'b.tfrecord'}"


def test_names_of_the_usual_sets_of_pictures(tmp_path):
    examples = [{"image/encoded": encoded(GREYS[0]), "image/class/label": 3, "image/format": b"PNG"}]
    data = open_data(write(tmp_path / "t.tfrecord", examples))
    assert data.x.shape == (1, 4, 3, 1) and data.y.tolist() == [3]


def test_damage_is_named_by_record(tmp_path):
    path = write(tmp_path / "t.tfrecord", [{"x": [1.0, 2.0]}, {"x": [3.0, 4.0]}])
    whole = path.read_bytes()
    for content in (whole[:-3], whole[:-8] + bytes([whole[-8] ^ 1]) + whole[-7:]):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"record 1 of .*t\.tfrecord should be a whole record"):
            open_data(path)


@pytest.mark.parametrize(
    ("examples", "message"),
    [
        ([{"x": [1.0]}, {"x": [1.0, 2.0]}], "record 1 .*shape .1,. .*as the first. Received: shape .2,."),
        ([{"x": [1.0]}, {"x": [float("nan")]}], "record 1 .*should be finite"),
        ([{"x": [1.0], "label": 1}, {"x": [1.0], "label": -2}], "label in record 1 .*count from 0. Received: -2"),
        ([{"x": [1.0], "label": 1}, {"x": [1.0]}], "as many rows|should have a label"),
        ([{"a": [1.0], "b": [1.0]}], "should hold one feature beside its label"),
        ([{"image": b"no picture"}], "record 0 .*should be one picture"),
        ([], "should hold examples"),
    ],
)
def test_bad_examples_are_refused_by_record(examples, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        open_data(write(tmp_path / "t.tfrecord", examples))
