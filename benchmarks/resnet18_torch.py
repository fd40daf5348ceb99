"""PyTorch's side of W8: one image of 224x224 through ResNet-18. Needs torch alone; `benchmarks.compare` starts it.

Variants, joined by `_`: `eager` or `compile` (torch.compile), `cl` for channels last, `freezing` for weights that the
compiler may fold and pack.
"""

import os

import torch
from torch import nn
from torch.nn import functional

from benchmarks.worker import Inference, serve


def convolved(channels, filters, size, strides):
    """A convolution without bias and its normalization."""
    conv = nn.Conv2d(channels, filters, size, strides, padding=size // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(filters))


class Residual(nn.Module):
    """Two 3x3 convolutions beside a shortcut, which is a 1x1 convolution where the shape changes (He et al. 2015)."""

    def __init__(self, channels, filters, strides):
        super().__init__()
        self.first = convolved(channels, filters, 3, strides)
        self.second = convolved(filters, filters, 3, 1)
        changes = strides > 1 or channels != filters
        self.shortcut = convolved(channels, filters, 1, strides) if changes else nn.Identity()

    def forward(self, x):
        return functional.relu(self.second(functional.relu(self.first(x))) + self.shortcut(x))


def resnet18(classes=1000):
    """ResNet-18 (He et al. 2015, table 1): 11,689,512 weights."""
    parts, channels = [convolved(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, padding=1)], 64
    for stage, filters in enumerate((64, 128, 256, 512)):
        for block in range(2):
            parts.append(Residual(channels, filters, 2 if stage and not block else 1))
            channels = filters
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))


def measured(workload, variant):
    """A variant, ready to be timed."""
    options, layout = variant.split("_"), torch.contiguous_format
    torch.manual_seed(0)
    network = resnet18().eval()
    if "cl" in options:
        layout = torch.channels_last
    network = network.to(memory_format=layout)
    x = torch.rand(1, 3, 224, 224).to(memory_format=layout)
    if "compile" in options:
        torch._inductor.config.freezing = "freezing" in options
        network = torch.compile(network)

    def call():
        with torch.no_grad():
            return network(x).numpy()

    return Inference(call)


if __name__ == "__main__":
    torch.set_num_threads(os.cpu_count())
    serve(measured)
