"""Checks that the energy of W12 and its slope are those of PyTorch's network, given the same weights.

    python -m benchmarks.families_equal --torch PYTHON

prints the number of weights, and the largest differences as shares of the largest values.
"""

import numpy as np

from benchmarks import two_sides


def in_keras(folder):
    """Writes images, energies, slopes and weights, in PyTorch's order and layout."""
    import tensorflow as tf

    from benchmarks import families
    from keras_dl.samplers import energies_and_slopes

    network, generator = families.energy_network(), np.random.default_rng(0)
    for weight in network.weights:  # biases too, which start at 0
        weight.assign(weight + 0.1 * float(np.std(weight) or 1.0) * generator.standard_normal(weight.shape))
    x = generator.random((8, *families.IMAGE)).astype("float32")
    energies, slopes = energies_and_slopes(network, tf.constant(x))
    weights = [_as_torch(np.asarray(weight)) for weight in network.weights]
    np.savez(folder / "values.npz", x.transpose(0, 3, 1, 2), energies, np.transpose(slopes, (0, 3, 1, 2)), *weights)


def _as_torch(weight):
    """A weight in PyTorch's layout, whose flat maps have channels first."""
    if weight.ndim == 2 and weight.shape[0] == 4 * 4 * 128:
        weight = weight.reshape(4, 4, 128, -1).transpose(2, 0, 1, 3).reshape(weight.shape)
    return weight.transpose({1: (0,), 2: (1, 0), 4: (3, 2, 0, 1)}[weight.ndim])


def in_torch(folder):
    """Prints how far PyTorch's values are from those in a file."""
    import torch

    from benchmarks.denoising_torch import Energy

    x, *expected = (torch.from_numpy(value) for value in np.load(folder / "values.npz").values())
    energies, slopes, *weights = expected
    network = Energy()
    for parameter, weight in zip(network.parameters(), weights, strict=True):
        parameter.data.copy_(weight)
    x.requires_grad_(True)
    values = network(x)[:, 0]
    (gradient,) = torch.autograd.grad(values.sum(), x)
    pairs = {"energy": (values.detach(), energies), "slope": (gradient, slopes)}
    differences = [f"{name} {float((a - b).abs().max() / b.abs().max()):.1e}" for name, (a, b) in pairs.items()]
    print(f"{sum(weight.numel() for weight in weights)} weights, differences: {', '.join(differences)}")


if __name__ == "__main__":
    two_sides.compare("benchmarks.families_equal", __doc__.splitlines()[0], in_keras, in_torch)
