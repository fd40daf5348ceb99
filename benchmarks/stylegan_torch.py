"""StyleGAN2 in PyTorch: modulated convolutions, filtered up- and downsampling, lazy regularization."""

import copy
import math

import torch
from torch import nn
from torch.nn import functional

SIDES, CHANNELS, SIZE = (4, 8, 16, 32), (128, 128, 64, 32), 128
NOISE = sum(side**2 for side in SIDES) + sum(side**2 for side in SIDES[1:])
STYLES = 2 * len(SIDES)


def rectified(x):
    """The scaled leaky rectifier."""
    return functional.leaky_relu(x, 0.2) * math.sqrt(2.0)


def binomial(channels, gain=1.0):
    """The filter [1, 3, 3, 1] / 8 of both axes, for a convolution of each channel."""
    line = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8.0
    return (gain * torch.outer(line, line)).expand(channels, 1, 4, 4).contiguous()


class Dense(nn.Module):
    """A dense layer of equalized rate."""

    def __init__(self, inputs, outputs, multiplier=1.0, activated=True):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / multiplier)
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.scale, self.multiplier, self.activated = multiplier / math.sqrt(inputs), multiplier, activated

    def forward(self, x):
        x = functional.linear(x, self.weight * self.scale, self.bias * self.multiplier)
        return rectified(x) if self.activated else x


class Conv(nn.Module):
    """A convolution of equalized rate; with `down` it halves the size behind a filter."""

    def __init__(self, channels, filters, size, down=False, activated=True, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(filters, channels, size, size))
        self.bias = nn.Parameter(torch.zeros(filters)) if bias else None
        self.scale, self.size, self.down, self.activated = 1 / math.sqrt(channels * size**2), size, down, activated
        self.register_buffer("filter", binomial(channels) if down else None, persistent=False)

    def forward(self, x):
        weight, channels = self.weight * self.scale, x.shape[1]
        if self.down and self.size == 1:
            x = functional.conv2d(x, self.filter, stride=2, padding=1, groups=channels)
        elif self.down:
            x = functional.conv2d(x, self.filter, padding=2, groups=channels)
        if self.down and self.size > 1:
            x = functional.conv2d(x, weight, self.bias, stride=2)
        else:
            x = functional.conv2d(x, weight, self.bias, padding=self.size // 2)
        return rectified(x) if self.activated else x


class Modulated(nn.Module):
    """A convolution whose kernel is scaled by a style: by scaled inputs and outputs, or by kernels of each sample."""

    def __init__(self, channels, filters, size, up=False, demodulate=True, grouped=False):
        super().__init__()
        self.affine = Dense(SIZE, channels, activated=False)
        self.weight = nn.Parameter(torch.randn(filters, channels, size, size))
        self.scale, self.size, self.up = 1 / math.sqrt(channels * size**2), size, up
        self.demodulate, self.grouped = demodulate, grouped
        self.register_buffer("filter", binomial(filters, 4.0) if up else None, persistent=False)

    def forward(self, x, style):
        weight, style = self.weight * self.scale, 1.0 + self.affine(style)
        if self.grouped:
            return self.by_sample(x, weight, style)
        y = self.convolved(x * style[:, :, None, None], weight)
        if not self.demodulate:
            return y
        squares = style.square() @ weight.square().sum((2, 3)).T
        return y * (squares + 1e-8).rsqrt()[:, :, None, None]

    def convolved(self, x, weight, groups=1):
        """The convolution, and the filter behind a doubling."""
        if not self.up:
            return functional.conv2d(x, weight, padding=self.size // 2, groups=groups)
        count, filters = groups, weight.shape[0] // groups
        weight = weight.reshape(count, filters, -1, 3, 3).transpose(1, 2).reshape(-1, filters, 3, 3)
        x = functional.conv_transpose2d(x, weight, stride=2, groups=groups)
        x = x.reshape(-1, filters, *x.shape[2:]) if groups > 1 else x
        return functional.conv2d(x, self.filter, padding=1, groups=filters)

    def by_sample(self, x, weight, style):
        """One grouped convolution with a kernel for each sample."""
        weight = weight[None] * style[:, None, :, None, None]
        if self.demodulate:
            weight = weight * (weight.square().sum((2, 3, 4), keepdim=True) + 1e-8).rsqrt()
        rows, filters = weight.shape[:2]
        y = self.convolved(x.reshape(1, -1, *x.shape[2:]), weight.reshape(-1, *weight.shape[2:]), rows)
        return y.reshape(rows, filters, *y.shape[2:])


class Layer(nn.Module):
    """A modulated convolution, noise, bias and rectifier."""

    def __init__(self, channels, filters, **options):
        super().__init__()
        self.conv = Modulated(channels, filters, 3, **options)
        self.strength, self.bias = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(filters))

    def forward(self, x, style, noise):
        x = self.conv(x, style)
        noise = noise.reshape(-1, 1, *x.shape[2:])
        return rectified(x + self.strength * noise + self.bias[:, None, None])


class Colours(nn.Module):
    """Colours of features."""

    def __init__(self, channels, **options):
        super().__init__()
        self.conv = Modulated(channels, 3, 1, demodulate=False, **options)
        self.bias = nn.Parameter(torch.zeros(3))

    def forward(self, x, style):
        return self.conv(x, style) + self.bias[:, None, None]


class Synthesis(nn.Module):
    """Styles and noise to images, the colours of all sides summed."""

    def __init__(self, **options):
        super().__init__()
        self.constant = nn.Parameter(torch.randn(CHANNELS[0], 4, 4))
        before = (CHANNELS[0], *CHANNELS)
        self.first = nn.ModuleList(
            Layer(before[level], filters, up=level > 0, **options) for level, filters in enumerate(CHANNELS)
        )
        self.second = nn.ModuleList(Layer(filters, filters, **options) for filters in CHANNELS[1:])
        self.colours = nn.ModuleList(Colours(filters, **options) for filters in CHANNELS)
        self.register_buffer("filter", binomial(3, 4.0), persistent=False)

    def forward(self, styles, noise):
        styles = styles.unbind(1)
        maps = iter(noise.split([16, *(side**2 for side in SIDES[1:] for _ in range(2))], 1))
        x, image, used = self.constant.expand(len(noise), -1, -1, -1), None, 0
        for level, first in enumerate(self.first):
            layers = [first] if level == 0 else [first, self.second[level - 1]]
            for layer in layers:
                x, used = layer(x, styles[used], next(maps)), used + 1
            colours = self.colours[level](x, styles[used])
            if image is None:
                image = colours
            else:
                image = functional.conv_transpose2d(image, self.filter, stride=2, padding=1, groups=3) + colours
        return image


class Generator(nn.Module):
    """Latents to images, with fixed noise."""

    def __init__(self, **options):
        super().__init__()
        self.mapping = nn.ModuleList(Dense(SIZE, SIZE, 0.01) for _ in range(2))
        self.synthesis = Synthesis(**options)
        self.register_buffer("noise", torch.randn(1, NOISE))

    def styles(self, latents):
        """A style for each row of latents."""
        x = latents * (latents.square().mean(1, keepdim=True) + 1e-8).rsqrt()
        for layer in self.mapping:
            x = layer(x)
        return x

    def forward(self, latents):
        styles = self.styles(latents)[:, None].expand(-1, STYLES, -1)
        return self.synthesis(styles, self.noise.expand(len(latents), -1))


class CriticBlock(nn.Module):
    """Two convolutions that halve the size, beside a shortcut."""

    def __init__(self, channels, filters):
        super().__init__()
        self.first, self.second = Conv(channels, channels, 3), Conv(channels, filters, 3, down=True)
        self.shortcut = Conv(channels, filters, 1, down=True, activated=False, bias=False)

    def forward(self, x):
        return (self.shortcut(x) + self.second(self.first(x))) * math.sqrt(0.5)


class Critic(nn.Module):
    """Images to scores."""

    def __init__(self):
        super().__init__()
        widths = CHANNELS[::-1]
        self.colours = Conv(3, widths[0], 1)
        self.blocks = nn.Sequential(*(CriticBlock(own, out) for own, out in zip(widths, widths[1:], strict=False)))
        self.last = Conv(widths[-1] + 1, widths[-1], 3)
        self.features = Dense(16 * widths[-1], widths[-1])
        self.score = Dense(widths[-1], 1, activated=False)

    def forward(self, x):
        x = self.blocks(self.colours(x))
        groups = x.reshape(4, -1, *x.shape[1:])
        deviation = ((groups - groups.mean(0)).square().mean(0) + 1e-8).sqrt().mean((1, 2, 3))
        maps = deviation.repeat(4)[:, None, None, None].expand(-1, 1, *x.shape[2:])
        x = self.last(torch.cat([x, maps], 1))
        return self.score(self.features(x.flatten(1)))[:, 0]


class StyleGame:
    """Generator and critic, and their training step on given images."""

    def __init__(self, generator, critic, real, compiled):
        self.generator, self.critic, self.real, self.number = generator, critic, real, 0
        self.average = copy.deepcopy(generator).requires_grad_(False)
        self.generator_adam, self.critic_adam = self.adam(generator, 4), self.adam(critic, 16)
        self.mean_length, self.mean_style = torch.zeros(()), torch.zeros(SIZE)
        # Second derivatives, of both regularizers, cannot be compiled.
        self.fakes, self.critic_loss = compiled(self.fakes), compiled(self.critic_loss)
        self.generator_loss = compiled(self.generator_loss)

    @staticmethod
    def adam(network, interval):
        """The optimizer, corrected for the interval of the lazy regularizer."""
        share = interval / (interval + 1)
        return torch.optim.Adam(network.parameters(), 2e-3 * share, (0.0, 0.99**share), fused=True)

    def styles(self, rows):
        """Mixed styles, and those of the first latents."""
        first, second = self.generator.styles(torch.randn(rows, SIZE)), self.generator.styles(torch.randn(rows, SIZE))
        cut = torch.where(torch.rand(rows, 1) < 0.9, torch.randint(1, STYLES, (rows, 1)), STYLES)
        of_first = torch.arange(STYLES) < cut
        return torch.where(of_first[:, :, None], first[:, None], second[:, None]), first

    def fakes(self, rows):
        """Generated images, and the styles of the first latents."""
        styles, first = self.styles(rows)
        return self.generator.synthesis(styles, torch.randn(rows, NOISE)), first

    def critic_loss(self, real, fake):
        """The non-saturating game's loss of the critic."""
        return (functional.softplus(-self.critic(real)) + functional.softplus(self.critic(fake))).mean()

    def generator_loss(self, rows):
        """The generator's loss, and the mean style."""
        styles, first = self.styles(rows)
        fake = self.generator.synthesis(styles, torch.randn(rows, NOISE))
        return functional.softplus(-self.critic(fake)).mean(), first.detach().mean(0)

    def r1(self):
        """The penalty on the critic's gradients at the data."""
        real = self.real.detach().requires_grad_(True)
        (gradients,) = torch.autograd.grad(self.critic(real).sum(), real, create_graph=True)
        return 16 * 0.005 * gradients.square().sum((1, 2, 3)).mean()

    def path(self, rows):
        """The penalty on path lengths."""
        styles, _ = self.styles(rows)
        fake = self.generator.synthesis(styles, torch.randn(rows, NOISE))
        (gradients,) = torch.autograd.grad((fake * torch.randn_like(fake) / 32).sum(), styles, create_graph=True)
        lengths = (gradients.square().sum(2).mean(1) + 1e-12).sqrt()
        penalty = 4 * 2.0 * (lengths - self.mean_length).square().mean()
        self.mean_length.lerp_(lengths.detach().mean(), 0.01)
        return penalty

    def step(self):
        """A step of both players."""
        rows = len(self.real)
        self.critic.requires_grad_(True)
        with torch.no_grad():
            fake, _ = self.fakes(rows)
        self.move(self.critic_adam, self.critic_loss(self.real, fake))
        if self.number % 16 == 0:
            self.move(self.critic_adam, self.r1())
        self.critic.requires_grad_(False)
        loss, style = self.generator_loss(rows)
        self.move(self.generator_adam, loss)
        self.mean_style.lerp_(style, 0.005)
        if self.number % 4 == 0:
            self.move(self.generator_adam, self.path(rows // 2))
        self.number += 1
        weight = 1 - 0.5 ** (rows / min(10_000, 0.05 * self.number * rows))
        torch._foreach_lerp_(list(self.average.parameters()), list(self.generator.parameters()), weight)

    @staticmethod
    def move(adam, loss):
        """A step of an optimizer."""
        adam.zero_grad(set_to_none=True)
        loss.backward()
        adam.step()
