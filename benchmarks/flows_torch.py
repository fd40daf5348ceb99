"""PyTorch's flows: splines by zuko's transforms (W9, W9a), and a Glow in plain PyTorch (W10)."""

import math

import torch
import zuko
from torch import nn
from torch.nn import functional

from benchmarks.training_torch import compiled, layout, sampling, training

COLUMNS = 64


def splines(kind):
    """Five layers of splines of 8 bins: `"coupling"` with scales and linear maps between, or `"autoregressive"`."""
    if kind == "autoregressive":
        return zuko.flows.NSF(COLUMNS, bins=8, transforms=5, hidden_features=(64, 64))
    parts = []
    for number in range(5):
        mask = (torch.arange(COLUMNS) < COLUMNS // 2) ^ bool(number % 2)
        rotation = torch.linalg.qr(torch.randn(COLUMNS, COLUMNS))[0]
        shapes = {"shapes": [(8,), (8,), (7,)], "hidden_features": (64, 64)}
        parts += [
            zuko.lazy.UnconditionalTransform(Scales, torch.zeros(COLUMNS), torch.zeros(COLUMNS)),
            zuko.lazy.UnconditionalTransform(zuko.transforms.LULinearTransform, rotation),
            zuko.flows.coupling.GeneralCouplingTransform(
                COLUMNS, mask=mask, univariate=zuko.transforms.MonotonicRQSTransform, **shapes
            ),
        ]
    zeros, ones = torch.zeros(COLUMNS), torch.ones(COLUMNS)
    base = zuko.lazy.UnconditionalDistribution(zuko.distributions.DiagNormal, zeros, ones, buffer=True)
    return zuko.lazy.Flow(parts, base)


def Scales(shift, scale):
    """A shift and a scale for each column."""
    return zuko.transforms.DependentTransform(zuko.transforms.MonotonicAffineTransform(shift, scale), 1)


def spline_training(kind, variant):
    """A step of maximum likelihood on 256 rows."""
    flow, x = splines(kind), torch.randn(256, COLUMNS)
    return training(flow, lambda: -flow().log_prob(x).mean(), variant)


def spline_sampling(kind, variant):
    """256 rows drawn."""
    flow = splines(kind)
    return sampling(compiled(lambda: flow().sample((256,)), variant))


class ActNorm(nn.Module):
    """A shift and a scale for each channel."""

    def __init__(self, channels):
        super().__init__()
        self.mean, self.log_scale = (nn.Parameter(torch.zeros(1, channels, 1, 1)) for _ in range(2))

    def forward(self, x):
        z = (x - self.mean) * torch.exp(-self.log_scale)
        return z, -x.shape[2] * x.shape[3] * self.log_scale.sum()

    def inverse(self, z):
        return z * torch.exp(self.log_scale) + self.mean


class InvertibleConvolution(nn.Module):
    """The 1x1 convolution by the triangular factors of its kernel."""

    def __init__(self, channels):
        super().__init__()
        permutation, lower, upper = torch.linalg.lu(torch.linalg.qr(torch.randn(channels, channels))[0])
        diagonal = upper.diagonal()
        self.register_buffer("permutation", permutation)
        self.register_buffer("signs", diagonal.sign())
        self.lower, self.upper = nn.Parameter(lower.tril(-1)), nn.Parameter(upper.triu(1))
        self.log_diagonal = nn.Parameter(diagonal.abs().log())

    def kernel(self):
        lower = self.lower.tril(-1) + torch.eye(len(self.lower))
        return self.permutation @ lower @ (self.upper.triu(1) + torch.diag(self.signs * self.log_diagonal.exp()))

    def forward(self, x):
        z = functional.conv2d(x, self.kernel()[:, :, None, None])
        return z, x.shape[2] * x.shape[3] * self.log_diagonal.sum()

    def inverse(self, z):
        return functional.conv2d(z, torch.linalg.inv(self.kernel())[:, :, None, None])


class Coupling(nn.Module):
    """Half of the channels moved and scaled by what three convolutions make of the other half."""

    def __init__(self, channels, filters=64):
        super().__init__()
        first = nn.Conv2d(channels // 2, filters, 3, padding=1)
        last = nn.Conv2d(filters, channels, 3, padding=1)
        nn.init.zeros_(last.weight), nn.init.zeros_(last.bias)
        self.network = nn.Sequential(first, nn.ReLU(), nn.Conv2d(filters, filters, 1), nn.ReLU(), last)

    def parameters_of(self, seen):
        shift, raw = self.network(seen).chunk(2, 1)
        return shift, functional.logsigmoid(raw + 2.0)

    def forward(self, x):
        seen, other = x.chunk(2, 1)
        shift, log_scale = self.parameters_of(seen)
        return torch.cat([seen, (other + shift) * log_scale.exp()], 1), log_scale.flatten(1).sum(1)

    def inverse(self, z):
        seen, other = z.chunk(2, 1)
        shift, log_scale = self.parameters_of(seen)
        return torch.cat([seen, other * torch.exp(-log_scale) - shift], 1)


class Level(nn.Module):
    """Six steps behind a squeeze; where `splits`, half of the channels leave under a predicted normal."""

    def __init__(self, channels, splits, steps=6):
        super().__init__()
        parts = [(ActNorm(channels), InvertibleConvolution(channels), Coupling(channels)) for _ in range(steps)]
        self.steps = nn.ModuleList([part for step in parts for part in step])
        self.prior = nn.Conv2d(channels // 2, channels, 3, padding=1) if splits else None
        if splits:
            nn.init.zeros_(self.prior.weight), nn.init.zeros_(self.prior.bias)

    def normal(self, seen):
        shift, log_scale = self.prior(seen).chunk(2, 1)
        return shift, 3.0 * torch.tanh(log_scale / 3.0)


class Glow(nn.Module):
    """Two levels of 28x28 images."""

    def __init__(self):
        super().__init__()
        self.levels = nn.ModuleList([Level(4, True), Level(8, False)])

    def log_prob(self, x):
        """Log-densities of images, shape `(batch,)`."""
        total = 0.0
        for level in self.levels:
            x = functional.pixel_unshuffle(x, 2)
            for step in level.steps:
                x, log_det = step(x)
                total = total + log_det
            if level.prior is not None:
                x, rest = x.chunk(2, 1)
                shift, log_scale = level.normal(x)
                total = total + standard_normal((rest - shift) * torch.exp(-log_scale)) - log_scale.flatten(1).sum(1)
        return total + standard_normal(x)

    def sample(self, count):
        """Images drawn, shape `(count, 1, 28, 28)`."""
        x = torch.randn(count, 8, 7, 7)
        for level in reversed(self.levels):
            if level.prior is not None:
                shift, log_scale = level.normal(x)
                x = torch.cat([x, shift + log_scale.exp() * torch.randn_like(x)], 1)
            for step in reversed(level.steps):
                x = step.inverse(x)
            x = functional.pixel_shuffle(x, 2)
        return x


def standard_normal(z):
    """Log-densities under a standard normal, shape `(batch,)`."""
    return -0.5 * (z.square() + math.log(2.0 * math.pi)).flatten(1).sum(1)


def glow_training(variant):
    """A step on 64 images, dequantised by uniform noise."""
    flow = Glow().to(memory_format=layout(variant))
    x = torch.randint(0, 256, (64, 1, 28, 28)).float().to(memory_format=layout(variant))

    def loss():
        y = (x + torch.rand_like(x)) / 256.0 - 0.5
        return -(flow.log_prob(y) - 784 * math.log(256.0)).mean()

    return training(flow, loss, variant)


def glow_sampling(variant):
    """64 images drawn, on the scale of the data."""
    flow = Glow().to(memory_format=layout(variant))
    return sampling(compiled(lambda: (flow.sample(64) + 0.5).mul(256.0).floor().clamp(0, 255) / 255.0, variant))
