"""The levels of a U-Net, and the sizes that it can take."""

import math
from typing import NamedTuple

from keras_dl.checks import check_count, check_sizes, refusal


class Level(NamedTuple):
    """One resolution of a U-Net.

    Attributes:
        filters: Output channels of each of its convolutions.
        kernel: Size of their kernels on each axis.
        strides: How many times coarser than the level above it is on each axis; ones for the first.
    """

    filters: tuple
    kernel: tuple
    strides: tuple


class Sizes(NamedTuple):
    """Which sizes fit, a number per axis: `k multiple + remainder`, at least `minimum`.

    Attributes:
        multiple: Product of the strides.
        remainder: What unpadded convolutions add; zeros with padded ones.
        minimum: The smallest size that leaves something of every map.
        margin: How much smaller the output is than the input.
        crops: How much larger a level's skip is than what comes up to it, a tuple per level.
    """

    multiple: tuple
    remainder: tuple
    minimum: tuple
    margin: tuple
    crops: tuple


def image_shape(values):
    """Returns the shape of an image or a volume as a tuple, whose sizes but not the channels may be `None`.

    Example:

    >>> image_shape([None, 32, 1])
    (None, 32, 1)
    """
    try:
        known = [*values[:-1], values[-1]]
        for axis, size in enumerate(known[:-1]):
            if size is None:
                known[axis] = 1
        known = check_sizes(known, "input_shape")
    except (TypeError, ValueError):
        known = ()
    if not 2 <= len(known) <= 4:
        raise refusal(
            "`input_shape` should be one to three sizes (or None) and the number of channels", input_shape=values
        )
    shape = []
    for value, checked_value in zip(values, known, strict=True):
        shape.append(None if value is None else checked_value)
    return tuple(shape)


def levels(filters, kernel_size, pool_size, convs, rank):
    """Returns the `Level`s of a U-Net; the arguments are those of `unet`, `rank` the number of spatial axes."""
    convs = check_count(convs, "convs")
    try:
        widths = [_as_tuple(entry, convs) for entry in filters]
        widths = [check_sizes(entry, "filters") for entry in widths]
    except (TypeError, ValueError):
        widths = []
    if not widths or not all(widths):
        raise refusal("`filters` should hold a positive integer, or a tuple of them, for each level", filters=filters)
    kernels = _per_level(kernel_size, len(widths), rank, "kernel_size")
    strides = [(1,) * rank, *_per_level(pool_size, len(widths) - 1, rank, "pool_size")]
    return tuple(Level(*level) for level in zip(widths, kernels, strides, strict=True))


def _as_tuple(entry, count):
    return tuple(entry) if isinstance(entry, (tuple, list)) else (entry,) * count


def sizes(levels, padding):
    """Returns the `Sizes` of a U-Net whose convolutions have a padding, `"same"` or `"valid"`.

    Example:

    >>> sizes(levels((64, 128, 256, 512, 1024), 3, 2, 2, rank=1), "valid")[:4]  # 572 = 32 * 16 + 60
    ((16,), (60,), (188,), (184,))
    """
    rank = len(levels[0].strides)
    axes = [_axis_sizes(levels, axis, padding == "valid") for axis in range(rank)]
    multiple, remainder, minimum, margin, crops = zip(*axes, strict=True)
    return Sizes(multiple, remainder, minimum, margin, tuple(zip(*crops, strict=True)))


def strides_from_the_finest(levels):
    """Returns how much coarser each level is than the first, a tuple per level."""
    strides = [levels[0].strides]
    for level in levels[1:]:
        strides.append(tuple(a * b for a, b in zip(strides[-1], level.strides, strict=True)))
    return strides


def _axis_sizes(levels, axis, valid):
    """The fields of `Sizes` for one axis.

    A level's convolutions take `loss` pixels off. Let d be how much larger its map on the way down is than that on
    the way up: 0 for the coarsest, and `crop + loss` above, with `crop = strides (loss + d)` of the level below.
    """
    losses = [0] * len(levels)
    if valid:
        losses = [len(level.filters) * (level.kernel[axis] - 1) for level in levels]
    strides = [level.strides[axis] for level in levels]
    differences, crops = [0], [0]
    for i in reversed(range(len(levels) - 1)):
        crops.insert(0, strides[i + 1] * (losses[i + 1] + differences[0]))
        differences.insert(0, crops[0] + losses[i])
    multiple = math.prod(strides)
    remainder = sum(math.prod(strides[: i + 1]) * loss for i, loss in enumerate(losses[:-1]))
    least = 1
    while not _leaves_something(least, strides, losses, differences):
        least += 1
    return multiple, remainder, least * multiple + remainder, losses[0] + differences[0], tuple(crops)


def _leaves_something(size, strides, losses, differences):
    """Whether a coarsest map of a size leaves every level at least one pixel on the way up."""
    for i in reversed(range(len(losses))):
        if size - losses[i] - differences[i] < 1:
            return False
        size = strides[i] * size + (losses[i - 1] if i else 0)
    return True


def _repeated(entry, rank):
    return (entry,) * rank if isinstance(entry, int) else tuple(entry)


def _per_level(value, count, rank, name):
    """Returns a tuple of `rank` sizes for each level, from one number, one for each axis, or that for each level."""
    try:
        entries = [value] * count if isinstance(value, int) else list(value)
        if not any(isinstance(entry, (tuple, list)) for entry in entries) and not isinstance(value, int):
            entries = [tuple(entries)] * count
        entries = [_repeated(entry, rank) for entry in entries]
        entries = [check_sizes(entry, name) for entry in entries]
    except (TypeError, ValueError):
        entries = []
    if len(entries) != count or any(len(entry) != rank for entry in entries):
        raise refusal(
            f"`{name}` should be a positive integer, {rank} of them (one per axis), or such an entry for each of "
            f"{count} levels",
            **{name: value},
        )
    return entries
