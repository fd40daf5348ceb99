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
    """A `GraphDef` in which nothing of `decompositions` is left but in functions of control flow."""
    rewritten = type(graph)()
    rewritten.CopyFrom(graph)
    del rewritten.node[:]
    for node in graph.node:
        parts = _parts(node, decompositions[node.op]) if node.op in decompositions else [node]
        rewritten.node.extend(parts)
    return rewritten


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
