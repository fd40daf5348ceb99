"""What PyTorch's sides share: a training step, and how a function is compiled and laid out.

Variants are options joined by `_`: `eager` or `compile` (torch.compile), `cl` for channels last.
"""

import torch

from benchmarks.worker import Inference

LAYOUTS = {True: torch.channels_last, False: torch.contiguous_format}


def layout(variant):
    """The memory format of a variant's images."""
    return LAYOUTS["cl" in variant.split("_")]


def compiled(function, variant):
    """The function, compiled if the variant says so."""
    return torch.compile(function) if "compile" in variant.split("_") else function


def weights(network):
    """The number of weights that are trained."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


def training(network, loss, variant, average=None):
    """A step of Adam by its fused kernel, ready to be timed.

    Args:
        network: The module.
        loss: Function without arguments that returns a scalar.
        variant: Options joined by `_`.
        average: Momentum of averaged weights, or `None`.
    """
    loss = compiled(loss, variant)
    parameters = list(network.parameters())
    optimizer = torch.optim.Adam(parameters, 1e-4, fused=True)
    averages = [parameter.detach().clone() for parameter in parameters] if average else []

    def step():
        optimizer.zero_grad(set_to_none=True)
        value = loss()
        value.backward()
        optimizer.step()
        if averages:
            with torch.no_grad():
                torch._foreach_lerp_(averages, parameters, 1.0 - average)
        return value

    result = Inference(step)
    result.note = f"weights={weights(network)}"
    return result


def sampling(call):
    """A function without arguments whose result is fetched, ready to be timed."""

    def fetched():
        with torch.no_grad():
            return call().numpy()

    return Inference(fetched)
