"""Functions of a model as graphs of constants and float32 alone."""

import re
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context  # TensorFlow does not export it
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from keras_dl.checks import refusal
from keras_dl.models.formats import blame, rewriting
from keras_dl.models.formats.saved_model import input_specs

_NOISE = re.compile("NonDeterministic|Random|Multinomial|TruncatedNormal|Shuffle")
_ROUNDING = 1e-7  # of a constant
_FLOAT32 = tf.float32.as_datatype_enum
#: What the runtimes have few kernels for.
_OTHER_FLOATS = {dtype.as_datatype_enum for dtype in (tf.float64, tf.float16, tf.bfloat16)}


class Portable(NamedTuple):
    """A signature's function as a graph.

    Attributes:
        graph: `GraphDef` without variables.
        inputs: Names of its input tensors, in order.
        outputs: Dict of its output tensors' names by the signature's names.
        specs: `tf.TensorSpec`s of the inputs, with the signature's names.
        shapes: Dict of the outputs' static shapes by the signature's names.
    """

    graph: Any
    inputs: list
    outputs: dict
    specs: list
    shapes: dict

    def function(self, names=None):
        """The graph as a `tf.function`, whose outputs are called as the dict `names` says where it names them."""
        names = names or {}
        for definition in self.graph.library.function:  # those with new names: importing a graph does not tell of them
            if not context.context().has_function(definition.signature.name):
                context.context().add_function_def(definition)

        def run(*tensors):
            tensors = [tf.cast(t, tf.float32) if t.dtype.as_datatype_enum in _OTHER_FLOATS else t for t in tensors]
            feeds = dict(zip(self.inputs, tensors, strict=True))
            outputs = tf.graph_util.import_graph_def(self.graph, feeds, list(self.outputs.values()), name="")
            return {names.get(key, key): tf.identity(out) for key, out in zip(self.outputs, outputs, strict=True)}

        return tf.function(run, input_signature=self.specs)

    def rounded_otherwise(self):
        """The same with its constants moved by what rounding may make of them."""
        graph, random = type(self.graph)(), np.random.default_rng(0)
        graph.CopyFrom(self.graph)
        for node in graph.node:
            if node.op == "Const" and node.attr["dtype"].type == _FLOAT32:
                values = tf.make_ndarray(node.attr["value"].tensor)
                moved = values * (1.0 - _ROUNDING * random.choice([0.0, 2.0], values.shape))  # none beyond float32
                node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(moved.astype(np.float32)))
        return self._replace(graph=graph)


def signatures_without_noise(signatures: dict[str, Any]) -> dict[str, Any]:
    """The portable ones of a dict of `Signature`s that draw no random numbers, traced: concrete functions by name."""
    silent = {}
    for name, signature in signatures.items():
        if not signature.portable:
            continue
        traced = tf.function(signature.function, input_signature=input_specs(signature)).get_concrete_function()
        if not any(_NOISE.search(node.op) for node in nodes(traced.graph.as_graph_def())):
            silent[name] = traced
    if not silent:
        raise refusal("model should have a signature without noise", f"{', '.join(signatures) or 'none'}")
    return silent


def portable_functions(signatures, model, format, inline=False):
    """The signatures without noise as `Portable`s by name; `inline` leaves none of the functions meant for XLA.

    Raises:
        ValueError: If the model holds a table, which no constant can stand for.
    """
    portables = {}
    for name, function in signatures_without_noise(signatures).items():
        frozen = convert_variables_to_constants_v2(function, lower_control_flow=False)
        specs = input_specs(signatures[name])
        for table in frozen.inputs[len(specs) :]:
            operation = next(iter(table.consumers()), table.op)
            raise blame.refusal(format, operation.type, operation.name, model)
        portables[name] = _portable(function, frozen, specs, inline)
    return portables


def nodes(graph):
    """All nodes of a `GraphDef`, those of its functions too."""
    yield from graph.node
    for function in graph.library.function:
        yield from function.node_def


def _portable(traced, frozen, specs, inline):
    graph, inputs, outputs = _parts(frozen)
    names = sorted(traced.structured_outputs)  # as tf.nest flattens dicts
    shapes = {name: traced.structured_outputs[name].shape for name in names}
    if inline and _allow_inlining(graph):
        again = tf.compat.v1.wrap_function(
            lambda *tensors: tf.graph_util.import_graph_def(
                graph, dict(zip(inputs, tensors, strict=True)), outputs, name=""
            ),
            [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in frozen.inputs],
        )
        graph, inputs, outputs = _parts(convert_variables_to_constants_v2(again, lower_control_flow=False))
        if not any(value.WhichOneof("value") == "func" for node in graph.node for value in node.attr.values()):
            del graph.library.function[:]  # left over, and of a kind that cannot be saved
    return Portable(_in_float32(graph), inputs, dict(zip(names, outputs, strict=True)), specs, shapes)


def _parts(frozen):
    inputs, outputs = ([tensor.name for tensor in tensors] for tensors in (frozen.inputs, frozen.outputs))
    return frozen.graph.as_graph_def(), inputs, outputs


def _allow_inlining(graph):
    """Takes away what keeps functions for XLA apart (Keras has convolutions in groups in one); whether any was."""
    attributes = [*(node.attr for node in nodes(graph)), *(function.attr for function in graph.library.function)]
    apart = any(attribute["_XlaMustCompile"].b for attribute in attributes if "_XlaMustCompile" in attribute)
    for attribute in attributes if apart else ():
        attribute.pop("_XlaMustCompile", None)
    if apart:
        rewriting.rename_functions(graph, "inlined")
    return apart


def _in_float32(graph):
    """A graph with float32 in the place of other floats."""
    as_float32 = lambda dtype: _FLOAT32 if dtype in _OTHER_FLOATS else dtype  # noqa: E731
    for attribute in (attribute for node in nodes(graph) for attribute in node.attr.values()):
        kind = attribute.WhichOneof("value")
        if kind == "type":
            attribute.type = as_float32(attribute.type)
        elif kind == "list":
            attribute.list.type[:] = [as_float32(dtype) for dtype in attribute.list.type]
        elif kind == "tensor" and attribute.tensor.dtype in _OTHER_FLOATS:
            values = tf.make_ndarray(attribute.tensor).astype(np.float32)
            attribute.tensor.CopyFrom(tf.make_tensor_proto(values))
    return graph
