"""Weights of StyleGAN 2 under the names of its PyTorch state dicts, given to the networks here."""

from collections.abc import Mapping

import keras
import numpy as np

from keras_dl.checks import refusal
from keras_dl.types import PathLike


def load_stylegan2_weights(network: keras.Model, arrays: PathLike | Mapping) -> np.ndarray | None:
    """Gives a `stylegan_generator` or `stylegan_critic` the weights of a state dict of stylegan2-ada-pytorch.

    The network must have been built for the same sizes: `style="modulation"` with `architecture="skip"` and
    `output_activation=None`, or a critic with `architecture="residual"`; published images lie in [-1, 1].

    Args:
        network: The generator or the critic.
        arrays: Dict from names (`"synthesis.b4.conv1.weight"`) to arrays, or the path of an `.npz` file of them: what
            `numpy.savez(path, **{k: v.numpy() for k, v in G.state_dict().items()})` writes.

    Returns:
        The generator's mean style, `"mapping.w_avg"`, or `None` where there is none. A `models.StyleGAN` that is made
        of the networks afterwards, so that averages begin at these weights, takes it: `gan.mean_style = mean`.

    Raises:
        ValueError: If an array is missing, or of another shape than the weight it is for.
    """
    if not hasattr(arrays, "keys"):
        with np.load(arrays, allow_pickle=False) as file:
            arrays = dict(file)
    is_generator = "synthesis" in {layer.name for layer in network.layers}
    pairs = _generator(network) if is_generator else _critic(network)
    values = [(variable, name, _array(arrays, name, convert)) for variable, name, convert in pairs]
    for variable, name, value in values:
        if tuple(variable.shape) != value.shape:
            raise refusal(f"{name} should give {variable.path} shape {tuple(variable.shape)}", f"{value.shape}")
    for variable, _, value in values:
        variable.assign(value)
    return arrays.get("mapping.w_avg")  # type: ignore[union-attr]


def _array(arrays, name, convert):
    names = [name] if isinstance(name, str) else name
    missing = [one for one in names if one not in arrays]
    if missing:
        raise refusal("The state dict should hold all weights of the network", f"none named {', '.join(missing)}")
    return convert(*[np.asarray(arrays[one]) for one in names])


def _generator(network):
    mapping, synthesis = network.get_layer("mapping"), network.get_layer("synthesis")
    noises = [f"{_torch_name(layer.name)}.noise_const" for layer in synthesis.layers if layer.name.endswith("_noise")]
    noises.sort(key=lambda name: (int(name.split(".")[1][1:]), name))
    fixed = network.get_layer("fixed_noise").constant
    pairs = [(fixed, noises, lambda *maps: np.concatenate([one.ravel() for one in maps]))]
    for layer in mapping.layers:
        if layer.name.startswith("dense_"):
            pairs += _plain(layer, f"mapping.fc{layer.name[6:]}", _dense)
        elif layer.name == "embedding":
            pairs += _plain(layer, "mapping.embed", _dense)
    for layer in synthesis.layers:
        pairs += _synthesis_layer(layer)
    return pairs


def _synthesis_layer(layer):
    """Weights of one layer of the synthesis, with their names and conversions."""
    kind = type(layer).__name__
    if kind == "Constant":
        return [(layer.constant, "synthesis.b4.const", lambda x: x.transpose(1, 2, 0))]
    if kind not in ("ModulatedConv2D", "NoiseInjection", "ScaledLeakyReLU"):
        return []
    name = _torch_name(layer.name)
    if kind == "ModulatedConv2D":
        affine = _plain(layer.affine, f"{name}.affine", _dense)
        # Theirs start from a bias of 1, ours add 1.
        return [(layer.kernel, f"{name}.weight", _conv), affine[0], (*affine[1][:2], lambda x: x - 1)]
    if kind == "NoiseInjection":
        return [(layer.strength, f"{name}.noise_strength", lambda x: x.reshape(1))]
    return [(layer.bias, f"{name}.bias", np.asarray)]


def _torch_name(name):
    """The published name of `conv_8_0`, `conv_8_0_noise`, `colours_8` or `colours_8_bias`."""
    kind, side, *rest = name.split("_")
    return f"synthesis.b{side}.torgb" if kind == "colours" else f"synthesis.b{side}.conv{(rest or [''])[0]}"


def _critic(network):
    pairs, channels = [], network.get_layer("conv_4").kernel.shape[-1]
    names = {"conv_4": "b4.conv", "score": "b4.out", "embedding": "mapping.embed"}
    for layer in network.layers:
        kind, *rest = layer.name.split("_")
        if layer.name == "features":
            pairs += _plain(layer, "b4.fc", lambda x: _flat(x, channels))
        elif layer.name in names:
            pairs += _plain(layer, names[layer.name], _conv if kind == "conv" else _dense)
        elif kind == "mapping":
            pairs += _plain(layer, f"mapping.fc{rest[0]}", _dense)
        elif kind in ("conv", "colours", "shortcut") and layer.weights:
            part = {"conv": f"conv{rest[-1]}", "colours": "fromrgb", "shortcut": "skip"}[kind]
            pairs += _plain(layer, f"b{rest[0]}.{part}", _conv)
    return pairs


def _plain(layer, name, convert):
    """The kernel and, if there is one, the bias of a layer."""
    bias = [(layer.bias, f"{name}.bias", np.asarray)] if layer.use_bias else []
    return [(layer.kernel, f"{name}.weight", convert), *bias]


def _dense(x):
    return x.T


def _conv(x):
    return x.transpose(2, 3, 1, 0)


def _flat(x, channels):
    """A dense kernel behind maps that were flattened with their channels first."""
    return x.reshape(len(x), channels, 4, 4).transpose(2, 3, 1, 0).reshape(-1, len(x))
