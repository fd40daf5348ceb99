"""Files for ONNX Runtime and LiteRT: right, or refused by the operation's and the layer's name."""

import os

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import keras_dl
from keras_dl import models, runtime
from keras_dl.models.base import Signature
from keras_dl.models.formats import comparison, portable, rewriting
from tests.models.builders import images, small_vae

IMAGE = (8, 8, 4)


@keras.saving.register_keras_serializable("tests")
class Operation(layers.Layer):
    """A layer that is one function."""

    def __init__(self, function, **kwargs):
        super().__init__(**kwargs)
        self.function = function

    def call(self, x):
        return self.function(x)


def exported(last, shape, path, format, dtype="float32"):
    network = keras.Sequential([keras.Input(shape, dtype=dtype), last])
    model = models.Supervised(network, name="net")
    return network, runtime.export(model, path, format=format)


def run(folder, x):
    if os.path.exists(f"{folder}/model.tflite"):
        return next(iter(tf.lite.Interpreter(f"{folder}/model.tflite").get_signature_runner("predict")(x=x).values()))
    import onnxruntime

    session = onnxruntime.InferenceSession(f"{folder}/predict.onnx", providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


RIGHT = {
    "gelu": (Operation, lambda x: ops.gelu(x, approximate=False), (4,)),
    "swish": (layers.Activation, ("silu",), (4,)),  # of a gradient of its own
    "softplus": (layers.Activation, ("softplus",), (4,)),  # of large numbers, too
    "log1p": (Operation, ops.log1p, (4,)),
    "expm1": (Operation, ops.expm1, (4,)),
    "groups": (layers.Conv2D, (4, 3, 1, "valid", None, 1, 2), IMAGE),
    "unit": (keras_dl.layers.UnitNormalization, (), (4,)),
}


def layer_of(case):
    kind, arguments, _ = case
    return kind(arguments) if kind is Operation else kind(*arguments)


@pytest.mark.parametrize("format", ["onnx", "litert"])
@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right(name, format, tmp_path):
    require(format)
    shape = RIGHT[name][2]
    network, folder = exported(layer_of(RIGHT[name]), shape, tmp_path / "m", format)
    x = np.random.default_rng(0).random((3, *shape), "float32") * 0.9
    x[0] = 0.0
    np.testing.assert_allclose(run(folder, x), network(x), rtol=1e-5, atol=1e-6)


def require(format):
    for module in {"onnx": ("tf2onnx", "onnxruntime"), "litert": ()}[format]:
        pytest.importorskip(module)


REFUSED = {
    "transposed": (
        "onnx",
        layers.Conv2DTranspose(3, 2, strides=3, padding="same", name="last"),
        IMAGE,
        "ConvTranspose",
    ),
    "discretized": ("onnx", layers.Discretization(bin_boundaries=[0.0, 0.5], name="last"), (4,), "Bucketize"),
    "antialias": ("onnx", layers.Resizing(4, 4, antialias=True, name="last"), IMAGE, "ScaleAndTranslate"),
    "argmax": ("onnx", Operation(lambda x: ops.argmax(x, -1), name="last"), (4,), "Bitcast"),
    "erfinv": ("onnx", Operation(ops.erfinv, name="last"), (4,), "Erfinv"),
    "erfinv in LiteRT": ("litert", Operation(ops.erfinv, name="last"), (4,), "Erfinv"),
    "cubic in LiteRT": ("litert", layers.Resizing(12, 12, "bicubic", name="last"), IMAGE, "ResizeBicubic"),
    "LSTM in LiteRT": ("litert", layers.LSTM(2, name="last"), (3, 2), "TensorListReserve"),
    "GRU in LiteRT": ("litert", layers.GRU(2, name="last"), (3, 2), "TensorListReserve"),
    "table": ("onnx", layers.IntegerLookup(vocabulary=[1, 2], name="last"), (4,), "LookupTableFindV2"),
    "table in LiteRT": ("litert", layers.IntegerLookup(vocabulary=[1, 2], name="last"), (4,), "LookupTableFindV2"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_format_lacks_is_named(name, tmp_path, capfd):
    format, last, shape, operation = REFUSED[name]
    require(format)
    with pytest.raises(
        ValueError, match=rf"(?s)the model should consist.*Received: {operation} in layer 'last' of net$"
    ):
        exported(last, shape, tmp_path / "m", format, "int64" if "table" in name else "float32")
    assert not (tmp_path / "m").exists()
    assert "loc(" not in capfd.readouterr().err  # MLIR's text


WRONG = {
    "mod": ("onnx", lambda x: ops.mod(x, 3), "int32", "FloorMod"),
    "floor_divide": ("onnx", lambda x: ops.floor_divide(x, 3), "int32", "FloorDiv"),
    "one_hot": ("onnx", lambda x: ops.one_hot(x, 5), "int32", "OneHot"),
    "nan_to_num": ("onnx", ops.nan_to_num, "float32", "IsInf"),
    "nan_to_num in LiteRT": ("litert", ops.nan_to_num, "float32", "IsInf"),
    "max of NaN": ("onnx", lambda x: ops.max(ops.sqrt(x), -1, keepdims=True), "float32", "Max"),
    "log gamma": ("litert", tf.math.lgamma, "float32", None),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_numbers_are_found(name, tmp_path):
    format, function, dtype, suspect = WRONG[name]
    require(format)
    message = rf"(?s)should give what net gives.*Received.*{suspect}" if suspect else "(?s)as the model does.*Received"
    with pytest.raises(ValueError, match=message):
        exported(Operation(function), (4,), tmp_path / "m", format, dtype)
    assert not (tmp_path / "m").exists()


def test_keras_unit_normalization_is_wrong_in_litert(tmp_path):
    with pytest.raises(ValueError, match="(?s)zeros.*Received: nan"):
        exported(layers.UnitNormalization(), (4,), tmp_path / "m", "litert")


def test_beside_zeros_inputs_move_by_less_than_rounding():
    """Of zeros times what rounding makes of one nothing would be seen; networks that normalise magnify it."""
    moved = np.abs(comparison._rounded_otherwise(np.zeros(100, "float32")))
    assert 0 < moved.min() <= moved.max() < np.finfo("float32").eps
    values = np.float32([0.0, 1.0, -2.0])
    assert comparison._rounded_otherwise(values)[0] == 0


def test_what_the_comparison_allows():
    expected = np.float32([1.0, 100.0, np.inf, np.nan])
    close = expected * np.float32([1 + 1e-4, 1 - 1e-4, 1, 1])
    for found, fits in ((close, True), (expected * 1.01, False), (expected[:3], False), (np.zeros(4), False)):
        check = lambda found=found: comparison._check_output(found, expected, expected, "t", keras.Model(), set())  # noqa: E731
        if fits:
            check()
        else:
            with pytest.raises(ValueError, match="Received"):
                check()
    comparison._check_output(
        expected * 1.01, expected, expected * 1.001, "t", keras.Model(), set()
    )  # as inputs move it


def test_rows_without_a_value_are_not_compared_where_inputs_are_finite():
    """A logit beyond its range is NaN, and what later operations make of NaN differs; other rows count as ever."""
    expected = np.float32([[np.nan, 3.0], [1.0, 2.0]])
    spread, other = np.float32([[np.nan, np.nan], [1.0, 2.0]]), np.float32([[np.nan, 3.0], [np.nan, 2.0]])
    check = lambda found, **options: comparison._check_output(  # noqa: E731
        found, expected, expected, "t", keras.Model(), set(), **options
    )
    check(spread, of_finite=True)
    for found, options in ((spread, {}), (other, {"of_finite": True})):
        with pytest.raises(ValueError, match="Received"):
            check(found, **options)


@pytest.mark.parametrize("name", ["Erfc", "Log1p", "Expm1"])
def test_decompositions_are_exact(name):
    known = {"Erfc": tf.math.erfc, "Log1p": tf.math.log1p, "Expm1": tf.math.expm1}[name]
    small = np.logspace(-12, 1, 200, dtype="float32")
    x = np.concatenate([small, -small[small < 0.99], [0.0, 20.0, np.inf, np.nan]]).astype("float32")
    tolerance = {"rtol": 0, "atol": 3e-7} if name == "Erfc" else {"rtol": 5e-7, "atol": 0}
    np.testing.assert_allclose(rewriting.DECOMPOSITIONS[name](tf.constant(x)), known(x), **tolerance)


def test_functions_of_control_flow_are_decomposed_too():
    """Each kind of operation in the body of a loop, one behind another, and the numbers that it gave."""

    @tf.function(input_signature=[tf.TensorSpec([None])])
    def run(x):
        step = lambda i, x: (i + 1, tf.math.expm1(tf.math.log1p(tf.math.erfc(x))))  # noqa: E731
        return tf.while_loop(lambda i, x: i < 3, step, (0, x))[1]

    signature = Signature(lambda x: {"x": run(x)}, {"x": tf.TensorSpec([None])})
    function = portable.portable_functions({"run": signature}, None, "ONNX")["run"]
    rewritten = function._replace(graph=rewriting.decomposed(function.graph, rewriting.DECOMPOSITIONS))
    left = {node.op for node in portable.nodes(rewritten.graph)}
    assert "Erf" in left and not left & set(rewriting.DECOMPOSITIONS)
    x = tf.constant([-0.5, 0.0, 1.5])
    np.testing.assert_allclose(rewritten.function()(x)["x"], run(x), rtol=1e-5)


def test_keras_own_method_writes_them(tmp_path):
    vae = small_vae()
    vae.export(tmp_path / "lite" / "vae.tflite", format="litert")
    vae.export(str(tmp_path / "folder"), format="litert")
    vae.export(tmp_path / "lite" / "vae.tflite", format="litert")  # again, over its own
    assert sorted(os.listdir(tmp_path / "lite")) == [".keras_dl.sums", "vae.tflite"]
    assert os.listdir(tmp_path / "folder") == ["model.tflite"]
    run = tf.lite.Interpreter(str(tmp_path / "lite" / "vae.tflite")).get_signature_runner("encode")
    np.testing.assert_allclose(run(x=images(2))["latents"], vae.encode(images(2)), atol=1e-5)
    with pytest.raises(FileExistsError, match="(?s)should not exist.*Received"):
        vae.export(str(tmp_path / "folder"), format="litert")
    require("onnx")
    vae.export(tmp_path / "vae.onnx", format="onnx")
    import onnxruntime

    session = onnxruntime.InferenceSession(str(tmp_path / "vae.onnx"), providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(None, {"x": images(2)})[0], vae.reconstruct(images(2)), atol=1e-5)
    vae.export(str(tmp_path / "all"), format="onnx")
    assert sorted(os.listdir(tmp_path / "all")) == ["decode.onnx", "encode.onnx", "reconstruct.onnx"]


@pytest.mark.parametrize("format", ["onnx", "litert", "tf_saved_model"])
def test_files_of_the_users_are_not_replaced(format, tmp_path):
    vae = small_vae()
    name = {"onnx": "vae.onnx", "litert": "vae.tflite", "tf_saved_model": "saved_model.pb"}[format]
    path = tmp_path if format == "tf_saved_model" else tmp_path / name
    for write in (
        lambda: (tmp_path / name).write_text("mine"),
        lambda: (tmp_path / name).symlink_to(tmp_path / "linked"),
    ):
        (tmp_path / "linked").write_text("mine")
        write()
        with pytest.raises(FileExistsError, match="was not written by keras_dl"):
            vae.export(path, format=format)
        assert (tmp_path / name).read_text() == (tmp_path / "linked").read_text() == "mine"
        assert sorted(os.listdir(tmp_path)) == sorted(["linked", name])
        (tmp_path / name).unlink()


def test_a_saved_model_is_written_over_itself_and_beside_what_is_there(tmp_path):
    vae = small_vae()
    (tmp_path / "README.md").write_text("mine")
    for _ in range(2):
        vae.export(tmp_path)
        encode = tf.saved_model.load(str(tmp_path)).signatures["encode"]
        np.testing.assert_allclose(encode(x=tf.constant(images(2)))["latents"], vae.encode(images(2)), atol=1e-5)
        vae.encoder.trainable_variables[0].assign_add(0.1 * tf.ones_like(vae.encoder.trainable_variables[0]))
    assert (tmp_path / "README.md").read_text() == "mine"


def test_batches_without_rows(tmp_path):
    pytest.importorskip("ai_edge_litert")
    with pytest.warns(UserWarning, match="LiteRT does not take batches of no rows for predict"):
        exported(layers.MaxPooling2D(), IMAGE, tmp_path / "m", "litert")
