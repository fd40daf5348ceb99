"""Levels of image pyramids: images halved and doubled by Burt and Adelson's filter."""

import keras
import numpy as np
from keras import ops

from keras_dl.layers._parts import check_even, check_rank, of_even_sides
from keras_dl.layers.options import register
from keras_dl.types import Shape, Tensor

_TAPS = np.array([1, 4, 6, 4, 1], "float32") / 16
# The same filter, doubled, on an image with zeros between its pixels: what even and odd pixels take of 3 neighbours.
_PHASES = np.array([[1, 6, 1], [0, 4, 4]], "float32") / 8


@register()
class PyramidDown(keras.layers.Layer):
    r"""The next coarser level of a Gaussian pyramid: a binomial filter, then every other pixel.

    $d(x) = (b b^\top * x)_{2i, 2j}$ channel by channel, $b = [1, 4, 6, 4, 1] / 16$ (Burt & Adelson 1983, "The Laplacian
    pyramid as a compact image code"); beyond its border an image is mirrored. It has no weights. With `PyramidUp`, $u$,
    the difference $h = x - u(d(x))$ and the coarse image give the image back: $x = u(d(x)) + h$.

    Args:
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Returns:
        A tensor of shape `(batch, height / 2, width / 2, channels)`.

    Raises:
        ValueError: If a side is odd. One that is known only when a graph runs ends it with an error of TensorFlow.

    Example:

    >>> x = keras.random.normal((2, 8, 8, 3))
    >>> coarse = PyramidDown()(x)
    >>> difference = x - PyramidUp()(coarse)
    >>> bool(keras.ops.max(keras.ops.abs(PyramidUp()(coarse) + difference - x)) < 1e-6)
    True
    """

    def build(self, input_shape: Shape) -> None:
        check_rank(input_shape, "PyramidDown", (4,))
        check_even(input_shape, "PyramidDown")

    def call(self, inputs: Tensor) -> Tensor:
        return down(of_even_sides(inputs, "PyramidDown"))

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        check_even(input_shape, "PyramidDown")
        sides = (side if side is None else side // 2 for side in input_shape[1:-1])
        return (input_shape[0], *sides, input_shape[-1])


@register()
class PyramidUp(keras.layers.Layer):
    r"""A coarse image at the size of the next finer level of a pyramid, smooth.

    $u(x) = 4\, b b^\top * x_0$ channel by channel, where $x_0$ has zeros between the pixels of $x$, so that constants
    stay as they are; see `PyramidDown`. It has no weights.

    Args:
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Returns:
        A tensor of shape `(batch, 2 height, 2 width, channels)`.

    Example:

    >>> PyramidUp()(keras.ops.ones((1, 7, 4, 3))).shape
    TensorShape([1, 14, 8, 3])
    """

    def build(self, input_shape: Shape) -> None:
        check_rank(input_shape, "PyramidUp", (4,))

    def call(self, inputs: Tensor) -> Tensor:
        return up(inputs)

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        sides = (side if side is None else 2 * side for side in input_shape[1:-1])
        return (input_shape[0], *sides, input_shape[-1])


def down(images):
    """`PyramidDown` as a function of a tensor `(batch, height, width, channels)`."""
    kernel = np.repeat(np.outer(_TAPS, _TAPS)[:, :, None, None], images.shape[-1], axis=2)
    x = ops.pad(images, [(0, 0), (2, 2), (2, 2), (0, 0)], mode="symmetric")
    return ops.depthwise_conv(x, ops.cast(kernel, x.dtype), 2, "valid", "channels_last")


def up(images):
    """`PyramidUp` as a function of a tensor `(batch, height, width, channels)`."""
    height, width = ops.shape(images)[1:3]
    channels = images.shape[-1]
    planes = np.einsum("ai,bj->ijab", _PHASES, _PHASES).reshape(3, 3, 1, 4)
    kernel = ops.cast(np.repeat(planes, channels, axis=2), images.dtype)
    x = ops.pad(images, [(0, 0), (1, 1), (1, 1), (0, 0)], mode="symmetric")
    x = ops.depthwise_conv(x, kernel, 1, "valid", "channels_last")
    x = ops.transpose(ops.reshape(x, (-1, height, width, channels, 2, 2)), (0, 1, 4, 2, 5, 3))
    return ops.reshape(x, (-1, 2 * height, 2 * width, channels))
