"""What a file may round otherwise: beside inputs the constants of a graph, where large ones nearly cancel."""

import os

import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_wine

from keras_dl import models, runtime
from keras_dl.models.formats import comparison, portable


def test_components_of_columns_far_from_zero_are_exported(tmp_path):
    """Of zeros, hundreds of deviations from the mean, a reconstruction is what rounding leaves of 750 - 750."""
    pytest.importorskip("onnxruntime")
    x = load_wine().data.astype("float32")
    model = models.PPCA((13,), 10, seed=0)
    model.fit(x, verbose=0)
    folder = runtime.export(model, tmp_path / "m", format="onnx")
    assert {"predict.onnx", "log_prob.onnx"} <= set(os.listdir(folder))


def test_constants_move_by_their_rounding_and_outputs_no_farther():
    spec, large = tf.TensorSpec([None, 8], name="x"), np.full(8, 1000.0, "float32")
    signature = models.base.Signature(lambda x: {"y": (x - large) + (large - 1.0)}, {"x": spec})
    graph = portable.portable_functions({"f": signature}, None, "onnx")["f"]
    for wrong, fits in ((1e-3, True), (1e-2, False)):
        run = lambda inputs, wrong=wrong: {"y": np.float32((inputs["x"] - large) + (large - 1.0) + wrong)}  # noqa: E731
        if fits:
            comparison.check("f", graph, run, models.KMeans((8,), 1))
        else:
            with pytest.raises(ValueError, match="f on .* should give"):
                comparison.check("f", graph, run, models.KMeans((8,), 1))
