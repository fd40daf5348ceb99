"""Convolution arithmetic: output sizes, parameters and multiply-adds."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from keras_dl.checks import check_counts, refusal
from keras_dl.types import Shape


class ConvCost(NamedTuple):
    """What a convolution, or a path of them, costs for one sample.

    Attributes:
        output_shape: Tuple of ints, spatial sizes then channels.
        parameters: Int, weights and biases.
        multiply_adds: Int, multiplications (each with its addition) of the kernels; biases are not counted.
    """

    output_shape: tuple
    parameters: int
    multiply_adds: int


def conv_output_size(
    n: int | None, kernel_size: int, stride: int = 1, padding: int | str = 0, dilation: int = 1
) -> int | None:
    """Returns the size that a convolution or pooling makes of a size `n` along one axis.

    `floor((n + p - d (k - 1) - 1) / s) + 1`, with `p` the padding on both sides together
    (Dumoulin and Visin, 2016, relationship 15); `ceil(n / s)` for Keras' `"same"`.

    Args:
        n: Int, the input size, or `None` if it is unknown.
        kernel_size: Int, k.
        stride: Int, s.
        padding: Int (on each side), a pair `(before, after)`, `"valid"` or `"same"`.
        dilation: Int, d.

    Returns:
        Int, or `None` if `n` is.

    Raises:
        ValueError: If an argument is not a positive integer, or the input is smaller than the kernel.

    Example:

    >>> conv_output_size(224, kernel_size=7, stride=2, padding=3)
    112
    >>> conv_output_size(28, kernel_size=5, padding="same")
    28
    """
    sizes = {"n": 1 if n is None else n, "kernel_size": kernel_size, "stride": stride, "dilation": dilation}
    for name, value in sizes.items():
        if not isinstance(value, int) or value < 1:
            raise refusal(f"`{name}` should be a positive integer", **{name: value})
    before, after = _both_sides(padding)
    if n is None:
        return None
    if padding == "same":
        return -(-n // stride)
    size = (n + before + after - dilation * (kernel_size - 1) - 1) // stride + 1
    if size < 1:
        raise refusal(
            f"The input is too small for the kernel: it needs at least {dilation * (kernel_size - 1) + 1} elements "
            "with the padding",
            f"n={n}, kernel_size={kernel_size}, padding={padding!r}, dilation={dilation}",
        )
    return size


def conv_cost(input_shape: Shape, convolutions: dict | Sequence[dict]) -> ConvCost:
    """Returns the output shape, the parameters and the multiply-adds of a convolution or a path of convolutions.

    A convolution of C to F channels in g groups with a kernel of k elements has `F (k C / g + 1)` parameters and needs
    `k F C / g` multiply-adds at each output position. A factorised convolution or the path of an Inception block
    is a list: the convolutions follow one another, and their costs add up.

    Args:
        input_shape: Tuple of ints, spatial sizes then channels, without the batch.
        convolutions: Dict of a convolution's `filters`, `kernel_size`, and optionally `strides` (1),
            `padding` (`"same"`), `dilation_rate` (1), `groups` (1), `use_bias` (`True`), as in Keras; or a list of such
            dicts.

    Returns:
        A `ConvCost(output_shape, parameters, multiply_adds)`.

    Raises:
        ValueError: If an option is unknown or missing, or the groups do not divide the channels.

    Example:

    >>> direct = conv_cost((28, 28, 192), {"filters": 32, "kernel_size": 5})
    >>> reduced = conv_cost((28, 28, 192), [{"filters": 16, "kernel_size": 1}, {"filters": 32, "kernel_size": 5}])
    >>> direct.multiply_adds, reduced.multiply_adds
    (120422400, 12443648)
    """
    if isinstance(convolutions, dict):
        convolutions = [convolutions]
    shape, parameters, multiply_adds = tuple(input_shape), 0, 0
    for options in convolutions:
        cost = _single_cost(shape, options)
        shape = cost.output_shape
        parameters += cost.parameters
        multiply_adds += cost.multiply_adds
    return ConvCost(shape, parameters, multiply_adds)


def _single_cost(input_shape, options):
    defaults = {"strides": 1, "padding": "same", "dilation_rate": 1, "groups": 1, "use_bias": True}
    unknown = set(options) - {"filters", "kernel_size", *defaults}
    if unknown or not {"filters", "kernel_size"} <= set(options):
        raise refusal(
            "A convolution takes `filters`, `kernel_size` and optionally "
            f"{', '.join(f'`{name}`' for name in defaults)}",
            options,
        )
    options = {**defaults, **options}
    *spatial, channels = input_shape
    filters, groups = options["filters"], options["groups"]
    if channels % groups or filters % groups:
        raise refusal(
            "`groups` should divide the input channels and `filters`",
            f"channels={channels}, filters={filters}, groups={groups}",
        )
    kernel = spread(options["kernel_size"], len(spatial), "kernel_size")
    strides = spread(options["strides"], len(spatial), "strides")
    dilations = spread(options["dilation_rate"], len(spatial), "dilation_rate")
    output = tuple(
        conv_output_size(n, k, s, options["padding"], d)
        for n, k, s, d in zip(spatial, kernel, strides, dilations, strict=True)
    )
    weights = math.prod(kernel) * (channels // groups) * filters
    parameters = weights + (filters if options["use_bias"] else 0)
    return ConvCost((*output, filters), parameters, weights * math.prod(output))


def spread(value, rank, name, least=1):
    """Returns `value` as a tuple of `rank` ints of at least `least`, one per axis; a single int is repeated."""
    values = check_counts(value, name, least)
    values = (values,) * rank if isinstance(values, int) else values
    if len(values) != rank:
        raise refusal(f"`{name}` should be a positive integer or a tuple of {rank}", **{name: value})
    return values


def _both_sides(padding):
    """Returns the padding as `(before, after)`; `"same"` depends on the size and counts as none here."""
    if padding in ("same", "valid"):
        return 0, 0
    sides = (padding, padding) if isinstance(padding, int) else padding
    if not isinstance(sides, (tuple, list)) or len(sides) != 2 or not all(isinstance(p, int) and p >= 0 for p in sides):
        raise refusal("`padding` should be 'same', 'valid', a non-negative integer or a pair of them", padding=padding)
    return tuple(sides)
