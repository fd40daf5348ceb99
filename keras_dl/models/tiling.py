"""Images of any size through a network tile by tile, equal to the whole, in memory that does not grow with them."""

import fractions
import itertools
import math

import keras
import numpy as np

from keras_dl import layers
from keras_dl.checks import check_count, refusal
from keras_dl.models.structure import inputs_of

# Input pixels on either side of an output pixel.
_INTERPOLATION = {"nearest": 0, "bilinear": 1, "bicubic": 2, "lanczos3": 3, "lanczos5": 5}
_PROBE = 64


def scale_of(network):
    """By how much a network enlarges images, a positive integer.

    Raises:
        ValueError: If it does not take images, or does not enlarge both sides by one whole number.
    """
    inputs = inputs_of(network)
    shape = _shape_of(inputs)
    if len(shape) != 4 or shape[-1] is None:
        raise refusal("network should take images (height, width, channels) of known channels", f"{shape}")
    sizes = [_PROBE if size is None else size for size in shape[1:3]]
    outputs = network.compute_output_spec(keras.KerasTensor((1, *sizes, shape[-1])))
    enlarged = _shape_of(outputs)
    scale = enlarged[1] // sizes[0] if len(enlarged) == 4 else 0
    if scale < 1 or enlarged[1:3] != tuple(scale * size for size in sizes):
        raise refusal("network should enlarge both sides of images by one whole number", f"{sizes} to {enlarged}")
    return scale


def _shape_of(tensor):
    """A tensor's shape; an empty one for what is none."""
    return tuple(getattr(tensor, "shape", ()))


def reach(network):
    """How many input pixels beyond an output pixel's own, on each side, it may depend on.

    Args:
        network: Functional model of convolutions that keep the size, of upsampling, and of layers that see one pixel.

    Raises:
        ValueError: If it has layers of which the reach is not known.

    Example:

    >>> reach(keras_dl.networks.espcn(scale=3))    # kernels of 5, 3 and 3
    4
    """
    radii, scales = {}, {}
    for layer in network.layers:
        sources = [tensor._keras_history.operation for tensor in keras.tree.flatten(layer.input)]
        sources = [source for source in sources if source is not layer]
        radius = max((radii[source] for source in sources), default=fractions.Fraction(0))
        scale = max((scales[source] for source in sources), default=1)
        if type(layer) not in _KINDS:
            text = "`overlap` should be given for a network with layers of which the reach is not known"
            raise refusal(text, f"{type(layer).__name__} {layer.name}")
        more, factor = _KINDS[type(layer)](layer)
        radii[layer], scales[layer] = radius + fractions.Fraction(more, scale), scale * factor
    return math.ceil(max(radii.values()))


def _of_convolution(layer):
    if layer.padding != "same" or set(layer.strides) != {1}:
        raise refusal("`overlap` should be given for a network with convolutions that change the size", f"{layer.name}")
    extents = zip(layer.kernel_size, layer.dilation_rate, strict=True)
    return max(dilation * (size // 2) for size, dilation in extents), 1


def _of_upsampling(layer):
    return _INTERPOLATION[layer.interpolation], layer.size[0]


def _of_bilinear(layer):
    return 1, layer.scale


def _of_nearest(layer):
    return 0, layer.scale


def _of_pixel_shuffle(layer):
    return 0, layer.upscale_factor


def _of_one_pixel(layer):
    return 0, 1


_POINTWISE = (
    *(keras.layers.InputLayer, keras.layers.Activation, keras.layers.ReLU, keras.layers.LeakyReLU),
    *(keras.layers.BatchNormalization, layers.BatchNormalization, layers.PReLU, keras.layers.PReLU),
    *(keras.layers.Add, keras.layers.Subtract, keras.layers.Multiply, keras.layers.Concatenate),
    *(keras.layers.Rescaling, keras.layers.Dropout, keras.layers.Identity),
)
_KINDS = {
    **dict.fromkeys(_POINTWISE, _of_one_pixel),
    **dict.fromkeys((keras.layers.Conv2D, keras.layers.DepthwiseConv2D), _of_convolution),
    keras.layers.UpSampling2D: _of_upsampling,
    layers.BilinearUpsampling2D: _of_bilinear,
    layers.NearestUpsampling2D: _of_nearest,
    layers.PixelShuffle: _of_pixel_shuffle,
}


def tiles(size, tile, overlap):
    """Cuts one axis: where windows begin, how many pixels they have, and which of them each gives.

    Windows reach `overlap` pixels beyond their tiles and have all one length, unless the axis has fewer pixels. The
    fewest tiles that suffice share the axis, so that windows overlap little.

    Returns:
        List of `(start, length, first, last)`: the window is `[start, start + length)`, of which it gives the pixels
        `[first, last)` of the axis.

    Example:

    >>> tiles(10, 4, 1)
    [(0, 6, 0, 4), (3, 6, 4, 8), (4, 6, 8, 10)]
    """
    tile = math.ceil(size / math.ceil(size / tile)) if size else tile
    length = min(size, tile + 2 * overlap)
    parts = []
    for first in range(0, size, tile):
        start = min(max(first - overlap, 0), size - length)
        parts.append((start, length, first, min(first + tile, size)))
    return parts


def tiled(function, x, scale, tile, overlap, out):
    """Writes what a function makes of images into `out`, a tile at a time.

    Args:
        function: Function of an array `(1, height, width, channels)` that enlarges by `scale`.
        x: Array or memory map of images `(rows, height, width, channels)`.
        scale: By how much the function enlarges.
        tile: Sides of the tiles in pixels of `x`.
        overlap: Pixels beyond a tile that its windows see.
        out: Array or memory map `(rows, scale height, scale width, channels)`.
    """
    check_count(tile, "tile")
    check_count(overlap, "overlap", least=0)
    axes = [tiles(size, tile, overlap) for size in x.shape[1:3]]
    for row, down, across in itertools.product(range(len(x)), *axes):
        window = [slice(start, start + length) for start, length, _, _ in (down, across)]
        values = function(np.asarray(x[row : row + 1, window[0], window[1]], "float32"))
        inner = [slice(scale * (first - start), scale * (last - start)) for start, _, first, last in (down, across)]
        outer = [slice(scale * first, scale * last) for _, _, first, last in (down, across)]
        out[row, outer[0], outer[1]] = values[0, inner[0], inner[1]]
