"""Recipes of diffusion and continuous flows, exported: the model's numbers, within the tolerance of solvers."""

import numpy as np
import pytest
import tensorflow as tf

import keras_dl
from tests.apps.untrained import SMALL, untrained
from tests.runtime.saved_models import python_operations

VALUES = {**SMALL, "width": 8, "num_blocks": 1, "sampling_steps": 3}
#: Absolute and relative tolerance of what an adaptive solver computes, whose steps follow the rounding of a program.
SOLVED = {"latents": 1e-3, "log_prob": 1e-2}


@pytest.mark.full
@pytest.mark.parametrize("recipe", ["cnf", "score2d"])
def test_exported_functions_give_the_models_numbers(recipe, tmp_path):
    model = untrained(recipe, VALUES)
    folder = keras_dl.runtime.export(model, tmp_path / recipe)
    assert python_operations(folder) == []
    served = tf.saved_model.load(folder).signatures
    assert set(served) == {"serving_default", *model.signatures()}
    rng = np.random.default_rng(0)
    for rows in (1, 3):
        x = rng.random((rows, *model.data_shape), dtype="float32")
        inputs = {"x": x, "latents": x, "time": np.full(rows, 0.4, "float32")}
        inputs |= {"num_samples": np.int32(rows), "steps": np.int32(3), "seed": np.int64(5)}
        if model.condition_classes():
            inputs["condition"] = np.arange(rows, dtype="int32")
        for name, signature in model.signatures().items():
            tensors = {key: tf.constant(inputs[key]) for key in signature.inputs}
            expected = tf.function(signature.function, autograph=False)(*tensors.values())
            for output, value in served[name](**tensors).items():
                assert len(value) == rows
                tolerance = SOLVED.get(output, 1e-4)
                np.testing.assert_allclose(value, expected[output], atol=tolerance, rtol=tolerance, err_msg=name)


@pytest.mark.full
@pytest.mark.parametrize("recipe", ["cddpm", "score2d", "edm"])
def test_denoisers_are_files_for_onnx(recipe, tmp_path):
    pytest.importorskip("tf2onnx")
    runtime = pytest.importorskip("onnxruntime")
    model = untrained(recipe, VALUES)
    model.export(tmp_path / "model.onnx", format="onnx")
    session = runtime.InferenceSession(str(tmp_path / "model.onnx"))
    x, time = np.random.default_rng(0).random((3, *model.data_shape), dtype="float32"), np.full(3, 0.4, "float32")
    labels = np.array([0, 1, 2], "int32") if model.condition_classes() else None
    inputs = {"x": x, "time": time} | ({} if labels is None else {"condition": labels})
    (denoised,) = session.run(None, inputs)
    np.testing.assert_allclose(denoised, model.denoise(x, 0.4, labels), atol=1e-4)
