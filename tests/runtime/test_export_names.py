"""Names that a SavedModel cannot hold, and processes in which exported functions have to run."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import models, runtime
from keras_dl.models.formats.signature import served_names
from tests.models.builders import small_vae
from tests.runtime.saved_models import has_serving_api, run_warmup_requests

NAMES = {"a b": "a_b", "größe": "gr__e", "1st": "input_1st", "self": "input_self", "x-y": "x_y", "": "input_"}


def two_inputs(name, as_dict=True):
    ok, other = keras.Input((3,)), keras.Input((2,), name=name if not as_dict and name else None)
    y = keras.layers.Dense(2)(keras.layers.Concatenate()([ok, other]))
    return models.Supervised(keras.Model({"ok": ok, name: other} if as_dict else [ok, other], y))


@pytest.mark.filterwarnings("ignore:No warm-up records")
@pytest.mark.parametrize("name", [*NAMES, "a/b"])
def test_names_of_inputs(name, tmp_path):
    model = two_inputs(name)
    with pytest.warns(UserWarning, match=f"{name!r} is '{NAMES.get(name, 'a_b')}'"):
        folder = runtime.export(model, tmp_path / "m")
    predict = tf.saved_model.load(folder).signatures["predict"]
    x, other = np.ones((4, 3), "float32"), np.full((4, 2), 2.0, "float32")
    found = predict(**{"ok": tf.constant(x), NAMES.get(name, "a_b"): tf.constant(other)})["predictions"]
    np.testing.assert_allclose(found, model.network({"ok": x, name: other}), rtol=1e-5)
    if has_serving_api():
        assert len(run_warmup_requests(folder)) == 4  # two of each name of the signature, and all of them run


@pytest.mark.filterwarnings("ignore:No warm-up records")
def test_names_of_layers_of_inputs(tmp_path):
    with pytest.warns(UserWarning, match="'a b' is 'a_b'"):
        folder = runtime.export(two_inputs("a b", as_dict=False), tmp_path / "m")
    assert "a_b" in tf.saved_model.load(folder).signatures["predict"].structured_input_signature[1]


def test_names_stay_apart():
    with pytest.warns(UserWarning):
        assert served_names(["a_b", "a b", "a-b", "x"]) == ["a_b", "a_b_", "a_b__", "x"]


@pytest.mark.filterwarnings("ignore:No warm-up records")
def test_outputs_of_any_structure(tmp_path):
    x = keras.Input((3,))
    parts = [keras.layers.Dense(size)(x) for size in (1, 2, 3)]
    for index, (outputs, names) in enumerate(
        [
            (parts, ["predictions_0", "predictions_1", "predictions_2"]),
            ({"größe": parts[0], "a b": parts[1]}, ["a b", "größe"]),
            ({"pair": parts[:2], "one": parts[2]}, ["one", "pair_0", "pair_1"]),
            ({"a": parts[:2], "a_0": parts[2]}, ["a_0", "a_0_", "a_1"]),
        ]
    ):
        model = models.Supervised(keras.Model(x, outputs))
        predict = tf.saved_model.load(runtime.export(model, tmp_path / str(index))).signatures["predict"]
        found, expected = predict(x=tf.ones((2, 3))), model.network(np.ones((2, 3), "float32"))
        assert sorted(found) == names
        sizes = sorted(value.shape[1] for value in found.values())
        assert sizes == sorted(value.shape[1] for value in tf.nest.flatten(expected))


DETERMINISTIC = """
import sys
import tensorflow as tf
tf.config.experimental.enable_op_determinism()
tf.random.set_seed(1)
sample = tf.saved_model.load(sys.argv[1]).signatures["sample"]
draw = lambda seed: sample(num_samples=tf.constant(3), seed=tf.constant(seed, tf.int64))["x"].numpy()
assert (draw(5) == draw(5)).all() and (draw(-1) != draw(-1)).any()
"""


@pytest.mark.filterwarnings("ignore:No warm-up records")
@pytest.mark.full
def test_fresh_noise_where_operations_are_deterministic(tmp_path):
    folder = runtime.export(small_vae(), tmp_path / "m")
    done = subprocess.run([sys.executable, "-c", DETERMINISTIC, folder], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
