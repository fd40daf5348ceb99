"""The activations with which networks end, and whether what reads their outputs can use them."""

import inspect
import warnings

import keras

#: Activations that give only a part of the real numbers.
LIMITED = ("sigmoid", "hard_sigmoid", "softmax", "tanh", "hard_tanh", "relu", "relu6", "softplus", "exponential")
LIMITED += ("sparsemax", "softsign", "squareplus", "clip")
#: Activations that give probabilities.
PROBABILITIES = ("sigmoid", "hard_sigmoid", "softmax", "sparsemax")
#: Activations that give none: most of these are in `LIMITED` too, on another range.
NO_PROBABILITIES = ("linear", "tanh", "hard_tanh", "relu", "relu6", "softplus", "leaky_relu", "elu", "selu", "gelu")
#: `keras.ops` and layers by their class, where that is not the activation's name in CamelCase.
_NAMES = {"Sigmoid": "sigmoid", "Tanh": "tanh", "Softmax": "softmax", "ReLU": "relu", "Relu": "relu"}
_NAMES |= {"Softsign": "softsign", "Squareplus": "squareplus", "Sparsemax": "sparsemax", "Clip": "clip"}
_NAMES |= {"Relu6": "relu6", "Softplus": "softplus", "HardSigmoid": "hard_sigmoid", "Exp": "exponential"}
_MOVING = ("Reshape", "Flatten", "Squeeze", "ExpandDims", "Identity", "Cast", "Permute", "Transpose", "AsType")
#: Layers that do nothing, or nothing to the range, where a network is used.
_MOVING += ("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "GaussianDropout", "GaussianNoise")
_MOVING += ("ActivityRegularization",)


def last_activation(network, output=0):
    """The name of the activation behind a network's output, `"sigmoid"` or another, or `None` where it has none.

    Models in models are looked into, layers that only move values or cast them are passed over, and parts that are
    concatenated count where all of them end alike.

    Args:
        network: A `keras.Model`, or a layer.
        output: Which of its outputs, in the order of `keras.tree.flatten`.
    """
    outputs = getattr(network, "outputs", None)
    if not outputs:  # a subclassed model does not say what comes last
        layers = getattr(network, "layers", None)
        return _own_activation(layers[-1]) if layers else None
    return _behind(outputs[output])


def check_parameters(name, network, reads, reader):
    """Warns of a network whose last activation keeps it from giving what is read of it.

    Args:
        name: What the network is called, the argument by which it came.
        network: The network.
        reads: What is read, in words, where it may be any real number; `None` where any range may be meant.
        reader: Name of what reads.
    """
    activation = last_activation(network) if reads else None
    if activation in LIMITED:
        warnings.warn(f"{name} should end without a {activation}: {reader} reads {reads}.", stacklevel=3)


def check_losses(network, losses):
    """Warns of losses, one an output of a network, that read logits of an activation, or probabilities without one."""
    for index, loss in enumerate(losses):
        activation = last_activation(network, index)
        reads, name = _what_is_read(loss), getattr(loss, "__name__", type(loss).__name__)
        if reads == "probabilities" and activation in NO_PROBABILITIES:
            needed = f"from_logits=True, or the network a sigmoid or softmax: it ends with {activation}"
            warnings.warn(f"{name} reads probabilities. Give it {needed}.", stacklevel=3)
        elif reads not in (None, "probabilities") and activation in LIMITED:
            warnings.warn(f"network should end without a {activation}: {name} reads {reads}.", stacklevel=3)


def _what_is_read(loss):
    reads = getattr(loss, "reads", None)
    if reads is not None:
        return reads
    from_logits = getattr(loss, "from_logits", None)
    if from_logits is None and inspect.isfunction(loss):
        parameter = inspect.signature(loss).parameters.get("from_logits")
        from_logits = None if parameter is None else parameter.default
    return {True: "logits", False: "probabilities"}.get(from_logits)


def _behind(tensor):
    while True:
        last, node, index = tensor._keras_history
        kind = type(last).__name__
        if isinstance(last, keras.Model):
            return last_activation(last, index)
        inputs = last._inbound_nodes[node].input_tensors
        if kind == "Concatenate":
            ends = {_behind(one) for one in inputs}
            return ends.pop() if len(ends) == 1 else None
        name = _own_activation(last)
        if not kind.startswith(_MOVING) and not (kind == "Activation" and name == "linear"):
            return name
        tensor = inputs[0]


def _own_activation(layer):
    """The name of the activation that a layer or operation applies last."""
    kind = type(layer).__name__
    if kind in _NAMES:
        return _NAMES[kind]
    if isinstance(layer, keras.layers.TimeDistributed):
        return _own_activation(layer.layer)
    if getattr(layer, "preactivation", False):
        return None
    return getattr(getattr(layer, "activation", None), "__name__", None)
