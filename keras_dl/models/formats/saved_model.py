"""Writing a model's signatures as a SavedModel, whose functions check what they are given; variables as constants."""

import os
import tempfile
from pathlib import Path

import keras
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from keras_dl import files
from keras_dl.models.conditions import assert_that, class_checks
from keras_dl.models.fitting.batches import pad_empty
from keras_dl.models.fitting.choosing import has_convolutions

#: A graph holds at most 2 GiB; larger models keep their variables.
LARGEST = 2**30
#: Files of every SavedModel.
_FILES = ("variables/variables.index", "variables/variables.data-00000-of-00001", "fingerprint.pb", "saved_model.pb")


def write_folder(model, path, signatures):
    """Writes `signatures` as a SavedModel to a folder, in which nothing that this did not write is replaced.

    Raises:
        FileExistsError: If the folder holds a user's file of a name that a SavedModel's has.
    """
    path = Path(os.path.abspath(path))
    files.check_free([path / name for name in _FILES])
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=path.parent) as temporary:
        write_saved_model(model, temporary, signatures)
        written = [file.relative_to(temporary) for file in Path(temporary).rglob("*") if file.is_file()]
        # That without which nobody loads the others comes last.
        for name in sorted(written, key=lambda name: name.name == "saved_model.pb"):
            files.replace(path / name, Path(temporary, name).replace)


def write_saved_model(model, path, signatures):
    """Writes `signatures`, of `model`, as a SavedModel; the first is also `serving_default`.

    The exported functions refuse, as invalid arguments, inputs of other shapes, with NaN or infinities, with different
    numbers of rows, and labels out of range. XLA, which cannot fail on values, leaves these checks out.

    Several signatures share the model's variables. One alone has constants in their place, which is faster.
    """
    archive = keras.export.ExportArchive()
    holder = tf.Module()  # in it tables are found; of a model itself variables would be written a second time
    holder.model = model
    archive.track(holder)
    functions = {}
    for name, signature in signatures.items():
        specs = input_specs(signature)
        function = checked(for_no_rows(model, signature.function, specs), specs, model.condition_classes())
        functions[name] = (frozen(function, specs) if len(signatures) == 1 else function, specs)
    for name, (function, specs) in {"serving_default": next(iter(functions.values())), **functions}.items():
        archive.add_endpoint(name, function, input_signature=specs)
    # Graphs to be served, not trained: gradients that Keras' quantized layers define cannot be saved.
    archive.write_out(path, tf.saved_model.SaveOptions(experimental_custom_gradients=False), verbose=False)


def input_specs(signature):
    """The `tf.TensorSpec`s of a signature's inputs, in order, each with its name."""
    return [tf.TensorSpec(spec.shape, spec.dtype, name=name) for name, spec in signature.inputs.items()]


def for_no_rows(model, function, specs):
    """`function` that also takes batches of no rows, which convolutions on CPU do not."""
    if not any(map(has_convolutions, model.networks)):
        return function
    if any(spec.shape.rank == 0 or spec.shape[0] is not None for spec in specs):
        return function  # a number says how many rows come out

    def padded(*inputs):
        rows = tf.shape(inputs[0])[0]
        return {name: output[:rows] for name, output in function(*map(pad_empty, inputs)).items()}

    return padded


def checked(function, specs, classes=None):
    """`function` behind checks of its inputs in the graph.

    Args:
        function: Takes a tensor an input.
        specs: Named `tf.TensorSpec`s of the inputs.
        classes: What the labels in the input `condition` must be below, an integer, or a tuple with an integer or
            `None` a column; `None` where it holds no labels.
    """
    batched = [index for index, spec in enumerate(specs) if spec.shape.rank and spec.shape[0] is None]
    same_rows = batched if all(spec.shape.rank for spec in specs) else []

    def with_checks(*inputs):
        shapes = [_shape(tensor) for tensor in inputs]
        inputs = [_fixed_shape_checked(tensor, spec) for tensor, spec in zip(inputs, specs, strict=True)]
        checks = [_shape_check(spec, shape) for spec, shape in zip(specs, shapes, strict=True)]
        for index in same_rows[1:]:
            checks.append(_rows_check(specs, shapes, same_rows[0], index))
        with tf.control_dependencies(checks):
            inputs = [_value_checked(tensor, spec, classes) for tensor, spec in zip(inputs, specs, strict=True)]
        return function(*inputs)

    return with_checks


def _shape(tensor):
    # Hidden from shape inference, by which the graph's optimizer would decide the checks: servers feed other shapes.
    return tf.shape(tf.raw_ops.PlaceholderWithDefault(input=tensor, shape=tf.TensorShape(None)))


def _fixed_shape_checked(tensor, spec):
    # Where all axes are known, inference sees through that.
    return tf.ensure_shape(tensor, spec.shape) if spec.shape.is_fully_defined() else tensor


def _shape_check(spec, shape):
    sizes = tf.constant([-1 if size is None else size for size in spec.shape], tf.int32)
    rank = spec.shape.rank
    first = tf.concat([shape, tf.fill([rank], -2)], 0)[:rank]
    fits = tf.equal(tf.size(shape), rank) & tf.reduce_all((first == sizes) | (sizes == -1))
    expected = ", ".join("batch" if size is None else str(size) for size in spec.shape)
    return assert_that(fits, f"{spec.name} should have shape ({expected}). Received: shape", shape)


def _rows_check(specs, shapes, first, second):
    rows = [shapes[index][:1] for index in (second, first)]  # slices: a scalar has been refused, but may still run
    message = f"{specs[second].name} should have as many rows as {specs[first].name}. Received: rows"
    return assert_that(tf.reduce_all(tf.concat(rows, 0) == shapes[first][:1]), message, *rows)


def _value_checked(tensor, spec, classes):
    if spec.dtype.is_floating:
        tensor = tf.debugging.check_numerics(tensor, f"{spec.name} should be finite. Received")
    checks = class_checks(tensor, classes) if spec.name == "condition" and classes is not None else []
    if spec.name == "num_samples":
        checks = [assert_that(tensor >= 0, "num_samples should not be negative. Received:", tensor)]
    with tf.control_dependencies(checks):
        return tf.identity(tensor)


def frozen(function, specs):
    """`function` with its variables as constants, or as it is where it changes them or holds anything else.

    Batch normalization then is part of the convolution before it, and no step reads a variable.

    Args:
        function: Takes a tensor for each of `specs` and returns a dict of tensors.
        specs: Named `tf.TensorSpec`s of the inputs.

    Returns:
        A function of the same inputs and outputs.
    """
    traced = tf.function(function, input_signature=specs).get_concrete_function()
    variables = {id(variable.handle): variable for variable in traced.graph.variables}
    captures_variables = all(id(tensor) in variables for tensor in traced.captured_inputs)
    size = sum(variable.shape.num_elements() * variable.dtype.size for variable in variables.values())
    if not captures_variables or size > LARGEST or _assigns(traced.graph):
        return function
    graph = convert_variables_to_constants_v2(traced, lower_control_flow=False)
    names = sorted(traced.structured_outputs)
    return lambda *inputs: dict(zip(names, graph(*inputs), strict=True))


def _assigns(graph):
    """Whether a graph, or a function that it calls, changes a variable."""
    definition = graph.as_graph_def()
    nodes = [definition.node, *(called.node_def for called in definition.library.function)]
    return any(node.op.startswith("Assign") for part in nodes for node in part)
