"""Constant columns and images of few levels, of which flows have no density: in arrays, in streams, in files."""

import numpy as np
import pytest
import tensorflow as tf

from keras_dl import bijectors, data, models

ROWS = np.random.default_rng(0).standard_normal((24, 4)).astype("float32")
TABLE = ROWS.copy()
TABLE[:, 1] = TABLE[:, 3] = 0.5
EXPECTED = "x should have no constant column: .* add noise. Received: constant columns "


def flow(**options):
    model = models.RealNVP((4,), 1, (4,), seed=0, **options)
    model.compile("adam")
    return model


def stream(x, size=8):
    return tf.data.Dataset.from_tensor_slices(x).batch(size)


def csv(folder, x):
    path = folder / "table.csv"
    np.savetxt(path, x, delimiter=",", header="a,b,c,d", comments="")
    return data.open(path).x


def test_a_pipeline_of_arrays_is_refused():
    with pytest.raises(ValueError, match=EXPECTED + r"\[1, 3\]"):
        flow().fit(data.pipeline(TABLE, batch_size=8))
    with pytest.raises(ValueError, match=EXPECTED + r"\[1, 3\]"):
        flow(condition=2).fit(data.pipeline(TABLE, np.arange(24) % 2, batch_size=8))


STREAMS = {
    "dataset": lambda folder: stream(TABLE),
    "generator": lambda folder: ((TABLE[start : start + 8],) for start in (0, 8, 16)),
    "file": lambda folder: csv(folder, TABLE),
    "pipeline of a file": lambda folder: data.pipeline(csv(folder, TABLE), batch_size=8),
}


@pytest.mark.parametrize("held_out", [stream(ROWS), ROWS], ids=["stream", "array"])
@pytest.mark.parametrize("name", STREAMS)
def test_streams_are_warned_of_once(name, held_out, tmp_path):
    given, epochs = STREAMS[name](tmp_path), 1 if name == "generator" else 2
    with pytest.warns(UserWarning, match=EXPECTED + r"\[1, 3\]") as caught:
        flow().fit(given, epochs=epochs, validation_data=held_out, verbose=0)
    assert sum("constant" in str(warning.message) for warning in caught) == 1


LEVELS = np.random.default_rng(0).integers(0, 256, (100, 4, 4, 1)).astype("uint8")
IMAGES = {
    "dataset": lambda folder: stream(LEVELS / np.float32(255)),
    "numbers of a file": lambda folder: numbers(folder, LEVELS / np.float32(255)),
    "pixels of a file": lambda folder: numbers(folder, LEVELS),
}


def numbers(folder, x):
    np.save(folder / "images.npy", x)
    return data.open(folder / "images.npy").x


@pytest.mark.parametrize("name", IMAGES)
def test_images_of_few_levels_are_warned_of_once(name, tmp_path):
    images = models.NormalizingFlow(bijectors.Chain([bijectors.ActNorm()]), shape=(4, 4, 1))
    images.compile("adam", jit_compile=False)
    with pytest.warns(UserWarning, match=r"more values than pixels do: .*Received: 2\d\d values") as caught:
        images.fit(IMAGES[name](tmp_path), epochs=2, verbose=0)
    assert sum("than pixels" in str(warning.message) for warning in caught) == 1


def test_columns_that_vary_between_batches_are_not(tmp_path, recwarn):
    x = np.concatenate([TABLE[:16], ROWS[16:]])
    for given in (stream(x), csv(tmp_path, x)):
        flow().fit(given, batch_size=None if isinstance(given, tf.data.Dataset) else 8, verbose=0)
    model = flow()
    model.evaluate(stream(TABLE), verbose=0)
    model.log_prob(TABLE)
    assert not [warning for warning in recwarn if "constant" in str(warning.message)]
