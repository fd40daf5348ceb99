"""A network's outputs by name, and what is said of each of them: targets, losses, weights, metrics."""

import keras
import tensorflow as tf
from keras.src.backend import get_keras_mask  # where a mask is found on a tensor; Keras does not export it
from keras.src.models import Functional

from keras_dl.checks import refusal
from keras_dl.models.base.structure import outputs_of


class Outputs:
    """The outputs of a network in the order in which Keras flattens them.

    Args:
        network: The network.

    Attributes:
        names: Their names: the keys of a dict of outputs, else those of the layers that give them, as in Keras.
        specs: Their symbolic tensors, where the network says what it returns, else one `None`.
    """

    def __init__(self, network):
        structure = outputs_of(network)
        self.specs = tf.nest.flatten(structure)
        if isinstance(structure, dict) and len(structure) == len(self.specs):
            self.names = sorted(structure)
        else:
            self.names = list(getattr(network, "output_names", None) or map(_name, self.specs))
        if len(self.names) != len(self.specs):
            self.names = [f"output_{i}" for i in range(len(self.specs))]

    def __len__(self):
        return len(self.specs)

    def masked(self, network):
        """Whether a mask of the inputs (`Masking`, `mask_zero`) may reach an output."""
        if isinstance(network, (Functional, keras.Sequential)):
            masks = [get_keras_mask(spec) for spec in self.specs if spec is not None]
            return any(mask is not None for mask in masks)
        layers = network._flatten_layers()  # what a subclassed model does shows only when it runs
        return any(isinstance(x, keras.layers.Masking) or getattr(x, "mask_zero", False) for x in layers)

    def predictions(self, predictions):
        """The network's predictions, as a list."""
        flat = tf.nest.flatten(predictions)
        if len(flat) != len(self):
            raise refusal(f"the network should return {len(self)} outputs", f"{len(flat)}")
        return flat

    def one_each(self, nest, what, default=None, shared=True):
        """What a nest says of each output, as a list.

        Args:
            nest: One leaf, a list in the order of the outputs, a dict by their names, or a nest like the predictions.
            what: What the entries are, for messages.
            default: What stands for names that a dict does not have.
            shared: Whether one leaf serves all outputs.

        Raises:
            ValueError: If a name is unknown or the number of entries does not fit.
        """
        if nest is None:
            return [default] * len(self)
        if isinstance(nest, dict) and set(nest) <= set(self.names):
            return [nest.get(name, default) for name in self.names]
        if isinstance(nest, dict) and not any(isinstance(value, (dict, list, tuple)) for value in nest.values()):
            unknown = ", ".join(sorted(map(str, set(nest) - set(self.names))))
            raise refusal(f"{what} should be named {', '.join(self.names)}", unknown)
        flat = keras.tree.flatten(nest)  # TensorFlow's takes no None
        if len(flat) == 1 and (shared or len(self) == 1):
            flat = flat * len(self)
        if len(flat) != len(self):
            raise refusal(
                f"{what} should have one entry, or one for each of {len(self)} outputs ({', '.join(self.names)})",
                f"{len(flat)}",
            )
        return flat


def _name(spec):
    history = getattr(spec, "_keras_history", None)
    return "output" if history is None else history.operation.name
