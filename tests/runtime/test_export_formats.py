"""Files for ONNX Runtime and LiteRT; that they give every recipe's numbers: tests/apps/test_export_formats.py."""

import os
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import models, runtime
from keras_dl.models import formats
from tests.models.builders import images, small_classifier, small_vae

pytestmark = pytest.mark.filterwarnings("ignore:No warm-up records")


def test_signatures_that_draw_noise_are_left_out():
    vae = small_vae()
    assert set(vae.signatures()) == {"reconstruct", "encode", "decode", "sample", "log_prob"}
    assert set(formats.signatures_without_noise(vae.signatures())) == {"reconstruct", "encode", "decode"}


def test_litert_is_written_without_any_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    folder = runtime.export(small_classifier(), tmp_path / "m", version=2, format="litert")
    assert folder == str(tmp_path / "m" / "2") and os.listdir(folder) == ["model.tflite"]
    assert (Path(folder) / "model.tflite").read_bytes()[4:8] == b"TFL3"


def test_a_missing_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(ImportError, match=r"(?s)tf2onnx.*keras_dl\[onnx\].*Received"):
        runtime.export(small_classifier(), tmp_path / "m", format="onnx")
    assert not (tmp_path / "m" / "1").exists()


@pytest.mark.parametrize("format", ["tf_saved_model", "h5", None, 3])
def test_unknown_formats(tmp_path, format):
    with pytest.raises(ValueError, match="(?s)format should be one of.*Received"):
        runtime.export(small_classifier(), tmp_path / "m", format=format)
    assert not (tmp_path / "m").exists()


def test_servers_find_saved_models_only(tmp_path):
    """A server that polls a folder tries to load every version in it."""
    model = small_classifier()
    runtime.export(model, tmp_path / "served")
    with pytest.raises(ValueError, match="(?s)versions of one kind.*Received.*version 1 is a SavedModel"):
        runtime.export(model, tmp_path / "served", version=2, format="litert")
    runtime.export(model, tmp_path / "files", format="litert")
    with pytest.raises(ValueError, match="(?s)versions of one kind.*Received.*not a SavedModel"):
        runtime.export(model, tmp_path / "files", version=2)


@pytest.mark.parametrize(("dtype", "name"), [(tf.float64, "DOUBLE"), (tf.float16, "HALF"), (tf.bfloat16, "BFLOAT16")])
def test_no_other_float_is_left(dtype, name):
    @tf.function(input_signature=[tf.TensorSpec([None])])
    def in_another(x):
        return tf.cast(tf.cast(x, dtype) + tf.constant([0.1], dtype), tf.float32)

    graph = in_another.get_concrete_function().graph.as_graph_def()
    assert f"DT_{name}" in str(graph)
    assert f"DT_{name}" not in str(formats.portable._in_float32(graph))
    values = [tf.make_ndarray(node.attr["value"].tensor) for node in graph.node if node.op == "Const"]
    assert np.float32(tf.constant(0.1, dtype)) in values


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float64"])
def test_litert_computes_in_float32(policy, tmp_path):
    plain, mixed = convolutional("float32"), convolutional(policy)
    mixed.set_weights(plain.get_weights())
    folder = runtime.export(models.Supervised(mixed), tmp_path, format="litert")
    run = tf.lite.Interpreter(f"{folder}/model.tflite").get_signature_runner("predict")
    x = images(3)
    dtype = run.get_input_details()["x"]["dtype"]
    np.testing.assert_allclose(run(x=x.astype(dtype))["predictions"], plain(x), rtol=1e-5, atol=1e-5)


def convolutional(policy):
    keras.config.set_dtype_policy(policy)
    layers = [keras.layers.Conv2D(4, 3, activation="relu"), keras.layers.Flatten(), keras.layers.Dense(3)]
    return keras.Sequential([keras.Input((4, 4, 1)), *layers])


def test_a_model_of_noise_alone_is_refused(tmp_path, monkeypatch):
    vae = small_vae()
    sample = vae.signatures()["sample"]
    monkeypatch.setattr(vae, "signatures", lambda: {"sample": sample})
    with pytest.raises(ValueError, match="(?s)without noise.*Received"):
        runtime.export(vae, tmp_path / "m", format="litert")
    assert not (tmp_path / "m").exists()
