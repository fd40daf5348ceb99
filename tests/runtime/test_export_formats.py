"""Files for ONNX Runtime and LiteRT; that they give every recipe's numbers: tests/apps/test_export_formats.py."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from keras_dl import runtime
from keras_dl.runtime import formats
from tests.models.builders import small_classifier, small_vae

pytestmark = pytest.mark.filterwarnings("ignore:No warm-up records")


def test_signatures_that_draw_noise_are_left_out():
    vae = small_vae()
    assert set(vae.signatures()) == {"reconstruct", "encode", "decode", "sample", "log_prob"}
    assert set(formats.signatures_without_noise(vae)) == {"reconstruct", "encode", "decode"}


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


def test_no_float64_is_left():
    @tf.function(input_signature=[tf.TensorSpec([None])])
    def in_float64(x):
        return tf.cast(tf.cast(x, tf.float64) + tf.constant([0.1], tf.float64), tf.float32)

    graph = in_float64.get_concrete_function().graph.as_graph_def()
    assert "DT_DOUBLE" in str(graph)
    assert "DT_DOUBLE" not in str(formats._in_float32(graph))
    values = [tf.make_ndarray(node.attr["value"].tensor) for node in graph.node if node.op == "Const"]
    assert np.float32(0.1) in values


def test_a_model_of_noise_alone_is_refused(tmp_path, monkeypatch):
    vae = small_vae()
    sample = vae.signatures()["sample"]
    monkeypatch.setattr(vae, "signatures", lambda: {"sample": sample})
    with pytest.raises(ValueError, match="(?s)without noise.*Received"):
        runtime.export(vae, tmp_path / "m", format="litert")
    assert not (tmp_path / "m").exists()
