"""CycleGAN in PyTorch, in the order of the published code: both translators, then both critics, from pools."""

import itertools
import random

import torch
from torch import nn
from torch.nn import functional


class Doubling(nn.ConvTranspose2d):
    """A transposed convolution that doubles the size; at the borders as published, or as Keras' padding `"same"`."""

    keras_borders = False

    def __init__(self, channels, filters):
        super().__init__(channels, filters, 3, stride=2, padding=1, output_padding=1, bias=False)

    def forward(self, x):
        if self.keras_borders:
            return functional.conv_transpose2d(x, self.weight, stride=2)[:, :, :-1, :-1]
        return super().forward(x)


def reflected(channels, filters, size):
    """A convolution of an image that is reflected at its borders, and normalization of each instance."""
    conv = nn.Conv2d(channels, filters, size, bias=False)
    return [nn.ReflectionPad2d(size // 2), conv, nn.InstanceNorm2d(filters)]


class Block(nn.Module):
    """A residual block."""

    def __init__(self, channels):
        super().__init__()
        self.body = nn.Sequential(*reflected(channels, channels, 3), nn.ReLU(), *reflected(channels, channels, 3))

    def forward(self, x):
        return x + self.body(x)


class Translator(nn.Sequential):
    """The generator of Zhu et al. 2017, without biases in front of normalizations."""

    def __init__(self, width=64, blocks=6):
        parts = [*reflected(3, width, 7), nn.ReLU()]
        for filters in (2 * width, 4 * width):
            conv = nn.Conv2d(filters // 2, filters, 3, stride=2, padding=1, bias=False)
            parts += [conv, nn.InstanceNorm2d(filters), nn.ReLU()]
        parts += [Block(4 * width) for _ in range(blocks)]
        for filters in (2 * width, width):
            parts += [Doubling(2 * filters, filters), nn.InstanceNorm2d(filters), nn.ReLU()]
        super().__init__(*parts, nn.ReflectionPad2d(3), nn.Conv2d(width, 3, 7), nn.Tanh())


class PatchCritic(nn.Sequential):
    """The critic of patches of 70x70 pixels."""

    def __init__(self, width=64):
        parts, channels = [nn.Conv2d(3, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2)], width
        for filters, stride in ((2 * width, 2), (4 * width, 2), (8 * width, 1)):
            conv = nn.Conv2d(channels, filters, 4, stride=stride, padding=1, bias=False)
            parts += [conv, nn.InstanceNorm2d(filters), nn.LeakyReLU(0.2)]
            channels = filters
        super().__init__(*parts, nn.Conv2d(channels, 1, 4, padding=1))


class Pool:
    """Generated images, of which a critic sees older ones half of the time."""

    def __init__(self, size=50):
        self.size, self.images = size, []

    def __call__(self, images):
        seen = []
        for image in images.split(1):
            if len(self.images) < self.size:
                self.images.append(image.clone())
            elif random.random() < 0.5:
                place = random.randrange(self.size)
                image, self.images[place] = self.images[place], image.clone()
            seen.append(image)
        return torch.cat(seen)


class CycleGame:
    """Two translators, two critics, and their training step on given images."""

    def __init__(self, forward, backward, critic_a, critic_b, a, b, compiled):
        self.forward, self.backward, self.critic_a, self.critic_b = forward, backward, critic_a, critic_b
        self.critics, self.a, self.b = [*critic_a.parameters(), *critic_b.parameters()], a, b
        options = {"lr": 2e-4, "betas": (0.5, 0.999), "fused": True}
        translators = itertools.chain(forward.parameters(), backward.parameters())
        self.translators_step = torch.optim.Adam(translators, **options)
        self.critics_step = torch.optim.Adam(self.critics, **options)
        self.pools = Pool(), Pool()
        self.translators_loss, self.critic_loss = compiled(self.translators_loss), compiled(self.critic_loss)

    def translators_loss(self, a, b):
        """The loss of both translators, and the translations."""
        fake_b, fake_a = self.forward(a), self.backward(b)
        fooled = [critic(fake) for critic, fake in ((self.critic_a, fake_a), (self.critic_b, fake_b))]
        loss = sum(functional.mse_loss(scores, torch.ones_like(scores)) for scores in fooled)
        cycles = functional.l1_loss(self.backward(fake_b), a) + functional.l1_loss(self.forward(fake_a), b)
        return loss + 10.0 * cycles, fake_a.detach(), fake_b.detach()

    def critic_loss(self, side, real, fake):
        """The loss of critic `"a"` or `"b"`."""
        critic = self.critic_a if side == "a" else self.critic_b
        real, fake = critic(real), critic(fake)
        errors = functional.mse_loss(real, torch.ones_like(real)) + functional.mse_loss(fake, torch.zeros_like(fake))
        return 0.5 * errors

    def step(self):
        """A step of all four."""
        for parameter in self.critics:
            parameter.requires_grad_(False)
        self.translators_step.zero_grad(set_to_none=True)
        loss, fake_a, fake_b = self.translators_loss(self.a, self.b)
        loss.backward()
        self.translators_step.step()
        for parameter in self.critics:
            parameter.requires_grad_(True)
        self.critics_step.zero_grad(set_to_none=True)
        self.critic_loss("a", self.a, self.pools[0](fake_a)).backward()
        self.critic_loss("b", self.b, self.pools[1](fake_b)).backward()
        self.critics_step.step()
