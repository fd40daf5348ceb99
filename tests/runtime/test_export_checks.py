"""What exported functions refuse, in the graph: in Python and through the C API."""

import re
import subprocess

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import models, networks, runtime
from tests.models import gan_builders
from tests.models.builders import SHAPE, images, small_classifier, small_vae
from tests.runtime.saved_models import build_c_client, c_compiler, run_in_c

LABELS = np.array([2, 0], np.int32)


def with_value(value, rows=2):
    x = images(rows)
    x[-1, 0, 1, 0] = value
    return x


REFUSED = {
    "nan": ({"x": with_value(np.nan), "condition": LABELS}, "x should be finite. Received"),
    "infinite": ({"x": with_value(-np.inf), "condition": LABELS}, "x should be finite. Received"),
    "flat": (
        {"x": images(2).reshape(2, 16), "condition": LABELS},
        "x should have shape (batch, 4, 4, 1). Received: shape] [2 16]",
    ),
    "another_height": (  # would be flattened to twice as many rows
        {"x": images(2, (8, 4, 1)), "condition": LABELS},
        "x should have shape (batch, 4, 4, 1). Received: shape] [2 8 4 1]",
    ),
    "one_axis_more": (
        {"x": images(2)[None], "condition": LABELS},
        "x should have shape (batch, 4, 4, 1). Received: shape] [1 2 4 4 1]",
    ),
    "scalar_label": (
        {"x": images(2), "condition": np.int32(1)},
        "condition should have shape (batch). Received: shape] []",
    ),
    "label_too_large": (
        {"x": images(2), "condition": LABELS + 1},
        "condition should be integer labels from 0 to 2. Received:] [3 1]",
    ),
    "negative_label": (
        {"x": images(2), "condition": LABELS - 1},
        "condition should be integer labels from 0 to 2. Received:] [1 -1]",
    ),
    "fewer_labels": (
        {"x": images(2), "condition": LABELS[:1]},
        "condition should have as many rows as x. Received: rows] [1] [2]",
    ),
}


@pytest.fixture(scope="module")
def conditional_folder(tmp_path_factory):
    return runtime.export(small_vae(num_classes=3), tmp_path_factory.mktemp("cvae"))


def call(function, inputs):
    """Calls a signature as a server does: nothing looks at the shapes before the graph runs."""
    graph = function.structured_input_signature[1]
    return function(**{name: tf.constant(value, graph[name].dtype) for name, value in inputs.items()})


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.grid("nan", "flat", "label_too_large", "fewer_labels")
def test_refused(conditional_folder, name):
    inputs, message = REFUSED[name]
    loaded = tf.saved_model.load(conditional_folder)
    for signature in ("reconstruct", "encode", "log_prob", "serving_default"):
        with pytest.raises(tf.errors.InvalidArgumentError, match=re.escape(message)):
            call(loaded.signatures[signature], inputs)
    valid = {"x": images(2), "condition": LABELS}
    assert call(loaded.signatures["encode"], valid)["latents"].shape == (2, 2)


@pytest.mark.skipif(c_compiler() is None, reason="no C compiler on this machine")
@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.full
def test_refused_through_the_c_api(conditional_folder, client, name, tmp_path):
    inputs, message = REFUSED[name]
    with pytest.raises(subprocess.CalledProcessError) as failure:
        run_in_c(client, conditional_folder, "reconstruct", inputs, "x", tmp_path)
    assert message in failure.value.stderr


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    return build_c_client(tmp_path_factory.mktemp("client"))


def test_what_sample_refuses(conditional_folder):
    sample = tf.saved_model.load(conditional_folder).signatures["sample"]
    wrong = {
        "num_samples [1] is not compatible with expected shape []": {
            "num_samples": [2],
            "seed": 1,
            "condition": LABELS,
        },
        "condition should have 1 row, or num_samples": {"num_samples": 3, "seed": 1, "condition": LABELS},
        "num_samples should not be negative": {"num_samples": -2, "seed": 1, "condition": LABELS},
        "labels from 0 to 2": {"num_samples": 2, "seed": 1, "condition": LABELS + 7},
    }
    for message, inputs in wrong.items():
        with pytest.raises(tf.errors.InvalidArgumentError, match=re.escape(message)):
            call(sample, inputs)


def test_networks_with_several_attributes(tmp_path):
    given = {"num_classes": (3, None)}
    encoder = networks.mlp_encoder(SHAPE, 2, hidden=(4,), **given)
    decoder = networks.mlp_decoder(2, SHAPE, hidden=(4,), **given)
    folder = runtime.export(models.ConditionalVAE(encoder, decoder), tmp_path / "m")
    decode = tf.saved_model.load(folder).signatures["decode"]
    latents = np.zeros((1, 2), np.float32)
    call(decode, {"latents": latents, "condition": [[2.0, -7.5]]})
    labels = "condition[:, 0] should be integer labels from 0 to 2"
    wrong = [([[3.0, 0.0]], labels), ([[0.5, 0.0]], labels), ([[1.0, np.nan]], "condition should be finite")]
    for condition, message in wrong:
        with pytest.raises(tf.errors.InvalidArgumentError, match=re.escape(message)):
            call(decode, {"latents": latents, "condition": condition})


def test_conditional_critics_and_generators(tmp_path):
    loaded = tf.saved_model.load(runtime.export(gan_builders.small_gan(num_classes=3), tmp_path / "m"))
    generate, discriminate = loaded.signatures["generate"], loaded.signatures["discriminate"]
    with pytest.raises(tf.errors.InvalidArgumentError, match="latents should be finite"):
        call(generate, {"latents": np.full((2, 2), np.nan), "condition": LABELS})
    with pytest.raises(tf.errors.InvalidArgumentError, match="labels from 0 to 2"):
        call(discriminate, {"x": images(2), "condition": LABELS + 1})


def test_xla_compiles_what_is_exported(conditional_folder):
    loaded = tf.saved_model.load(conditional_folder)
    x, condition = tf.constant(images(2)), tf.constant(LABELS)
    compiled = tf.function(loaded.signatures["reconstruct"], jit_compile=True)
    expected = loaded.signatures["reconstruct"](x=x, condition=condition)["x"]
    np.testing.assert_allclose(compiled(x=x, condition=condition)["x"], expected, atol=1e-6)


def test_half_precision_and_keras_own_export(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = small_classifier()
    keras.config.set_dtype_policy("float32")
    model.export(str(tmp_path / "plain"))
    predict = tf.saved_model.load(str(tmp_path / "plain")).signatures["predict"]
    with pytest.raises(tf.errors.InvalidArgumentError, match="x should be finite"):
        call(predict, {"x": with_value(np.inf)})


def test_the_checks_cost_little(tmp_path):
    """The nodes that check are few, and none of them copies the input."""
    folder = runtime.export(small_classifier(), tmp_path / "m")
    function = tf.saved_model.load(folder).signatures["predict"]
    nodes = [node for f in function.graph.as_graph_def().library.function for node in f.node_def]
    assert sum(node.op == "CheckNumerics" for node in nodes) == 1
    assert sum(node.op == "Assert" for node in nodes) == 1
