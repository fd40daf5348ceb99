"""Batches of datasets and generators are checked as they come, later ones too; the message says which one it was."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_dl
from keras_dl.models.fitting.stream import Stream
from tests.models.base.test_like_keras import CROSS_ENTROPY, LABELS, X, dense, pair
from tests.models.builders import SHAPE, images, small_vae

GOOD = images(24)
LATER = 2  # the third batch of six


def with_wrong(change):
    """Images of which one, of the third batch of four, is changed."""
    x = GOOD.copy()
    x[4 * LATER + 1] = change(x[4 * LATER + 1])
    return x


def kinds(*arrays):
    """A dataset and a generator of batches of four."""
    batches = [tuple(a[i : i + 4] for a in arrays) for i in range(0, len(arrays[0]), 4)]
    yield tf.data.Dataset.from_tensor_slices(arrays if len(arrays) > 1 else arrays[0]).batch(4)
    yield (batch for batch in batches)


WRONG = [
    (with_wrong(lambda x: 255 * x), r"should lie in \[0.0, 1.0\].*\(batch 3\)"),
    (with_wrong(lambda x: x - 2), r"should lie in \[0.0, 1.0\].*\(batch 3\)"),
    (with_wrong(lambda x: x * np.nan), r"x should be finite.*\(batch 3\)"),
    (with_wrong(lambda x: x + np.inf), r"x should be finite.*\(batch 3\)"),
]


@pytest.mark.parametrize(("x", "message"), WRONG)
@pytest.mark.parametrize("method", ["fit", "evaluate"])
def test_later_batches(method, x, message):
    for data in kinds(x):
        model = small_vae()
        model.compile(run_eagerly=True, steps_per_execution=1)
        with pytest.raises(ValueError, match=message):
            getattr(model, method)(data, verbose=0)
        assert int(model.state.step) == (LATER if method == "fit" else 0)  # the batches before it


@pytest.mark.parametrize("method", ["fit", "evaluate"])
def test_later_batches_that_replicas_share(method):
    with tf.distribute.OneDeviceStrategy("CPU:0").scope():
        model = small_vae()
        model.compile(jit_compile=False)
    for x, message in WRONG[::2]:
        step = int(model.state.step)
        with pytest.raises(ValueError, match=message):
            getattr(model, method)(next(kinds(x)), verbose=0)
        assert int(model.state.step) - step == (LATER if method == "fit" else 0)


def test_integers_of_later_batches():
    """Black images first: 0 to 255 shows in the second."""
    x = np.zeros((8, *SHAPE), "uint8")
    x[5] = 200
    model = small_vae()
    model.compile(run_eagerly=True)
    with pytest.raises(ValueError, match=r"divide pixels of 0 to 255 by 255.*\(batch 2\)"):
        model.evaluate(tf.data.Dataset.from_tensor_slices(x).batch(4), verbose=0)


@pytest.mark.parametrize("label", [3, -1])
def test_labels_of_later_batches(label):
    labels = LABELS.copy()
    labels[9] = label
    for data in kinds(X, labels):
        _, model = pair(dense, loss=CROSS_ENTROPY)
        with pytest.raises(ValueError, match=r"y should be integer labels from 0 to 2. .*\(batch 3\)"):
            model.fit(data, verbose=0)
        assert int(model.state.step) == 2


@pytest.mark.parametrize("label", [3.0, 0.5])
def test_conditions_of_later_batches(label):
    condition = np.zeros(24, "float32")
    condition[:4], condition[9] = [0, 1, 2, 0], label
    model = small_vae(num_classes=3)
    model.compile(run_eagerly=True)
    with pytest.raises(ValueError, match=r"condition should be integer labels from 0 to 2. .*\(batch 3\)"):
        model.evaluate(tf.data.Dataset.from_tensor_slices((GOOD, condition)).batch(4), verbose=0)


def test_a_generator_of_a_gan():
    generator = keras_dl.networks.mlp_generator(2, SHAPE, hidden=(4,))
    model = keras_dl.models.GAN(generator, keras_dl.networks.mlp_critic(SHAPE, hidden=(4,)))
    model.compile(run_eagerly=True)
    low, high = model.data_range
    x = GOOD * (high - low) + low
    x[9] += 5
    with pytest.raises(ValueError, match=r"x should lie in .*\(batch 3\)"):
        model.fit(tf.data.Dataset.from_tensor_slices(x).batch(4), verbose=0)


def test_the_number_of_a_batch_is_that_in_its_epoch():
    epochs = iter([GOOD, with_wrong(lambda x: x + 1)])
    data = tf.data.Dataset.range(1).flat_map(
        lambda _: tf.data.Dataset.from_tensor_slices(tf.numpy_function(lambda: next(epochs), [], tf.float32))
    )
    data = data.map(lambda x: tf.ensure_shape(x, SHAPE)).batch(4)
    model = small_vae()
    model.compile(run_eagerly=True, steps_per_execution=1)
    with pytest.raises(ValueError, match=r"\(batch 3\)"):
        model.fit(data, epochs=2, verbose=0)
    assert int(model.state.step) == 6 + LATER


class Counting:
    """A model that counts its checks."""

    takes_missing = has_conditions = checks_values = False

    def __init__(self):
        self.checks = 0

    def check_data(self, data):
        self.checks += 1


def test_only_what_goes_beyond_the_batches_before_is_checked_in_full():
    model = Counting()
    stream = Stream(model)
    for batch, checks in (
        (np.array([0.0, 1.0]), 1),
        (np.array([0.2, 0.9, 0.5]), 1),
        (np.array([0.2, 1.1]), 2),
        (np.array([0.0, 1.1]), 2),
        (np.array([-0.1, 1.0]), 3),
        (np.array([[0.5]]), 4),  # of another shape
        (np.array([0.5], "float32"), 5),
    ):
        stream.check([tf.constant(batch)])
        assert model.checks == checks
    model.checks_values = True
    stream.check([tf.constant([0.5], tf.float64)])
    assert model.checks == 6


def test_nothing_of_a_stream_binds_a_later_call():
    model = small_vae()
    model.compile(run_eagerly=True)
    model.fit(tf.data.Dataset.from_tensor_slices(GOOD).batch(8), verbose=0)
    assert model.stream is None
    assert keras.ops.isfinite(model.fit(GOOD, verbose=0).history["loss"][0])


@pytest.fixture
def tuned(monkeypatch):
    """What each dataset that is read says of its tuning."""
    read, iterate = [], tf.data.Dataset.__iter__

    def noted(dataset):
        read.append(dataset.options().autotune.enabled)
        return iterate(dataset)

    monkeypatch.setattr(tf.data.Dataset, "__iter__", noted)
    return read


@pytest.mark.parametrize(("chosen", "expected"), [(False, {False}), (True, {True})])
def test_no_thread_tunes_a_dataset_unless_its_owner_asks(tuned, chosen, expected):
    """An iterator that is dropped before its data end may wait for that thread, for up to a minute."""
    options = tf.data.Options()
    if chosen:
        options.autotune.enabled = True
    data = tf.data.Dataset.from_tensors(GOOD[:4]).repeat().with_options(options)
    model = small_vae()
    model.compile(run_eagerly=True, steps_per_execution=1)
    model.fit(data, steps_per_epoch=2, validation_data=data, validation_steps=1, verbose=0)
    model.evaluate(data, steps=1, verbose=0)
    model.predict(data, steps=1, verbose=0)
    assert len(tuned) >= 4
    assert set(tuned) == expected


@pytest.mark.parametrize("batch_size", [None, 4, 7])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "uint8"])
def test_arrays_are_predicted_in_order_and_untuned(tuned, dtype, batch_size):
    inputs = {name: keras.Input((3,), name=name) for name in "ab"}
    model = keras_dl.models.Supervised(keras.Model(inputs, inputs["a"] - 2.0 * inputs["b"]))
    x = {name: np.random.default_rng(0).integers(0, 9, (10, 3)).astype(dtype) for name in inputs}
    expected = x["a"].astype("float32") - 2.0 * x["b"].astype("float32")
    for data in (x, tf.nest.map_structure(tf.constant, x)):
        np.testing.assert_array_equal(model.predict(data, batch_size, verbose=0), expected)
    assert set(tuned) == {False}
    np.testing.assert_array_equal(model.predict(x, 4, steps=2, verbose=0), expected[:8])
