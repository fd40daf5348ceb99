"""Functions whose variables have become constants, which TensorFlow folds into what is computed from them."""

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

#: A graph holds at most 2 GiB; larger models keep their variables.
LARGEST = 2**30


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
