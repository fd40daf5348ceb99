"""EDSR and ESPCN in PyTorch, and images enlarged tile by tile."""

import math

import numpy as np
import torch
from torch import nn


class Residual(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, channels):
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return x + self.second(torch.relu(self.first(x)))


class EDSR(nn.Module):
    """The baseline of Lim et al. 2017, x2: 1,369,859 weights."""

    def __init__(self, channels=64, blocks=16):
        super().__init__()
        self.first = nn.Conv2d(3, channels, 3, padding=1)
        body = [Residual(channels) for _ in range(blocks)]
        self.body = nn.Sequential(*body, nn.Conv2d(channels, channels, 3, padding=1))
        self.up = nn.Conv2d(channels, 4 * channels, 3, padding=1)
        self.last = nn.Conv2d(channels, 3, 3, padding=1)

    def forward(self, x):
        x = self.first(x)
        x = x + self.body(x)
        return self.last(nn.functional.pixel_shuffle(self.up(x), 2))


class ESPCN(nn.Module):
    """Shi et al. 2016, one channel, x2."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 64, 5, padding=2)
        self.second = nn.Conv2d(64, 32, 3, padding=1)
        self.up = nn.Conv2d(32, 4, 3, padding=1)

    def forward(self, x):
        x = torch.tanh(self.second(torch.tanh(self.first(x))))
        return nn.functional.pixel_shuffle(self.up(x), 2)


def windows(size, tile, overlap):
    """Where windows of one length begin on an axis, and the pixels that each gives: equal shares, up to `tile`."""
    tile = math.ceil(size / math.ceil(size / tile))
    length = min(size, tile + 2 * overlap)
    for first in range(0, size, tile):
        start = min(max(first - overlap, 0), size - length)
        yield slice(start, start + length), start, first, min(first + tile, size)


def upscale(function, image, tile, overlap=4, scale=2):
    """An image `(channels, height, width)`, enlarged in tiles by a function of windows `(1, channels, ...)`."""
    channels, height, width = image.shape
    out = np.empty((channels, scale * height, scale * width), "float32")
    for rows, top, first, last in windows(height, tile, overlap):
        for columns, left, begin, end in windows(width, tile, overlap):
            values = function(np.ascontiguousarray(image[None, :, rows, columns]))[0]
            down, across = slice(first, last), slice(begin, end)
            out[:, *_enlarged(scale, down, across)] = values[:, *_enlarged(scale, down, across, top, left)]
    return out


def _enlarged(scale, down, across, top=0, left=0):
    """The slices of an enlarged image, or of a window of it that begins at `top` and `left`."""
    parts = (down, top), (across, left)
    return [slice(scale * (part.start - start), scale * (part.stop - start)) for part, start in parts]
