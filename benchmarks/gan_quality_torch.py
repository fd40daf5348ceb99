"""The arm `torch` of gan_quality.py: the same networks and steps as a PyTorch user writes them. Needs torch alone."""

import copy
import json
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional


class Generator(nn.Module):
    """`keras_dl.networks.dcgan_generator` for 28x28: 7x7x2f, 14x14xf, 28x28x1."""

    def __init__(self, latents, filters):
        super().__init__()
        self.filters = filters
        self.projection = nn.Linear(latents, 7 * 7 * 2 * filters, bias=False)
        self.first = nn.BatchNorm2d(2 * filters, eps=1e-3, momentum=0.01)
        self.up = nn.ConvTranspose2d(2 * filters, filters, 5, 2, padding=2, output_padding=1, bias=False)
        self.second = nn.BatchNorm2d(filters, eps=1e-3, momentum=0.01)
        self.values = nn.ConvTranspose2d(filters, 1, 5, 2, padding=2, output_padding=1)
        self.apply(start)

    def forward(self, latents):
        x = self.projection(latents).view(-1, 2 * self.filters, 7, 7)
        x = self.up(functional.relu(self.first(x)))
        return torch.sigmoid(self.values(functional.relu(self.second(x))))


class Critic(nn.Module):
    """`keras_dl.networks.dcgan_critic` for 28x28: 14x14xf, 7x7x2f, one score."""

    def __init__(self, filters, normalized):
        super().__init__()
        self.first = nn.Conv2d(1, filters, 5, 2, padding=2)
        self.second = nn.Conv2d(filters, 2 * filters, 5, 2, padding=2, bias=not normalized)
        self.normalization = nn.BatchNorm2d(2 * filters, eps=1e-3, momentum=0.01) if normalized else nn.Identity()
        self.score = nn.Linear(7 * 7 * 2 * filters, 1)
        self.apply(start)

    def forward(self, x):
        x = functional.leaky_relu(self.first(x), 0.2)
        x = functional.leaky_relu(self.normalization(self.second(x)), 0.2)
        return self.score(x.flatten(1))


def start(module):
    """The initial weights of Radford et al. 2016."""
    if isinstance(module, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def gradient_penalty(critic, real, fake):
    """Mean of (|gradient of the critic| - 1)^2 on random points of the lines between real and generated images."""
    points = real + torch.rand(len(real), 1, 1, 1) * (fake - real)
    points.requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
    return ((gradient.flatten(1).square().sum(1) + 1e-12).sqrt() - 1).square().mean()


def critic_loss(settings, critic, real, fake):
    if settings["system"] == "wgan_gp":
        difference = critic(fake).mean() - critic(real).mean()
        return difference + settings["penalty"] * gradient_penalty(critic, real, fake)
    return functional.softplus(critic(fake)).mean() + functional.softplus(-critic(real)).mean()


def generator_loss(settings, scores):
    return -scores.mean() if settings["system"] == "wgan_gp" else functional.softplus(-scores).mean()


def train(settings, x):
    """Returns the generator with averaged weights."""
    generator = Generator(settings["latents"], settings["filters"])
    critic = Critic(settings["filters"], settings["system"] == "dcgan")
    average = copy.deepcopy(generator)
    adams = [
        torch.optim.Adam(network.parameters(), rate, settings["betas"], eps=1e-7)
        for network, rate in zip((generator, critic), settings["rates"], strict=True)
    ]
    rows, repeats = settings["rows"], settings["critic_steps"]
    batches = iter(())
    for _ in range(settings["steps"]):
        batch = next(batches, None)
        if batch is None:
            order = torch.randperm(len(x))
            batches = iter(order[: len(x) // (rows * repeats) * rows * repeats].split(rows * repeats))
            batch = next(batches)
        for i in range(repeats):
            with torch.no_grad():
                fake = generator(torch.randn(rows, settings["latents"]))
            adams[1].zero_grad()
            critic_loss(settings, critic, x[batch[i::repeats]], fake).backward()
            adams[1].step()
        adams[0].zero_grad()
        generator_loss(settings, critic(generator(torch.randn(rows, settings["latents"])))).backward()
        adams[0].step()
        with torch.no_grad():
            for mean, value in zip(average.state_dict().values(), generator.state_dict().values(), strict=True):
                if mean.is_floating_point():
                    mean.lerp_(value, 1 - settings["ema_momentum"])
    return average.eval()


def main(settings, seed, images, path):
    settings = json.loads(settings)
    torch.manual_seed(int(seed))
    x = torch.from_numpy(np.load(images)).permute(0, 3, 1, 2).contiguous()
    began = time.perf_counter()
    generator = train(settings, x)
    seconds = time.perf_counter() - began
    with torch.no_grad():
        parts = [generator(torch.randn(1000, settings["latents"])) for _ in range(settings["num_samples"] // 1000)]
    samples = torch.cat(parts).permute(0, 2, 3, 1).numpy()
    np.savez(path, samples=samples, seconds=seconds)


if __name__ == "__main__":
    main(*sys.argv[1:])
