"""Which layer of a model an operation of its graph belongs to, for messages."""

import re

import keras

from keras_dl import checks


def refusal(format, operation, node, model):
    """The `ValueError` of an operation that a format cannot hold.

    Args:
        format: The format's name in prose.
        operation: The operation's name.
        node: Path of its node in the graph, from which the layer is read.
        model: The model.
    """
    hint = " (recurrent layers: give them unroll=True)" if operation.startswith("TensorList") else ""
    return checks.refusal(
        f"the model should consist of operations that {format} has{hint}", f"{operation} in {place(node, model)}"
    )


def place(node, model):
    """The layer of a node, in words, and the model; what the path of the node says where it names no layer."""
    name = layer_of(node, model)
    where = f"layer {name!r}" if name else f"node {node!r}" if node else "a layer"
    return f"{where} of {model.name}"


def layer_of(node, model):
    """The name of the innermost layer in the path of a node, or `None`."""
    layers = {layer.name: layer for layer in model._flatten_layers() if layer is not model}
    names = [name for part in reversed(node.split("/")) for name in (part, re.sub(r"_\d+$", "", part))]
    named = [name for name in names if name in layers]
    innermost = [name for name in named if not isinstance(layers[name], keras.Model)]
    return next(iter([*innermost, *named]), None)
