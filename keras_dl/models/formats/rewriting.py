"""Operations that ONNX or LiteRT lack, or get wrong, written with those that they have."""

import tensorflow as tf


def _erfc(x):
    # What exact GELU is made of: x erfc(-x / sqrt 2) / 2 becomes x (1 + erf(x / sqrt 2)) / 2.
    return 1.0 - tf.math.erf(x)


def _log1p(x):
    """log(1 + x) without the loss of a small x: log(u) x / (u - 1) with u = 1 + x as it is rounded (Kahan)."""
    u = 1.0 + x
    infinite = tf.equal(u, x)  # or so large that 1 is nothing beside it
    exact = tf.equal(u, 1.0)
    quotient = x / tf.where(exact | infinite, tf.ones_like(u), u - 1.0)
    return tf.where(exact, x, tf.math.log(u) * tf.where(infinite, tf.ones_like(u), quotient))


def _expm1(x):
    """exp(x) - 1 without the loss of a small x: (u - 1) x / log(u) with u = exp(x) as it is rounded (Kahan)."""
    u = tf.exp(x)
    exact, far = tf.equal(u, 1.0), tf.abs(x) > 1.0
    logarithm = tf.math.log(tf.where(exact | far, 2.0 * tf.ones_like(u), u))
    near = (u - 1.0) * (tf.where(far, tf.ones_like(x), x) / logarithm)
    return tf.where(exact, x, tf.where(far, u - 1.0, near))


def _softplus(x):
    """log(1 + exp(x)), which LiteRT computes as it stands, infinite beyond 88."""
    return tf.nn.relu(x) + tf.math.log1p(tf.exp(-tf.abs(x)))


DECOMPOSITIONS = {"Erfc": _erfc, "Log1p": _log1p, "Expm1": _expm1}
OF_LITERT = {"Softplus": _softplus}


def decomposed(graph, decompositions):
    """A `GraphDef` in which nothing of `decompositions` is left, nor in its functions, such as the body of a loop."""
    rewritten = type(graph)()
    rewritten.CopyFrom(graph)
    del rewritten.node[:]
    for node in graph.node:
        parts = _parts(node, decompositions[node.op]) if node.op in decompositions else [node]
        rewritten.node.extend(parts)
    changed = [_decompose_in(function, decompositions) for function in rewritten.library.function]
    if any(changed):
        rename_functions(rewritten, "decomposed")
    return rewritten


def rename_functions(graph, ending):
    """Gives the functions of a `GraphDef` names of their own: this process has others under those that they had."""
    functions = graph.library.function
    names = {function.signature.name: f"{function.signature.name}_{ending}" for function in functions}
    for function in functions:
        function.signature.name = names[function.signature.name]
    for node in [*graph.node, *(node for function in functions for node in function.node_def)]:
        node.op = names.get(node.op, node.op)
        for value in node.attr.values():
            named = [value.func] if value.WhichOneof("value") == "func" else value.list.func
            for function in named:
                function.name = names.get(function.name, function.name)


def _decompose_in(function, decompositions):
    """Rewrites a `FunctionDef`, whose tensors are called `operation:output:number`; returns whether it changed."""
    nodes, results = [], {}
    for node in function.node_def:
        if node.op in decompositions:
            parts, results[node.name] = _parts_of_function(node, decompositions[node.op])
            nodes += parts
        else:
            nodes.append(type(node).FromString(node.SerializeToString()))
    if not results:
        return False

    def renamed(name):
        result = results.get(name.removeprefix("^").split(":")[0])
        if result is None:
            return name
        return f"^{result.split(':')[0]}" if name.startswith("^") else result

    for node in nodes:
        node.input[:] = [renamed(name) for name in node.input]
    del function.node_def[:]
    function.node_def.extend(nodes)
    for name, tensor in function.ret.items():
        function.ret[name] = renamed(tensor)
    return True


def _parts_of_function(node, function):
    """As `_parts`, for the node of a `FunctionDef`, and the name of the tensor that is the result."""
    traced = tf.function(function, input_signature=[tf.TensorSpec(None, name="x")]).get_concrete_function()
    definition = traced.function_def
    source = definition.signature.input_arg[0].name

    def renamed(name):
        if name == source:
            return node.input[0]
        return f"^{node.name}/{name[1:]}" if name.startswith("^") else f"{node.name}/{name}"

    parts = list(definition.node_def)
    for part in parts:
        part.name = f"{node.name}/{part.name}"
        part.input[:] = [renamed(name) for name in part.input]
    return parts, renamed(next(iter(definition.ret.values())))


def _parts(node, function):
    """The nodes of `function`, under the name of `node`, whose input they take and whose output they give."""
    traced = tf.function(function, input_signature=[tf.TensorSpec(None, name="x")]).get_concrete_function()
    source, result = traced.inputs[0].op.name, traced.outputs[0].op.name

    def renamed(name):
        if name.split(":")[0] == source:
            return node.input[0]
        control = "^" if name.startswith("^") else ""
        name = name.removeprefix("^")
        return control + (node.name if name == result else f"{node.name}/{name}")

    parts = [part for part in traced.graph.as_graph_def().node if part.name != source]
    for part in parts:
        part.name = renamed(part.name)
        part.input[:] = [renamed(name) for name in part.input]
    return parts
