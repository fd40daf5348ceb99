"""Weights from elsewhere: torchvision's state dicts and the models of keras.applications."""

import os
import re
from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np

from keras_dl import layers
from keras_dl.checks import refusal
from keras_dl.networks.transfer_names import HEADS, source_names
from keras_dl.types import PathLike

TORCH_KINDS = {"running_mean": "moving_mean", "running_var": "moving_variance"}


def transfer_weights(
    model: keras.Model,
    source: PathLike | Mapping | keras.Model,
    skip: Sequence[str] = (),
    names: Callable | str | None = None,
) -> None:
    """Copies weights into a network of this package from a torchvision state dict or a keras.applications model.

    Convolution kernels go from (out, in, height, width) to (height, width, in, out), dense ones from (out, in) to (in,
    out), the rows behind a flattened map from channels first to channels last; normalizations bring their running means
    and variances. Counterparts in torchvision have AlexNet (of one stream), VGG with and without batch normalization,
    GoogLeNet (`batch_norm=True, large_kernel=3, last_pool=2`), ResNet, DenseNet and SqueezeNet; in timm, SE-ResNet; in
    keras.applications, VGG, ResNet (`stride_in_1x1=True`) and DenseNet. The biases of keras.applications' ResNets go
    into the running means behind them, which is the same function in inference.

    A state dict is saved by
    `numpy.savez(file, **{name: x.numpy() for name, x in torch_model.state_dict().items()})`.

    Args:
        model: Network of this package, for any image size and number of channels that the source fits. With
            `include_top=False` the source's last layers are left out.
        source: Path of such a file, a dict of such arrays, or a `keras.Model`.
        skip: Names of layers of `model` that keep their weights, such as `["classes"]` for other classes.
        names: For sources with other names: a function from the path of a part of `model` that has weights, such as
            `"stage_1_block_1/conv_1/convolution"`, to the name of the source's module, or `None` if it has none.

    Raises:
        ValueError: If the network has no counterpart, a weight is missing or of another shape, or a weight of the
            source has no place; it names the weight. No weight is changed then.

    Example:

    >>> theirs = keras.applications.VGG16(weights=None, input_shape=(32, 32, 3), classes=10, include_top=False)
    >>> network = keras_dl.networks.vgg16((32, 32, 3), include_top=False)
    >>> transfer_weights(network, theirs)
    >>> image = keras.random.uniform((1, 32, 32, 3))
    >>> bool(keras.ops.max(keras.ops.abs(network(image) - theirs(image))) < 1e-4)
    True
    """
    parts = _parts(model)
    convention, modules = _modules(source)
    places = _places(model, parts, convention, names)
    _fold_biases(model, places, modules)
    if convention == "torchvision":
        _put_channels_last(model, parts, places, modules)
    filled = [path for path in parts if path.split("/")[0] not in skip]
    values = [pair for path in filled for pair in _values(path, parts[path], places.get(path), modules)]
    used = {places.get(path) for path in parts}
    left = [name for name in modules if name not in used and not HEADS[convention].fullmatch(name)]
    if left:
        raise refusal(f"every weight should have a place in {model.name!r}", f"{left[0]}, which has none")
    for weight, value in values:
        weight.assign(value)


def _parts(model):
    """Returns a network's weights by the path of the layer that owns them and by kind."""
    parts = {}
    for weight in model.weights:
        path, _, kind = weight.path.rpartition("/")
        parts.setdefault(path, {})[kind] = weight
    return parts


def _modules(source):
    """Returns a source's convention, and its weights by module and kind in Keras' layout and under Keras' names."""
    if isinstance(source, keras.Model):
        owners = [layer for layer in source.layers if layer.weights]
        return "keras", {layer.name: {w.name: keras.ops.convert_to_numpy(w) for w in layer.weights} for layer in owners}
    if isinstance(source, (str, os.PathLike)):
        with np.load(source, allow_pickle=False) as file:
            source = {name: file[name] for name in file.files}
    if not isinstance(source, Mapping):
        raise refusal("`source` should be a path, a dict of arrays or a Keras model", source=source)
    modules = {}
    for name, array in source.items():
        module, _, kind = name.rpartition(".")
        modules.setdefault(module, {})[kind] = np.asarray(array)
    return "torchvision", {name: _from_torch(arrays) for name, arrays in modules.items()}


def _from_torch(arrays):
    normalizes = "weight" in arrays and arrays["weight"].ndim == 1
    kinds = {**TORCH_KINDS, "weight": "gamma" if normalizes else "kernel", "bias": "beta" if normalizes else "bias"}
    arrays = {kinds.get(kind, kind): array for kind, array in arrays.items() if kind != "num_batches_tracked"}
    if "kernel" in arrays:
        arrays["kernel"] = np.moveaxis(arrays["kernel"], (1, 0), (-2, -1))
    return arrays


def _places(model, parts, convention, names):
    """Returns the names of the source's modules by the paths of the network's parts."""
    if names is not None:
        return {path: names(path) for path in parts if names(path) is not None}
    places = source_names([layer.name for layer in model.layers], list(parts), convention)
    if places is None:
        raise refusal("`names` should be given for a network that has no counterpart", f"{model.name!r}")
    return places


def _fold_biases(model, places, modules):
    """Takes biases in front of normalizations from the running means, if the network has no such biases."""
    for block in model._flatten_layers():
        if not isinstance(block, layers.ConvBlock) or block.preactivation or block.normalization is None:
            continue
        convolution, normalization = (
            modules.get(places.get(f"{block.path}/{part}"), {}) for part in ("convolution", "normalization")
        )
        average, bias = normalization.get("moving_mean"), convolution.get("bias")
        if not block.has_bias and bias is not None and np.shape(average) == bias.shape:
            normalization["moving_mean"] = average - convolution.pop("bias")


def _put_channels_last(model, parts, places, modules):
    """Puts the rows of kernels behind a flattened map in the order height, width, channels."""
    for path in parts:
        flatten = re.sub("dense(_1)?$", "flatten", path)
        kernel = modules.get(places.get(path), {}).get("kernel")
        if flatten == path or kernel is None:
            continue
        height, width, channels = model.get_layer(flatten).input.shape[1:]
        if len(kernel) == height * width * channels:
            kernel = kernel.reshape(channels, height, width, -1).transpose(1, 2, 0, 3)
            modules[places[path]]["kernel"] = kernel.reshape(height * width * channels, -1)


def _values(path, weights, name, modules):
    """Returns pairs of the variables of one part and the arrays that they get."""
    if name not in modules:
        raise refusal(f"the source should have {name or 'a counterpart'} for {path}", "no such weights")
    arrays = dict(modules[name])
    for kind in sorted({*weights, *arrays}):
        expected = tuple(weights[kind].shape) if kind in weights else None
        received = arrays[kind].shape if kind in arrays else None
        if expected is not None and received == (1, 1, *expected):  # a dense layer as a convolution of 1x1
            arrays[kind], received = arrays[kind].reshape(expected), expected
        if expected != received:
            raise refusal(
                f"{name} does not fit {path}: {kind} should have the shape {expected} in Keras' layout, or skip=["
                f"{path.split('/')[0]!r}] to keep that layer's own weights",
                received,
            )
    return [(weight, arrays[kind]) for kind, weight in weights.items()]
