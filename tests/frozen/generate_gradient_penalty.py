"""Writes what torch's double backward computes for gradient penalties on a random convolutional critic.

    python tests/frozen/generate_gradient_penalty.py          # needs torch 2.13 and numpy; the test needs neither

writes torch_gradient_penalty.npz beside this file: images, positions on the lines between them, weights in Keras'
layouts, and for each activation the penalties of every sample and the gradients of their mean with respect to the
weights. torch runs in float64.
"""

import pathlib

import numpy as np
import torch
import torch.nn.functional as F

ACTIVATIONS = {"tanh": torch.tanh, "leaky_relu": lambda x: F.leaky_relu(x, 0.2)}
SHAPES = {
    "conv_1/kernel": (3, 3, 2, 4),
    "conv_1/bias": (4,),
    "conv_2/kernel": (3, 3, 4, 5),
    "conv_2/bias": (5,),
    "score/kernel": (2 * 2 * 5, 1),
    "score/bias": (1,),
}


def arrays():
    rng = np.random.default_rng(0)
    made = {name: 0.7 * rng.standard_normal(shape) for name, shape in SHAPES.items()}
    made |= {name: rng.standard_normal((4, 11, 11, 2)) for name in ("real", "fake")}
    made["position"] = rng.random((4, 1, 1, 1))
    return {name: array.astype("float32") for name, array in made.items()}


def critic(x, weights, activation):
    """Channels-last images to scores; kernels in Keras' layouts."""
    x = x.permute(0, 3, 1, 2)
    for name in ("conv_1", "conv_2"):
        kernel = weights[f"{name}/kernel"].permute(3, 2, 0, 1)
        x = activation(F.conv2d(x, kernel, weights[f"{name}/bias"], stride=2))
    x = x.permute(0, 2, 3, 1).flatten(1)
    return (x @ weights["score/kernel"] + weights["score/bias"])[:, 0]


def squared_norms(x, weights, activation):
    x = x.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(x, weights, activation).sum(), x, create_graph=True)
    return gradient.flatten(1).square().sum(1)


def penalties(data, weights, activation):
    between = data["real"] + data["position"] * (data["fake"] - data["real"])
    norms = squared_norms(between, weights, activation).sqrt()
    return {
        "gradient_penalty": 10 * (norms - 1).square(),
        "one_sided": 10 * F.relu(norms - 2).square(),
        "r1": 0.5 * 3 * squared_norms(data["real"], weights, activation),
    }


def main():
    assert torch.__version__.startswith("2.13"), torch.__version__
    given = arrays()
    found = dict(given)
    for kind, activation in ACTIVATIONS.items():
        data = {name: torch.tensor(given[name], dtype=torch.float64) for name in ("real", "fake", "position")}
        weights = {n: torch.tensor(given[n], dtype=torch.float64, requires_grad=True) for n in SHAPES}
        for name, values in penalties(data, weights, activation).items():
            found[f"{kind}/{name}"] = values.detach().numpy()
            gradients = torch.autograd.grad(values.mean(), list(weights.values()), retain_graph=True, allow_unused=True)
            for weight, gradient in zip(weights, gradients, strict=True):
                if gradient is not None:
                    found[f"{kind}/{name}/{weight}"] = gradient.numpy()
    np.savez_compressed(pathlib.Path(__file__).parent / "torch_gradient_penalty.npz", **found)


if __name__ == "__main__":
    main()
