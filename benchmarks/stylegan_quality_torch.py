"""The arm `torch` of stylegan_quality.py: StyleGAN2 as a PyTorch user trains it. Needs torch alone.

python -m benchmarks.stylegan_quality_torch SETTINGS_AS_JSON IMAGES.npy SAMPLES.npz
"""

import json
import os
import sys
import time

import numpy as np
import torch

from benchmarks.stylegan_torch import NOISE, SIZE, STYLES, Critic, Generator, StyleGame


def batches(images, rows, seed):
    """Images in three channels from -1 to 1, each epoch in an order of its own, without end."""
    rng = np.random.default_rng(seed)
    while True:
        order = rng.permutation(len(images))
        for start in range(0, len(order) - rows + 1, rows):
            x = torch.from_numpy(2.0 * images[order[start : start + rows]] - 1.0)[:, None]
            yield x.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)


def train(images, settings):
    """The game after its steps, and how many seconds they took."""
    torch.manual_seed(settings["seed"])
    networks = (network.to(memory_format=torch.channels_last) for network in (Generator(), Critic()))
    data = batches(images, settings["rows"], settings["seed"])
    game = StyleGame(*networks, next(data), lambda function: function)
    start = time.perf_counter()
    for step in range(settings["steps"]):
        game.real = next(data)
        game.step()
        if step % 100 == 0:
            print(step, flush=True)
    return game, time.perf_counter() - start


@torch.no_grad()
def sampled(game, count):
    """Samples in [0, 1] by averaged weights, with noise of their own, the mean of their channels last."""
    styles = game.average.styles(torch.randn(count, SIZE))[:, None].expand(-1, STYLES, -1)
    images = game.average.synthesis(styles, torch.randn(count, NOISE))
    return ((images.mean(1) + 1.0) / 2.0).clamp(0.0, 1.0).numpy()[..., None]


def main():
    """Trains, and writes samples."""
    settings, images, out = json.loads(sys.argv[1]), np.load(sys.argv[2]), sys.argv[3]
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    game, seconds = train(images, settings)
    samples = np.concatenate([sampled(game, settings["chunk"]) for _ in range(settings["chunks"])])
    np.savez(out, samples=samples, seconds=seconds)


if __name__ == "__main__":
    main()
