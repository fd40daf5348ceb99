"""Intermediate features of a network."""

import re
from collections.abc import Sequence

import keras

from keras_dl.checks import refusal

STAGE = re.compile(r"(stem|stage_\d+)(_.*)?")
NOT_FEATURES = ("_padding", "_pool", "_dropout", "_blur")


def features(model: keras.Model, layers: str | Sequence[str] | None = None) -> keras.Model:
    """Returns the model that gives intermediate features of a network, with the network's own weights.

    The networks of this package name their layers by stages, `stem` and `stage_1`, `stage_2` ... A stage's features are
    its last maps before they are pooled for the next stage: in VGG, `stage_1` has the size of the image and `stage_5` a
    sixteenth of it; in ResNet, `stem` has a half, `stage_1` a fourth and `stage_4` a thirty-second of it.

    Args:
        model: Functional `keras.Model`.
        layers: Names of stages and of layers, whose outputs are wanted; `None` for all stages.

    Returns:
        A functional `keras.Model` with the inputs of `model`, to a dict from the names to tensors. Its layers are those
        of `model`: training one trains the other.

    Raises:
        ValueError: If the model has no stages, or neither a stage nor a layer of a name.

    Example:

    >>> network = keras_dl.networks.create("resnet18", input_shape=(64, 64, 3), include_top=False, width=8)
    >>> maps = features(network)(keras.ops.zeros((1, 64, 64, 3)))
    >>> print({name: tuple(x.shape[1:]) for name, x in maps.items()})
    {'stem': (32, 32, 8), 'stage_1': (16, 16, 8), 'stage_2': (8, 8, 16), 'stage_3': (4, 4, 32), 'stage_4': (2, 2, 64)}
    >>> features(network, ["stage_2_block_1"])(keras.ops.zeros((1, 64, 64, 3)))["stage_2_block_1"].shape
    TensorShape([1, 8, 8, 16])
    """
    last_layers = stages(model)
    known = {**{layer.name: layer for layer in model.layers}, **last_layers}
    names = [*last_layers] if layers is None else [layers] if isinstance(layers, str) else [*layers]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise refusal(f"`layers` should name stages, {[*last_layers]}, or layers of {model.name!r}", layers=layers)
    inputs = model.inputs[0] if len(model.inputs) == 1 else model.input
    return keras.Model(inputs, {name: known[name].output for name in names}, name=f"{model.name}_features")


def stages(model):
    """Returns the last layer of each stage of a network, a dict from the stages' names in their order."""
    last = {}
    for layer in model.layers:
        match = STAGE.fullmatch(layer.name)
        if match and not layer.name.endswith(NOT_FEATURES):
            last[match[1]] = layer
    return last
