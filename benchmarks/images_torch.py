"""PyTorch's side of W14 to W17. Needs torch alone; `benchmarks.compare` starts it.

Variants, joined by `_`: `eager` or `compile` (torch.compile), `cl` for channels last, `grouped` (StyleGAN2) for kernels
of each sample in a grouped convolution. All train by the fused Adam.
"""

import functools
import os

import numpy as np
import torch
from torch.nn import functional

from benchmarks.cycle_torch import CycleGame, PatchCritic, Translator
from benchmarks.enlarging_torch import EDSR, ESPCN, upscale
from benchmarks.stylegan_torch import Critic, Generator, StyleGame
from benchmarks.worker import Inference, serve

#: As `benchmarks.images` says it.
TILE = 256


class Training:
    """A step, run again and again, in whole periods of the work."""

    def __init__(self, step, networks, period=1):
        self.step, self.period, self.seconds = step, period, 0.01
        self.note = f"weights={sum(parameter.numel() for network in networks for parameter in network.parameters())}"
        self.timed = Inference(step)

    def run(self, steps):
        """Seconds a step over about `steps` steps."""
        self.seconds = self.timed.run(max(1, round(steps / self.period)) * self.period)
        return self.seconds

    def steps_for(self, seconds):
        """How many steps take about so long."""
        return max(3, round(seconds / self.seconds))


class Options:
    """What a variant asks for."""

    def __init__(self, variant):
        options = variant.split("_")
        self.layout = torch.channels_last if "cl" in options else torch.contiguous_format
        self.compile = torch.compile if "compile" in options else lambda function: function
        self.grouped = "grouped" in options

    def network(self, network):
        """A network in the variant's layout."""
        return network.to(memory_format=self.layout)

    def images(self, *shape, low=-1.0):
        """Random images in the variant's layout, of values from `low` to 1."""
        x = torch.rand(*shape) * (1 - low) + low
        return x.to(memory_format=self.layout) if len(shape) == 4 else x


def stylegan(options):
    """W14."""
    networks = options.network(Generator(grouped=options.grouped)), options.network(Critic())
    game = StyleGame(*networks, options.images(32, 3, 32, 32), options.compile)
    return Training(game.step, networks, period=16)


def generation(options):
    """W14g."""
    generator = options.network(Generator(grouped=options.grouped)).eval()
    latents, call = torch.randn(64, 128), options.compile(generator)
    return Inference(_without_gradients(lambda: call(latents).numpy()))


def edsr(options):
    """W15."""
    network = options.network(EDSR())
    small, large = options.images(16, 3, 48, 48, low=0.0), options.images(16, 3, 96, 96, low=0.0)
    optimizer = torch.optim.Adam(network.parameters(), 1e-4, fused=True)
    loss = options.compile(lambda x, y: functional.l1_loss(network(x), y))

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss(small, large).backward()
        optimizer.step()

    return Training(step, [network])


def enlargement(options):
    """W16."""
    network = options.network(ESPCN()).eval()
    image, call = np.random.default_rng(0).random((1, 1080, 1920), dtype=np.float32), options.compile(network)

    def tile(window):
        return call(torch.from_numpy(window).to(memory_format=options.layout)).numpy()

    return Inference(_without_gradients(functools.partial(upscale, tile, image, TILE)))


def cycle_gan(options):
    """W17."""
    networks = [options.network(network()) for network in (Translator, Translator, PatchCritic, PatchCritic)]
    images = options.images(1, 3, 64, 64), options.images(1, 3, 64, 64)
    return Training(CycleGame(*networks, *images, options.compile).step, networks)


def _without_gradients(function):
    def call():
        with torch.inference_mode():
            return function()

    return call


WORKLOADS = {"W14": stylegan, "W14g": generation, "W15": edsr, "W16": enlargement, "W17": cycle_gan}


def measured(workload, variant):
    """A variant, ready to be timed."""
    torch.manual_seed(0)
    torch._dynamo.reset()
    return WORKLOADS[workload](Options(variant))


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count())))
    serve(measured)
