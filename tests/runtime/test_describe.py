"""What a program computes with, and oneDNN's kernels, on and off."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from keras_dl import onednn, runtime
from keras_dl.runtime.describe import differences

AVX2 = frozenset(("sse4_2", "avx", "avx2", "fma"))
VNNI = AVX2 | {"avx512f", "avx512_vnni"}
STEP = """
import json, os
import keras, numpy as np
import keras_dl
keras.utils.set_random_seed(0)
x = np.random.default_rng(0).random((8, 12, 12, 2), dtype="float32")
layers = [keras.layers.Conv2D(8, 3, activation="relu", name="conv"), keras.layers.Conv2D(4, 3, strides=2, name="next")]
layers = [keras.Input(x.shape[1:]), *layers, keras.layers.Flatten(), keras.layers.Dense(16, "relu", name="dense")]
model = keras_dl.models.Supervised(keras.Sequential([*layers, keras.layers.Dense(1, name="last")]), seed=0)
model.compile(keras.optimizers.SGD(0.1), loss="mean_squared_error")
model.fit(x, x.mean((1, 2, 3))[:, None], batch_size=8, epochs=2, verbose=0)
print(json.dumps([keras_dl.runtime.describe()["onednn"], [w.tolist() for w in model.get_weights()]]))
"""


@pytest.mark.parametrize(
    ("names", "environ", "modules", "after"),
    [
        (AVX2, {}, {}, "1"),
        (VNNI, {}, {}, None),  # TensorFlow does by itself
        (frozenset(), {}, {}, None),  # ARM, macOS, or unknown
        (AVX2 - {"avx2"}, {}, {}, None),
        (AVX2, {onednn.VARIABLE: "0"}, {"tensorflow"}, "0"),
        (AVX2 | {"avx512f"}, {}, {}, "1"),  # AVX-512 without instructions for neural networks
    ],
)
def test_onednn_is_switched_on_where_tensorflow_leaves_it_off(names, environ, modules, after, caplog):
    onednn.choose(environ, modules, names)
    assert environ.get(onednn.VARIABLE) == after and not caplog.records


def test_what_is_lost_where_tensorflow_came_first_is_said_once(caplog):
    environ = {}
    onednn.choose(environ, {"tensorflow"}, AVX2)
    assert environ == {} and len(caplog.records) == 1
    assert "Import keras_dl first, or set TF_ENABLE_ONEDNN_OPTS=1" in caplog.text


def test_instructions_are_read(tmp_path, monkeypatch):
    path = tmp_path / "cpuinfo"
    path.write_text("processor\t: 0\nflags\t\t: fpu avx avx2\n\nprocessor\t: 1\nflags\t\t: fpu\n")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert onednn.instructions(path) == {"fpu", "avx", "avx2"} and onednn.instructions(tmp_path / "none") == frozenset()
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert onednn.instructions(path) == frozenset()


def test_describe():
    found = runtime.describe()
    assert json.loads(json.dumps(found)) == found
    assert {"keras", "keras_dl", "tensorflow"} <= set(found["versions"]) and found["processor"]["count"] >= 1
    assert any("CPU" in device for device in found["devices"]) and isinstance(found["onednn"], bool)
    assert differences(found) == [] and differences({}) == []
    before = {"onednn": not found["onednn"], "versions": {"keras": "3.14.0"}}
    assert differences(before) == [
        f"onednn was {not found['onednn']}, is {found['onednn']}",
        f"keras was 3.14.0, is {found['versions']['keras']}",
    ]


@pytest.mark.slow
@pytest.mark.full
def test_the_numbers_with_and_without_onednn():
    def step(value):
        environ = {**os.environ, onednn.VARIABLE: value}
        run = subprocess.run([sys.executable, "-c", STEP], capture_output=True, text=True, check=True, env=environ)
        return json.loads(run.stdout.splitlines()[-1])

    (off, plain), (on, fast) = step("0"), step("1")
    if (off, on) == (False, False):
        pytest.skip("this TensorFlow has no oneDNN")
    assert (off, on) == (False, True)
    for a, b in zip(plain, fast, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-6 * np.abs(a).max())
