"""PyTorch's denoising U-Net and its sampler (W11), and Langevin chains of an energy (W12)."""

import math

import torch
from torch import nn
from torch.nn import functional

from benchmarks.training_torch import compiled, layout, sampling, training, weights

FILTERS = (24, 48, 48)
LARGEST_TIME = 2.0 * math.acos(0.02) / math.pi


def norm(channels):
    """Normalisation over groups of channels, 32 of them at most."""
    return nn.GroupNorm(math.gcd(32, channels), channels, eps=1e-5)


class Block(nn.Module):
    """Two convolutions, told the time by a scale and a shift between them, beside a shortcut."""

    def __init__(self, channels, filters, features):
        super().__init__()
        self.norms = nn.ModuleList([norm(channels), norm(filters)])
        self.first, self.second = nn.Conv2d(channels, filters, 3, padding=1), nn.Conv2d(filters, filters, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        self.film = nn.Linear(features, 2 * filters)
        self.shortcut = nn.Conv2d(channels, filters, 1) if channels != filters else nn.Identity()

    def forward(self, x, features):
        h = self.first(functional.silu(self.norms[0](x)))
        scale, shift = self.film(features)[:, :, None, None].chunk(2, 1)
        h = functional.silu((1.0 + scale) * self.norms[1](h) + shift)
        return self.shortcut(x) + self.second(h)


class Attention(nn.Module):
    """Self-attention of two heads over all positions, around which the maps go on."""

    def __init__(self, channels, heads=2):
        super().__init__()
        self.heads, self.norm = heads, norm(channels)
        self.all, self.out = nn.Linear(channels, 3 * channels), nn.Linear(channels, channels)

    def forward(self, x, features=None):
        batch, channels, height, width = x.shape
        rows = self.norm(x).permute(0, 2, 3, 1).reshape(batch, height * width, channels)
        parts = self.all(rows).view(batch, height * width, 3, self.heads, channels // self.heads)
        h = functional.scaled_dot_product_attention(*parts.permute(2, 0, 3, 1, 4))
        h = self.out(h.transpose(1, 2).reshape(batch, height, width, channels))
        return x + h.permute(0, 3, 1, 2)


class Resized(nn.Module):
    """A convolution that halves images, or one behind doubled images."""

    def __init__(self, channels, doubles):
        super().__init__()
        self.doubles = doubles
        self.conv = nn.Conv2d(channels, channels, 3, 1 if doubles else 2, padding=1)

    def forward(self, x, features=None):
        return self.conv(functional.interpolate(x, scale_factor=2, mode="nearest") if self.doubles else x)


class UNet(nn.Module):
    """Three levels of one block each on the way down and two on the way up, attention at the coarsest."""

    def __init__(self):
        super().__init__()
        size, features = FILTERS[0], 4 * FILTERS[0]
        self.register_buffer("frequencies", 1000.0 * 10.0 ** (-4.0 * torch.arange(size // 2) / (size // 2 - 1)))
        self.time = nn.Sequential(nn.Linear(size, features), nn.SiLU(), nn.Linear(features, features), nn.SiLU())
        self.first = nn.Conv2d(1, FILTERS[0], 3, padding=1)
        self._add_levels(features)
        self.last = nn.Sequential(norm(FILTERS[0]), nn.SiLU(), nn.Conv2d(FILTERS[0], 1, 3, padding=1))
        nn.init.zeros_(self.last[-1].weight)

    def _add_levels(self, features):
        self.down, self.up, channels, skips = nn.ModuleList(), nn.ModuleList(), FILTERS[0], [FILTERS[0]]
        last = len(FILTERS) - 1
        for level, width in enumerate(FILTERS):
            self.down.append(nn.ModuleList([Block(channels, width, features), *self._attention(level == last, width)]))
            skips.append(width)
            if level < last:
                self.down.append(nn.ModuleList([Resized(width, doubles=False)]))
                skips.append(width)
            channels = width
        parts = Block(channels, channels, features), Attention(channels), Block(channels, channels, features)
        self.bottom = nn.ModuleList(parts)
        for level, width in reversed(list(enumerate(FILTERS))):
            for _ in range(2):
                block = Block(channels + skips.pop(), width, features)
                self.up.append(nn.ModuleList([block, *self._attention(level == last, width)]))
                channels = width
            if level:
                self.up.append(nn.ModuleList([Resized(width, doubles=True)]))

    @staticmethod
    def _attention(there, width):
        return [Attention(width)] if there else []

    def forward(self, x, time):
        angles = time[:, None] * self.frequencies
        features = self.time(torch.cat([angles.sin(), angles.cos()], -1))
        h = self.first(x)
        skips = [h]
        for parts in self.down:
            for part in parts:
                h = part(h, features)
            skips.append(h)
        for part in self.bottom:
            h = part(h, features)
        for parts in self.up:
            if isinstance(parts[0], Block):
                h = torch.cat([h, skips.pop()], 1)
            for part in parts:
                h = part(h, features)
        return self.last(h)


def unet_training(variant):
    """A step on 64 images with averaged weights."""
    network = UNet().to(memory_format=layout(variant))
    x = torch.rand(64, 1, 28, 28).to(memory_format=layout(variant))

    def loss():
        data, noise = 2.0 * x - 1.0, torch.randn_like(x)
        time = LARGEST_TIME * (torch.arange(64) + torch.rand(64)) / 64
        angle = (0.5 * math.pi * time)[:, None, None, None]
        return (network(angle.cos() * data + angle.sin() * noise, time) - noise).square().mean()

    return training(network, loss, variant, average=0.995)


def unet_sampling(variant, steps=50):
    """64 images in 50 steps of DPM-Solver++ (2M)."""
    network = UNet().to(memory_format=layout(variant)).eval()
    predict = compiled(network, variant)
    times = (LARGEST_TIME * (1.0 - torch.arange(steps + 1) / steps)).tolist()
    alphas, sigmas = ([f(0.5 * math.pi * time) for time in times] for f in (math.cos, math.sin))

    def sample():
        x = torch.randn(64, 1, 28, 28).to(memory_format=layout(variant))
        before, length_before = None, None
        for index in range(steps):
            alpha, sigma, following = alphas[index], sigmas[index], (alphas[index + 1], sigmas[index + 1])
            data = (x - sigma * predict(x, torch.full((64,), times[index]))) / alpha
            extrapolated, length = data, None
            if index < steps - 1:
                length = math.log(following[0] / following[1]) - math.log(alpha / sigma)
                if before is not None:
                    extrapolated = data + 0.5 * length / length_before * (data - before)
            ratio = following[1] / sigma
            x = ratio * x + (following[0] - alpha * ratio) * extrapolated
            before, length_before = data, length
        return (0.5 * x + 0.5).clamp(0.0, 1.0)

    result = sampling(sample)
    result.note = f"weights={weights(network)}"
    return result


class Energy(nn.Module):
    """Convolutions of 16 to 128 channels and two dense layers."""

    def __init__(self):
        super().__init__()
        channels = (16, 32, 64, 128)
        self.first = nn.Conv2d(1, 16, 3, padding=1)
        pairs = zip(channels, channels[1:], strict=False)
        self.halvings = nn.ModuleList([nn.Conv2d(a, b, 4, 2, padding=1 if b < 128 else 0) for a, b in pairs])
        self.dense, self.last = nn.Linear(4 * 4 * 128, 256), nn.Linear(256, 1)

    def forward(self, x):
        h = functional.silu(self.first(x))
        for halving in self.halvings:
            h = functional.pad(h, (1, 2, 1, 2)) if halving.padding == (0, 0) else h
            h = functional.silu(halving(h))
        return self.last(functional.silu(self.dense(h.flatten(1))))


def langevin(variant, steps=60):
    """Chains of 60 steps from uniform noise; option `grad` computes the slope inside the compiled function."""
    network = Energy().to(memory_format=layout(variant))
    network.requires_grad_(False)
    inside = "grad" in variant.split("_")
    energy = network if inside else compiled(network, variant)

    def step(x, noise):
        if inside:
            slope = torch.func.grad(lambda y: energy(y).sum())(x)
        else:
            with torch.enable_grad():
                y = x.detach().requires_grad_(True)
                (slope,) = torch.autograd.grad(energy(y).sum(), y)
        return (x - 5.0 * slope.clamp(-0.03, 0.03) + 0.003 * noise).clamp(0.0, 1.0)

    step = compiled(step, variant) if inside else step

    def chains():
        x = torch.rand(64, 1, 28, 28).to(memory_format=layout(variant))
        for _ in range(steps):
            x = step(x, torch.randn_like(x))
        return x

    result = sampling(chains)
    result.note = f"weights={sum(p.numel() for p in network.parameters())}"
    return result
