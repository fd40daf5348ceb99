"""Signatures as files for ONNX Runtime."""

import contextlib
import importlib.util
import logging
import re
from pathlib import Path
from typing import Any

import numpy as np

from keras_dl.checks import refusal
from keras_dl.models.formats import blame, comparison, empty_batches, portable, rewriting
from keras_dl.types import PathLike

_NODE = re.compile(
    r"op_type:(?P<op>\w+), node name: (?P<node>[^)]+)\)|Node ?\((?P<second>[^)]+)\) Op \((?P<kind>\w+)\)"
)


def write_onnx(model: Any, folder: PathLike, signatures: dict[str, Any], only: str | None = None) -> tuple[str, ...]:
    """Writes `<signature>.onnx` for every signature without noise, and returns their names.

    An output that has the name of an input, which a graph of ONNX cannot hold, ends in `_out` there.

    Args:
        model: The model.
        folder: An empty folder.
        signatures: Dict of the model's `Signature`s by name.
        only: Name of the one signature to write, or `None` for all.

    Raises:
        ValueError: If the model has operations that ONNX lacks, or a file gives other numbers than the model.
        ImportError: If tf2onnx is missing.
    """
    tf2onnx = _tf2onnx()
    functions = portable.portable_functions(signatures, model, "ONNX", inline=True)
    functions = functions if only is None else {only: functions[only]}
    paths = {name: Path(folder) / f"{name}.onnx" for name in functions}
    for name, function in functions.items():
        path = paths[name]
        names = {spec.name: f"{spec.name}_out" for spec in function.specs}
        graph = rewriting.decomposed(function.graph, rewriting.DECOMPOSITIONS)
        rewritten = function._replace(graph=graph).function(names)
        path.write_bytes(_converted(tf2onnx, rewritten, function.specs, model).SerializeToString())
        if importlib.util.find_spec("onnxruntime") is not None:
            comparison.check(path.name, function, _runner(path, model), model)
    empty_batches.check({name: (paths[name], functions[name]) for name in functions}, model)
    return tuple(functions)


def _tf2onnx():
    try:
        import tf2onnx
    except ImportError as error:
        raise refusal(
            "the package tf2onnx should be installed to write ONNX: pip install 'keras_dl[onnx]'",
            error,
            error=ImportError,
        ) from error
    return tf2onnx


def _converted(tf2onnx, function, specs, model):
    import onnx

    with _quiet("tf2onnx"):  # what it says of operations that it leaves as they are is raised below
        try:
            proto, _ = tf2onnx.convert.from_function(function, list(specs))
        except Exception as error:  # of any kind, from any part of it
            raise refusal("the model should be one that tf2onnx converts", f"{error} in {model.name}") from error
    for node in _nodes(proto.graph):
        if not onnx.defs.has(node.op_type, node.domain):
            raise blame.refusal("ONNX", node.op_type, node.name, model)
    _name_batches(proto.graph)
    try:
        onnx.checker.check_model(proto, full_check=True)
    except Exception as error:  # of several classes
        raise _refused(error, model) from error
    return proto


def _refused(error, model):
    match = _NODE.search(str(error))
    if match is None:
        return refusal("the model should be one that ONNX can hold", f"{error} in {model.name}")
    return blame.refusal("ONNX", match["op"] or match["kind"], match["node"] or match["second"], model)


def _runner(path, model):
    """A function of a dict of arrays that runs the file; outputs have their names in the model."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1  # more would stay, and wait, beside TensorFlow's
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise _refused(error, model) from error
    names = [output.name.removesuffix("_out") for output in session.get_outputs()]
    return lambda inputs: dict(zip(names, map(np.asarray, session.run(None, inputs)), strict=True))


def _nodes(graph):
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from _nodes(inner)


def _name_batches(graph):
    """Calls the open first axis of inputs and outputs `batch`."""
    for value in (*graph.input, *graph.output):
        for axis in value.type.tensor_type.shape.dim[:1]:
            if not axis.HasField("dim_value"):
                axis.dim_param = "batch"


@contextlib.contextmanager
def _quiet(name):
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
