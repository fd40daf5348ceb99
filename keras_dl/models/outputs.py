"""A network's outputs by name, and what is said of each of them: targets, losses, weights, metrics."""

import keras
from keras.src.backend import get_keras_mask  # where a mask is found on a tensor; Keras does not export it
from keras.src.models import Functional

from keras_dl.checks import refusal
from keras_dl.models.structure import outputs_of


class Outputs:
    """The outputs of a network in the order in which Keras flattens them.

    Args:
        network: The network.

    Attributes:
        names: Their names, by which dicts say something of them: the keys of a dict of outputs, else those of the
            layers that give them, as in Keras; layers that give several outputs share their name among these.
        specs: Their symbolic tensors, where the network says what it returns, else one `None`.
        named: Whether Keras knows the names too; it does not where a subclassed model returns a list.
    """

    def __init__(self, network):
        self.structure = outputs_of(network)
        leaves = keras.tree.flatten_with_path(self.structure)
        self.paths, self.specs = [tuple(path) for path, _ in leaves], [spec for _, spec in leaves]
        layers = [_layer(spec) for spec in self.specs]
        self._by_key = isinstance(self.structure, dict) and all(len(path) == 1 for path in self.paths)
        self.names = [path[0] for path in self.paths] if self._by_key else layers
        self.named = None not in self.names
        if not self.named:
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

    def loss_names(self, defaults):
        """What logs call the losses of all outputs: Keras' names, `"b/c"` of nested ones, and each but once.

        Keras writes all losses of a layer that gives several outputs under one name, so that the last is seen alone;
        here the second is `"a_1"`.

        Args:
            defaults: Names for outputs that have none, those of their losses.
        """
        names: list[str] = []
        for path, own, default in zip(self.paths, self.names, defaults, strict=True):
            own = own if self.named else default
            parts = path if path and isinstance(path[-1], str) else (*path[:-1], own)
            name, number = "/".join(map(str, parts)), 0
            unique = name
            while unique in names:
                number += 1
                unique = f"{name}_{number}"
            names.append(unique)
        return names

    def predictions(self, predictions):
        """The network's predictions, as a list."""
        flat = keras.tree.flatten(predictions)
        if len(flat) != len(self):
            raise refusal(f"the network should return {len(self)} outputs", f"{len(flat)}")
        return flat

    def metrics(self, metrics):
        """Metrics as Keras takes them beside flat lists of targets and predictions."""
        nested = any(len(path) > 1 for path in self.paths)
        return (_along(self.structure, metrics) or metrics) if nested and metrics else metrics

    def one_each(self, nest, what, default=None, shared=True):
        """What a nest says of each output, as a list.

        Args:
            nest: One leaf, a list in the order of the outputs, a dict by their names, or a nest like the predictions,
                of which dicts may leave out entries; a leaf in a list of its own is that leaf.
            what: What the entries are, for messages.
            default: What stands for entries that are left out, or `None`.
            shared: Whether one leaf, in no list, serves all outputs.

        Raises:
            ValueError: If a name is unknown or the number of entries does not fit.
        """
        if not keras.tree.is_nested(nest):
            if nest is not None and not shared and len(self) > 1:
                raise refusal(f"{what} should have one entry for each of {self._in_words()}", nest)
            return [default if nest is None else nest] * len(self)
        if isinstance(nest, dict) and set(nest) <= set(self.names):
            entries = [nest.get(name) for name in self.names]
        else:
            entries = _along(self.structure, nest)
        if entries is None and isinstance(nest, dict):
            raise refusal(f"{what} should be named {self._in_words()}", ", ".join(sorted(map(str, nest))))
        entries = [_alone(entry) for entry in (keras.tree.flatten(nest) if entries is None else entries)]
        if len(entries) != len(self) or any(keras.tree.is_nested(entry) for entry in entries):
            raise refusal(
                f"{what} should have one entry for each of {len(self)} outputs ({self._in_words()})",
                f"{len(entries)}" if len(entries) != len(self) else nest,
            )
        return [default if entry is None else entry for entry in entries]

    def _in_words(self):
        return ", ".join(map(str, self.names))


def _layer(spec):
    """The name of the layer or operation that gives a symbolic tensor; `None` where it does not say."""
    history = getattr(spec, "_keras_history", None)
    return None if history is None else history.operation.name


def _along(structure, nest):
    """The entries of a nest that follows a structure, in its order; `None` where it does not."""
    if nest is None:
        return [None] * len(keras.tree.flatten(structure))
    if not keras.tree.is_nested(structure):
        return None if isinstance(nest, dict) else [nest]
    if isinstance(structure, dict):
        if not isinstance(nest, dict) or not set(nest) <= set(structure):
            return None
        keys = dict.fromkeys(path[0] for path, _ in keras.tree.flatten_with_path(structure))
        parts = [(structure[key], nest.get(key)) for key in keys]
    else:
        if not isinstance(nest, (list, tuple)) or len(nest) != len(structure):
            return None
        parts = list(zip(structure, nest, strict=True))
    entries = [_along(*part) for part in parts]
    return None if None in entries else [entry for part in entries for entry in part]


def _alone(entry):
    """The one leaf of a list or tuple of one; anything else as it is."""
    return _alone(entry[0]) if isinstance(entry, (list, tuple)) and len(entry) == 1 else entry
