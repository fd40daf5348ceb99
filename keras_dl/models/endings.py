"""The ends of networks: the range of what comes last, and whether what reads it can use it."""

import functools
import inspect
import math
import re
import warnings
from typing import NamedTuple

import keras
import numpy as np

INFINITE = float("inf")
#: Readers of logits that see only their differences along the last axis, which a log-softmax leaves as they are.
_SOFTMAX = ("Categorical", "CrossEntropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy")
_SOFTMAX += ("categorical_crossentropy", "sparse_categorical_crossentropy")
#: Keras' losses of probabilities, which know no logits.
_OF_PROBABILITIES = ("KLDivergence", "Dice", "Tversky", "CategoricalGeneralizedCrossEntropy")
_OF_PROBABILITIES += ("kl_divergence", "dice", "tversky", "categorical_generalized_cross_entropy")
#: Names of layers and operations, where they are not the class's in lower case.
_NAMES = {"ReLU": "relu", "ELU": "elu", "LeakyReLU": "leaky_relu", "Exp": "exponential"}
_MOVING = ("Reshape", "Flatten", "Squeeze", "ExpandDims", "Identity", "Cast", "Permute", "Transpose", "AsType")
#: Layers that do nothing, or nothing to the range, where a network is used.
_MOVING += ("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "GaussianDropout", "GaussianNoise")
_MOVING += ("ActivityRegularization",)
#: Sizes of what is tried, the smaller and the larger (below the largest float16), and how many values.
_SCALES, _COUNT = (10.0, 1e4), 4096


class End(NamedTuple):
    """What a network ends with.

    Attributes:
        name: Name of the activation, layer or operation, `"linear"` for none.
        low, high: The range of what it gives, infinite where it is not limited.
    """

    name: str
    low: float = -INFINITE
    high: float = INFINITE

    @property
    def limited(self):
        """Whether it gives only a part of the real numbers."""
        return self.low > -INFINITE or self.high < INFINITE

    @property
    def gives_probabilities(self):
        """Whether it gives numbers from 0 to 1 alone."""
        return self.low >= 0 and self.high <= 1


def ending(network, output=0):
    """The `End` of a network's output, or `None` where it is not known.

    The range is measured: what the last activation, layers without weights and operations make of small and large
    numbers. Models in models are looked into, layers that only move values or cast them are passed over, and parts that
    are concatenated count together.

    Args:
        network: A `keras.Model`, or a layer.
        output: Which of its outputs, in the order of `keras.tree.flatten`.
    """
    outputs = getattr(network, "outputs", None)
    if not outputs:  # a subclassed model does not say what comes last
        layers = getattr(network, "layers", None)
        return _of_activation(layers[-1], 8) if layers else None
    return _behind(outputs[output])


def last_activation(network, output=0):
    """The name of the `ending`, or `None`."""
    end = ending(network, output)
    return end and end.name


def check_parameters(name, network, reads, reader):
    """Warns of a network whose end keeps it from giving what is read of it.

    Args:
        name: What the network is called, the argument by which it came.
        network: The network.
        reads: What is read, in words, where it may be any real number; `None` where any range may be meant.
        reader: Name of what reads.
    """
    end = ending(network) if reads else None
    if end is not None and end.limited and not _suits(end, reads, reader):
        warnings.warn(f"{name} should end without a {end.name}: {reader} reads {reads}.", stacklevel=3)


def check_losses(network, losses):
    """Warns of losses, one an output of a network, that read logits of an activation, or probabilities without one."""
    for index, loss in enumerate(losses):
        reads, name = _what_is_read(loss), getattr(loss, "__name__", type(loss).__name__)
        end = None if reads is None else ending(network, index)
        if end is None:
            continue
        if reads == "probabilities" and not end.gives_probabilities:
            logits = "it from_logits=True, or " if _from_logits(loss) is False else ""
            needed = f"{logits}the network a sigmoid or softmax: it ends with {end.name}"
            warnings.warn(f"{name} reads probabilities. Give {needed}.", stacklevel=3)
        elif reads == "log-probabilities" and not end.limited:
            warnings.warn(f"{name} reads {reads}. End the network with a log_softmax, not {end.name}.", stacklevel=3)
        elif reads != "probabilities" and end.limited and not _suits(end, reads, name):
            warnings.warn(f"network should end without a {end.name}: {name} reads {reads}.", stacklevel=3)


def _suits(end, reads, reader):
    """Whether a limited end gives all that is read."""
    logarithms = end.low == -INFINITE and end.high <= 0
    return logarithms and (reads == "log-probabilities" or (end.name == "log_softmax" and reader in _SOFTMAX))


def _what_is_read(loss):
    reads = getattr(loss, "reads", None)
    if reads is not None:
        return reads
    part = loss if inspect.isfunction(loss) else type(loss)
    if part.__module__.startswith("keras.") and part.__name__ in _OF_PROBABILITIES:
        return "probabilities"
    return {True: "logits", False: "probabilities"}.get(_from_logits(loss))


def _from_logits(loss):
    """Whether a loss or function is told to read logits; `None` where it knows none."""
    from_logits = getattr(loss, "from_logits", None)
    if from_logits is None and inspect.isfunction(loss):
        parameter = inspect.signature(loss).parameters.get("from_logits")
        from_logits = None if parameter is None else parameter.default
    return from_logits


def _behind(tensor):
    """The `End` that gives a symbolic tensor."""
    last, node, index = tensor._keras_history
    if isinstance(last, keras.Model):
        return ending(last, index)
    kind, inputs = type(last).__name__, last._inbound_nodes[node].input_tensors
    if kind == "Concatenate":
        return _joined([_behind(one) for one in inputs])
    if len(inputs) == 1 and kind.startswith(_MOVING):
        return _behind(inputs[0])
    if len(inputs) == 1 and not getattr(last, "weights", None):
        return _after(inputs[0], last, tensor)
    end = _of_activation(last, tensor.shape[-1])
    if end is None and len(inputs) == 1 and type(last).__module__.split(".")[0] not in ("keras", "keras_dl"):
        end = _measured(_name(last), _function(inputs[0], tensor), _full(inputs[0].shape))
        return end if end is not None and end.limited else None  # of a layer with weights not all may be seen
    return end


def _joined(ends):
    """The `End` of parts side by side; `None` where they are of many kinds, of which some are not limited."""
    alike = len({end and end.name for end in ends}) == 1
    if None in ends or not (alike or all(end.limited for end in ends)):
        return None
    names = dict.fromkeys(end.name for end in ends)
    return End(" and a ".join(names), min(end.low for end in ends), max(end.high for end in ends))


def _after(source, last, tensor):
    """The `End` of a layer or operation without weights behind another end."""
    function, shape = _function(source, tensor), _full(source.shape)
    alone = _measured(_name(last), function, shape)
    if alone is None:
        return None
    before = None if isinstance(source._keras_history.operation, keras.layers.InputLayer) else _behind(source)
    if before is None:
        return alone if alone.limited else None
    named = alone if alone.limited or before.name == "linear" else before
    name = before.name if alone.name == "linear" else named.name
    return _measured(name, function, shape, before.low, before.high)


def _of_activation(layer, channels):
    """The `End` of a layer by the activation that it applies last."""
    if isinstance(layer, keras.layers.Wrapper):
        return _of_activation(layer.layer, channels)
    activation = getattr(layer, "activation", None)
    if not callable(activation) or getattr(layer, "preactivation", False):
        return None
    return _of_function(activation, _name(activation), channels or 4)


@functools.lru_cache(maxsize=128)
def _of_function(activation, name, channels):
    if name == "linear":
        return End(name)
    return _measured(name, activation, (1, channels))


def _name(part):
    """The name of an activation, layer or operation, as Keras writes activations."""
    function = part.activation if isinstance(part, keras.layers.Activation) else part
    name = getattr(function, "__name__", None)
    if name is None:
        kind = type(function).__name__
        name = _NAMES.get(kind) or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind).lower()
    return name.strip("<>")


def _function(source, tensor):
    """What makes a symbolic tensor of another, as a function."""
    return keras.Function(source, tensor)


def _full(shape):
    return tuple(4 if size is None else size for size in shape)


def _measured(name, function, shape, low=-INFINITE, high=INFINITE):
    """The `End` of a function of arrays whose first axis is the batch; `None` where it gives no numbers.

    Args:
        name: Its name.
        function: Function of an array.
        shape: Shape of the array.
        low, high: The range of its entries.
    """
    shape = (max(shape[0], _COUNT // int(np.prod(shape[1:]))), *shape[1:])
    random = np.random.default_rng(0)
    signs, sizes = random.choice([-1.0, 1.0], shape), random.random(shape)
    ranges = []
    for scale in _SCALES:
        values = np.clip(signs * 0.01 * (100 * scale) ** sizes, low, high).astype("float32")  # of all magnitudes
        try:
            # No layer remembers that it was tried, nor says anything of the numbers.
            with keras.StatelessScope(collect_losses=True), warnings.catch_warnings(action="ignore"):
                result = np.asarray(keras.ops.convert_to_numpy(function(values)), "float64")
        except Exception:  # of a user's layer whatever
            return None
        ranges.append((-result.min(), result.max()))
    below, above = (_bound(*ends) for ends in zip(*ranges, strict=True))
    return None if np.isnan([below, above]).any() else End(name, 0.0 - below, above)


def _bound(near, far):
    """The least upper bound of a function by its maxima over small and large numbers; infinite where it grows."""
    grows = not np.isfinite(far) or far > 1.5 * abs(near) + 0.01
    if np.isnan(far) or grows:
        return far if np.isnan(far) else INFINITE
    return math.ceil(round(1000 * far, 3)) / 1000  # outwards, as the bound itself may only be come near to
