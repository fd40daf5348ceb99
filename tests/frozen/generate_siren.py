"""Writes how a small SIREN learns a small image in torch: initial weights and the loss before every step.

    python tests/frozen/generate_siren.py          # needs torch 2.13 and numpy; the test needs neither

writes torch_siren.npz beside this file. torch's own initial biases and Adam; weights as in Sitzmann et al. 2020,
section 3.2; float64 from float32 initial weights. Kernels are (inputs, outputs) in the file.
"""

import math
import pathlib

import numpy as np
import torch

FOLDER = pathlib.Path(__file__).parent
SIZES, SIDE, STEPS, OMEGA, RATE = (2, 24, 24, 1), 16, 60, 30.0, 1e-3


def image():
    """A smooth image with an edge, in [-1, 1], and the coordinates of its pixels."""
    line = torch.linspace(-1, 1, SIDE)
    x = torch.stack(torch.meshgrid(line, line, indexing="ij"), -1).reshape(-1, 2).double()
    y = 0.5 * torch.sin(4.0 * x[:, :1] + x[:, 1:]) + 0.4 * torch.sign(x[:, :1] - 0.3 * x[:, 1:])
    return x.float().double(), y.float().double()


def layers():
    made = []
    for first, (inputs, outputs) in enumerate(zip(SIZES, SIZES[1:], strict=False)):
        layer = torch.nn.Linear(inputs, outputs)
        bound = 1 / inputs if first == 0 else math.sqrt(6 / inputs) / OMEGA
        torch.nn.init.uniform_(layer.weight, -bound, bound)
        made.append(layer)
    return torch.nn.ModuleList(made)


def main():
    assert torch.__version__.startswith("2.13"), torch.__version__
    torch.manual_seed(0)
    (x, y), network = image(), layers()
    arrays = {"x": x.numpy().astype("float32"), "y": y.numpy().astype("float32")}
    for i, layer in enumerate(network):
        arrays[f"kernel_{i}"], arrays[f"bias_{i}"] = layer.weight.detach().numpy().T.copy(), layer.bias.detach().numpy()
    arrays = {name: array.copy() for name, array in arrays.items()}
    network.double()
    optimizer, losses = torch.optim.Adam(network.parameters(), lr=RATE), []
    for _ in range(STEPS):
        values = x
        for layer in network[:-1]:
            values = torch.sin(OMEGA * layer(values))
        loss = ((network[-1](values) - y) ** 2).mean()
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    np.savez_compressed(FOLDER / "torch_siren.npz", **arrays, losses=np.array(losses, "float32"))
    print(f"loss {losses[0]:.4f} to {losses[-1]:.4f}")


if __name__ == "__main__":
    main()
