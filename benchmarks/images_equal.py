"""Checks that the networks of W14 to W17 compute the same in keras_dl and in PyTorch, given the same weights.

    python -m benchmarks.images_equal --torch PYTHON

prints the number of weights of each network, and the largest difference of outputs as a share of the largest output.
"""

import numpy as np

from benchmarks import two_sides


def in_keras(folder):
    """Writes weights, in PyTorch's order and layout, inputs and outputs of each network to a folder."""
    import keras

    from benchmarks import images
    from keras_dl import networks

    cycle, gan = images.cycle_gan(), images.stylegan()
    built = {
        "edsr": (networks.edsr(), (24, 20, 3)),
        "espcn": (networks.espcn(scale=2), (24, 20, 1)),
        "translator": (cycle.forward, (64, 64, 3)),
        "patch_critic": (cycle.critic_a, (64, 64, 3)),
        "stylegan_critic": (gan.critic, (32, 32, 3)),
        "stylegan_generator": (gan.generator, (128,)),
    }
    generator = np.random.default_rng(0)
    for name, (network, shape) in built.items():
        for weight in network.weights:  # biases too, which start at 0
            deviation = 0.1 if len(weight.shape) < 2 else float(np.std(weight)) or 1.0
            weight.assign(deviation * generator.standard_normal(weight.shape))
        x = generator.standard_normal((8, *shape)).astype("float32")
        y = keras.ops.convert_to_numpy(network(x))
        weights = _ordered(network, name)
        channels_first = [np.moveaxis(tensor, -1, 1) if tensor.ndim == 4 else tensor for tensor in (x, y)]
        np.savez(folder / name, *channels_first, *weights)


def _ordered(network, name):
    """The weights of a network as PyTorch's has them."""
    layers = network.layers
    if name == "stylegan_generator":
        layers = _generator_layers(network)
    elif name == "stylegan_critic":
        names = ["colours_32"]
        names += [f"{part.format(side)}" for side in (32, 16, 8) for part in ("conv_{}_0", "conv_{}_1", "shortcut_{}")]
        layers = [network.get_layer(layer) for layer in (*names, "conv_4", "features", "score")]
    return [_as_torch(weight, layer.name) for layer in layers for weight in layer.weights]


def _generator_layers(network):
    """The layers in the order of PyTorch's parameters: constants and biases of a module before its parts."""
    synthesis = network.get_layer("synthesis").get_layer
    first = [(4, 1), (8, 0), (16, 0), (32, 0)]
    layers = [network.get_layer("mapping"), synthesis("constant")]
    for side, number in [*first, (8, 1), (16, 1), (32, 1)]:
        layers += [synthesis(f"conv_{side}_{number}{part}") for part in ("_noise", "_activation", "")]
    for side in (4, 8, 16, 32):
        layers += [synthesis(f"colours_{side}_bias"), synthesis(f"colours_{side}")]
    return [*layers, network.get_layer("fixed_noise")]


def _as_torch(weight, layer):
    """A weight in PyTorch's layout; channels become pixels in another order, and flat maps have channels first."""
    value = np.asarray(weight)
    if layer in ("up_1_conv", "last") and value.shape[-1] % 4 == 0:
        value = np.moveaxis(value.reshape(*value.shape[:-1], 4, -1), -2, -1).reshape(value.shape)
    if layer == "features" and value.ndim == 2:
        value = np.moveaxis(value.reshape(4, 4, -1, value.shape[-1]), 2, 0).reshape(value.shape)
    if layer == "constant":
        return np.moveaxis(value, -1, 0)
    return np.transpose(value, {1: (0,), 2: (1, 0), 4: (3, 2, 0, 1)}[value.ndim])


def in_torch(folder):
    """Prints how far PyTorch's outputs are from those in a folder."""
    import torch

    from benchmarks import cycle_torch, enlarging_torch, stylegan_torch

    cycle_torch.Doubling.keras_borders = True
    built = {
        "edsr": enlarging_torch.EDSR,
        "espcn": enlarging_torch.ESPCN,
        "translator": cycle_torch.Translator,
        "patch_critic": cycle_torch.PatchCritic,
        "stylegan_critic": stylegan_torch.Critic,
        "stylegan_generator": stylegan_torch.Generator,
    }
    for name, network in built.items():
        x, y, *weights = (torch.from_numpy(value) for value in np.load(folder / f"{name}.npz").values())
        network = network()
        parameters = [*network.parameters(), *network.buffers()][: len(weights)]
        for parameter, weight in zip(parameters, weights, strict=True):
            parameter.data.copy_(weight.reshape(parameter.shape) if weight.ndim == 1 else weight)
        with torch.no_grad():
            difference = (network(x).reshape(y.shape) - y).abs().max() / y.abs().max()
        count = sum(parameter.numel() for parameter in network.parameters())
        print(f"{name}: {count} weights, difference {float(difference):.1e}", flush=True)


if __name__ == "__main__":
    two_sides.compare("benchmarks.images_equal", __doc__.splitlines()[0], in_keras, in_torch)
