"""Topology of a U-Net for a patch: its depth, the axes that each level halves, and the values of its feature maps."""

import math
from typing import NamedTuple

SMALLEST_MAP = 4


class Topology(NamedTuple):
    """What a patch size and a spacing ask of a U-Net.

    Attributes:
        patch_size: The patch, enlarged to a multiple of the strides on each axis.
        pool_sizes: A tuple of strides, one per axis, for each level but the first.
        kernel_sizes: A tuple of kernel sizes, one per axis, for each level.
    """

    patch_size: tuple
    pool_sizes: tuple
    kernel_sizes: tuple

    @property
    def divisors(self):
        """The product of the strides on each axis."""
        return tuple(math.prod(strides) for strides in zip(*self.pool_sizes, strict=True)) or (1,) * len(
            self.patch_size
        )


def topology(patch_size, spacing):
    """Returns the `Topology` for a patch by the published rules (Isensee et al., 2021, supplementary note 2).

    An axis is halved while it has at least 8 pixels, so that no map gets smaller than 4, and while its spacing, which
    doubles each time, is less than twice the smallest one of the axes that can be halved. An axis that is alone is
    halved only from 12 pixels on. Its kernels are 1 until its spacing is less than twice the smallest one, and 3 from
    then on; on the coarsest level all are 3.

    Args:
        patch_size: Sizes, one per axis.
        spacing: Distance between neighbours, one per axis.

    Example:

    >>> topology((16, 64, 64), (5.0, 1.0, 1.0)).pool_sizes
    ((1, 2, 2), (1, 2, 2), (2, 2, 2), (2, 2, 2))
    """
    sizes, spacing = list(patch_size), list(spacing)
    kernel = [1] * len(sizes)
    pool_sizes, kernel_sizes = [], []
    while axes := _axes_to_halve(sizes, spacing):
        for axis, edge in enumerate(spacing):
            if edge < 2 * min(spacing):
                kernel[axis] = 3
        pool = [1] * len(sizes)
        for axis in axes:
            pool[axis] = 2
            sizes[axis], spacing[axis] = -(-sizes[axis] // 2), 2 * spacing[axis]
        kernel_sizes.append(tuple(kernel))
        pool_sizes.append(tuple(pool))
    kernel_sizes.append((3,) * len(sizes))
    result = Topology(tuple(patch_size), tuple(pool_sizes), tuple(kernel_sizes))
    enlarged = tuple(-(-n // d) * d for n, d in zip(patch_size, result.divisors, strict=True))
    return result._replace(patch_size=enlarged)


def feature_map_values(topology, filters, num_classes, convs=2):
    """Returns how many values a U-Net's convolutions put out for one patch, by which memory is estimated.

    Each level has `convs` convolutions on the way down, and as many and a transposed one on the way up, of as many
    channels; the classes are counted at full resolution.

    Example:

    >>> feature_map_values(topology((8, 8), (1.0, 1.0)), (2, 4), num_classes=3)  # 5 * 128 + 2 * 64 + 3 * 64
    960
    """
    sizes, total = topology.patch_size, num_classes * math.prod(topology.patch_size)
    for number, channels in enumerate(filters):
        if number:
            sizes = tuple(n // s for n, s in zip(sizes, topology.pool_sizes[number - 1], strict=True))
        times = convs if number == len(filters) - 1 else 2 * convs + 1
        total += times * channels * math.prod(sizes)
    return total


def _axes_to_halve(sizes, spacing):
    large = [axis for axis, size in enumerate(sizes) if size >= 2 * SMALLEST_MAP]
    if not large:
        return []
    finest = min(spacing[axis] for axis in large)
    axes = [axis for axis in large if spacing[axis] < 2 * finest]
    return [] if len(axes) == 1 and sizes[axes[0]] < 3 * SMALLEST_MAP else axes
