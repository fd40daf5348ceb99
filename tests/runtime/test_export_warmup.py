"""Warm-up requests: read back as a server reads them, and run."""

import os
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from keras_dl import runtime
from keras_dl.runtime import warmup
from tests.models.builders import images, small_classifier, small_vae
from tests.runtime.saved_models import has_serving_api, run_warmup_requests

needs_serving_api = pytest.mark.skipif(not has_serving_api(), reason="needs the extra serve: tensorflow-serving-api")


@needs_serving_api
def test_every_request_runs(tmp_path):
    vae = small_vae(num_classes=3)
    folder = runtime.export(vae, tmp_path / "faces", version=4)
    found = run_warmup_requests(folder)
    signatures = ("serving_default", *vae.signatures())
    assert [(request.model_spec.name, request.model_spec.signature_name) for request, _ in found] == [
        ("faces", name) for name in signatures for _ in warmup.ROWS
    ]
    rows = [{len(output) for output in outputs.values()} for _, outputs in found]
    assert rows == [{1}, {32}] * len(signatures)
    assert all(np.isfinite(output).all() for _, outputs in found for output in outputs.values())


@needs_serving_api
def test_the_same_model_gives_the_same_records(tmp_path):
    folders = [Path(runtime.export(small_vae(), tmp_path / name / "m")) for name in "ab"]
    contents = [(folder / warmup.FILE).read_bytes() for folder in folders]
    assert contents[0] == contents[1]


def test_examples_are_valid():
    signatures = small_vae(num_classes=3).signatures()
    reconstruct = warmup.example_inputs(signatures["reconstruct"], rows=200, classes=3)
    assert reconstruct["x"].dtype == np.float32 and reconstruct["x"].shape == (200, 4, 4, 1)
    assert 0.0 <= reconstruct["x"].min() < 0.01 and 0.99 < reconstruct["x"].max() <= 1.0
    assert reconstruct["condition"].dtype == np.int32 and set(reconstruct["condition"]) == {0, 1, 2}
    sample = warmup.example_inputs(signatures["sample"], rows=5, classes=3)
    assert sample["num_samples"] == 5 and sample["num_samples"].shape == () and sample["seed"] == 0
    assert sample["condition"].shape == (5,)
    latents = warmup.example_inputs(signatures["decode"], rows=500, classes=3)["latents"]
    assert latents.min() < -2 and latents.max() > 2


def test_examples_of_attributes():
    class Attributes:
        inputs = {"condition": tf.TensorSpec([None, 2], tf.float32)}

    found = warmup.example_inputs(Attributes, rows=100, classes=(4, None))["condition"]
    assert set(found[:, 0]) == {0, 1, 2, 3} and len(set(found[:, 1])) == 100


def test_without_the_extra_a_warning_says_so(tmp_path, monkeypatch):
    def missing(*_):
        raise ImportError("No module named 'tensorflow_serving'")

    monkeypatch.setattr(warmup, "write_requests", missing)
    model, x = small_classifier(), images(2)
    with pytest.warns(UserWarning, match=r"(?s)No warm-up records.*keras_dl\[serve\]"):
        folder = runtime.export(model, tmp_path / "m")
    assert not os.path.exists(os.path.join(folder, warmup.FILE))
    found = tf.saved_model.load(folder).signatures["predict"](x=tf.constant(x))["predictions"]
    np.testing.assert_allclose(found, model.predict(x, verbose=0), atol=1e-5)
