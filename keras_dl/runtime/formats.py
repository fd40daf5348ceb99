"""Signatures as files for ONNX Runtime and LiteRT.

Keras' own exporters (`keras.Model.export(format="onnx")`, `"litert"`) write the one function `call`; here every
signature that draws no noise is written, with the names of its inputs and outputs.
"""

import re
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from keras_dl.models.base.exporting import input_specs

_MISSING = re.compile(r"'tf\.(\w+)' op is neither")
_NOISE = re.compile("Random|Multinomial|TruncatedNormal|Shuffle")
_FLOAT32 = tf.float32.as_datatype_enum
#: What the runtimes have few kernels for.
_OTHER_FLOATS = {dtype.as_datatype_enum for dtype in (tf.float64, tf.float16, tf.bfloat16)}


def write_onnx(model, folder):
    """Writes `<signature>.onnx` for every signature without noise, and returns their names.

    An output that has the name of an input, which a graph of ONNX cannot hold, ends in `_out` there.
    """
    tf2onnx = _tf2onnx()
    portable = _portable_functions(model)
    for name, function in portable.items():
        inputs = list(function.input_signature)
        taken = {spec.name for spec in inputs}
        renamed = _renamed(function, {n: f"{n}_out" for n in taken})
        converted, _ = tf2onnx.convert.from_function(renamed, inputs)
        _name_batches(converted.graph)
        (Path(folder) / f"{name}.onnx").write_bytes(converted.SerializeToString())
    return tuple(portable)


def write_litert(model, folder):
    """Writes `model.tflite` with every signature without noise, and returns their names. TensorFlow alone does it."""
    module = tf.Module()
    module.functions = _portable_functions(model)
    with tempfile.TemporaryDirectory() as saved:
        tf.saved_model.save(module, saved, signatures=module.functions)
        converter = tf.lite.TFLiteConverter.from_saved_model(saved, signature_keys=list(module.functions))
        try:
            converted = converter.convert()
        except Exception as error:  # of a class that TensorFlow keeps to itself
            missing = sorted(set(_MISSING.findall(str(error))))
            if not missing:
                raise
            raise ValueError(
                "Expected a model of operations that LiteRT has; ONNX has more. "
                f"Received: {', '.join(missing)} in {model.name}"
            ) from error
    (Path(folder) / "model.tflite").write_bytes(converted)
    return tuple(module.functions)


def signatures_without_noise(model):
    """The signatures of a model that draw no random numbers, traced: concrete functions by name."""
    found = {}
    for name, signature in model.signatures().items():
        traced = tf.function(signature.function, input_signature=input_specs(signature)).get_concrete_function()
        if not any(_NOISE.search(node.op) for node in _nodes(traced.graph.as_graph_def())):
            found[name] = traced
    if not found:
        raise ValueError("model should have a signature without noise. Received: none")
    return found


def _tf2onnx():
    try:
        import tf2onnx
    except ImportError as error:
        raise ImportError(
            f"Expected the package tf2onnx, which pip install 'keras_dl[onnx]' brings, to write ONNX. Received: {error}"
        ) from error
    return tf2onnx


def _portable_functions(model):
    """The signatures without noise as functions of constants and float32 alone, by name."""
    signatures = model.signatures()
    traced = signatures_without_noise(model)
    return {name: _portable(function, input_specs(signatures[name])) for name, function in traced.items()}


def _portable(traced, specs):
    frozen = convert_variables_to_constants_v2(traced, lower_control_flow=False)
    graph = _in_float32(frozen.graph.as_graph_def())
    inputs = [tensor.name for tensor in frozen.inputs]
    names = sorted(traced.structured_outputs)  # as tf.nest flattens dicts
    outputs = [tensor.name for tensor in frozen.outputs]

    def function(*tensors):
        tensors = [tf.cast(t, tf.float32) if t.dtype.as_datatype_enum in _OTHER_FLOATS else t for t in tensors]
        found = tf.graph_util.import_graph_def(graph, dict(zip(inputs, tensors, strict=True)), outputs, name="")
        return dict(zip(names, found, strict=True))

    return tf.function(function, input_signature=specs)


def _renamed(function, names):
    def renamed(*tensors):
        return {names.get(name, name): tf.identity(output) for name, output in function(*tensors).items()}

    return tf.function(renamed, input_signature=function.input_signature)


def _in_float32(graph):
    """A graph with float32 in the place of other floats."""
    as_float32 = lambda dtype: _FLOAT32 if dtype in _OTHER_FLOATS else dtype  # noqa: E731
    for attribute in (attribute for node in _nodes(graph) for attribute in node.attr.values()):
        kind = attribute.WhichOneof("value")
        if kind == "type":
            attribute.type = as_float32(attribute.type)
        elif kind == "list":
            attribute.list.type[:] = [as_float32(dtype) for dtype in attribute.list.type]
        elif kind == "tensor" and attribute.tensor.dtype in _OTHER_FLOATS:
            values = tf.make_ndarray(attribute.tensor).astype(np.float32)
            attribute.tensor.CopyFrom(tf.make_tensor_proto(values))
    return graph


def _nodes(graph):
    yield from graph.node
    for function in graph.library.function:
        yield from function.node_def


def _name_batches(graph):
    """Calls the open first axis of inputs and outputs `batch`."""
    for value in (*graph.input, *graph.output):
        for axis in value.type.tensor_type.shape.dim[:1]:
            if not axis.HasField("dim_value"):
                axis.dim_param = "batch"
