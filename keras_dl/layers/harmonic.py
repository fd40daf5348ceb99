"""Convolutions whose outputs turn with the image (harmonic networks; Worrall et al., 2017).

Complex feature maps of rotation orders 0 to M are tensors of shape `(batch, height, width, orders, 2, channels)`; the
axis of length 2 holds real and imaginary parts. When the image turns by theta (counterclockwise), so do the maps, and
order m is multiplied by `e^(i m theta)`.
"""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_dl.checks import check_count, refusal
from keras_dl.layers._parts import check_rank
from keras_dl.layers.arithmetic import conv_output_size, spread
from keras_dl.layers.options import register
from keras_dl.types import Shape, Sizes, Tensor


def circular_harmonics(kernel_size, order, num_rings, sigma=0.7):
    """Samples of the filters `g_j(r) e^(i m phi)` on a grid of pixels, one for each ring of radius rho_j.

    A ring is spread by a Gaussian: `g_j(r) e^(i m phi)` is the mean over angles alpha of
    `exp(-|x - rho_j u(alpha)|^2 / (2 sigma^2)) e^(i m alpha)`, so that it is smooth enough for the grid and vanishes at
    the centre if m is not 0. Each filter has unit energy and ends at the circle that the grid contains.

    Args:
        kernel_size: Int, pixels k along each axis.
        order: Int, m.
        num_rings: Int; the radii go from 0 to `(k - 1) / 2`.
        sigma: Float, width of the Gaussian in pixels.

    Returns:
        Complex NumPy array of shape `(k, k, num_rings)`.

    Example:

    >>> filters = circular_harmonics(5, order=1, num_rings=3)
    >>> bool(np.allclose(np.rot90(filters), -1j * filters))
    True
    """
    centre = (kernel_size - 1) / 2
    rows, columns = np.mgrid[:kernel_size, :kernel_size] - centre
    radii = np.linspace(0.0, centre, num_rings) if num_rings > 1 else np.array([centre / 2])
    # At radius 0 an order above 0 is the limit of small rings.
    radii = np.maximum(radii, 0.05)
    angles = 2 * np.pi * np.arange(128) / 128
    x = columns[..., None, None] - radii[:, None] * np.cos(angles)
    y = -rows[..., None, None] - radii[:, None] * np.sin(angles)
    spread_rings = np.exp(-(x**2 + y**2) / (2 * sigma**2))
    filters = (spread_rings * np.exp(1j * order * angles)).mean(-1)
    filters[np.hypot(rows, columns) > kernel_size / 2] = 0
    return filters / np.sqrt((np.abs(filters) ** 2).sum((0, 1)))


@register(kernel_size=check_count)
class HarmonicConv2D(keras.layers.Layer):
    """Convolution by circular harmonics, equivariant to rotations of the image (Worrall et al., 2017).

    From order n to order m the filters are `W(r, phi) = R(r) e^(i ((m - n) phi + beta))`, with a learned radial profile
    R and phase beta for each pair of channels, and the outputs of one order are summed over the orders of the input.
    Magnitudes do not change when the image turns, the phase of order m turns with it m times: exactly for quarter
    turns, and up to sampling for others.

    Args:
        filters: Int, complex output channels of each order.
        kernel_size: Int.
        max_order: Int, M; the output has the orders 0 to M.
        num_rings: Int, of the radial profile, or `None` for `kernel_size // 2 + 1`.
        strides: Int or pair of ints; above 1, sampling breaks the symmetry a little: prefer `HarmonicPooling2D`.
        padding: `"same"` or `"valid"`.
        sigma: Float, width in pixels of the Gaussian that spreads a ring over the grid.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Real images `(batch, height, width, channels)`, or the complex feature maps of such a layer.

    Returns:
        A tensor of shape `(batch, new_height, new_width, max_order + 1, 2, filters)`.

    Raises:
        ValueError: If the input is neither, or an option is out of range.

    Example:

    >>> import keras_dl
    >>> image = keras.random.normal((1, 9, 9, 1))
    >>> layer, magnitude = HarmonicConv2D(4, max_order=1), keras_dl.layers.HarmonicMagnitude()
    >>> upright, turned = magnitude(layer(image)), magnitude(layer(keras.ops.rot90(image, axes=(1, 2))))
    >>> bool(keras.ops.max(keras.ops.abs(keras.ops.rot90(upright, axes=(1, 2)) - turned)) < 1e-5)
    True
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int = 5,
        max_order: int = 1,
        num_rings: int | None = None,
        strides: Sizes = 1,
        padding: str = "same",
        sigma: float = 0.7,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if padding not in ("same", "valid"):
            raise refusal("`padding` should be 'same' or 'valid'", padding=padding)
        self.filters = filters
        self.kernel_size = kernel_size
        self.max_order = max_order
        self.num_rings = num_rings
        self.strides = strides
        self.padding = padding
        self.sigma = sigma
        self.radial = None
        self.phase = None

    def build(self, input_shape: Shape) -> None:
        orders, self._num_parts, channels = _complex_axes(input_shape, "HarmonicConv2D", real_allowed=True)
        rings = self.num_rings or self.kernel_size // 2 + 1
        pairs = (orders, channels, self.max_order + 1, self.filters)
        deviation = math.sqrt(2.0 / (rings * orders * channels))
        self.radial = self.add_weight(
            name="radial",
            shape=(rings, *pairs),
            initializer=keras.initializers.RandomNormal(stddev=deviation),
            autocast=False,
        )
        turns = keras.initializers.RandomUniform(-math.pi, math.pi)
        self.phase = self.add_weight(name="phase", shape=pairs, initializer=turns, autocast=False)
        harmonics = [
            [circular_harmonics(self.kernel_size, out - n, rings, self.sigma) for out in range(self.max_order + 1)]
            for n in range(orders)
        ]
        self._harmonics = np.transpose(np.array(harmonics), (2, 3, 4, 0, 1))

    def call(self, inputs: Tensor) -> Tensor:
        parts = 1 if len(inputs.shape) == 4 else 2
        kernel = ops.cast(self._kernel(parts), inputs.dtype)
        height, width = ops.shape(inputs)[1:3]
        x = ops.reshape(inputs, (-1, height, width, math.prod(inputs.shape[3:])))
        x = ops.conv(x, kernel, self.strides, self.padding, "channels_last")
        height, width = ops.shape(x)[1:3]
        return ops.reshape(x, (-1, height, width, self.max_order + 1, 2, self.filters))

    @property
    def convolution_kernel(self) -> Tensor:
        """The kernel of the real convolution behind it, for inputs as it was built for."""
        return self._kernel(self._num_parts)

    def _kernel(self, parts):
        """Returns the real convolution's kernel, `(k, k, orders * parts * channels, new_orders * 2 * filters)`."""
        cosine, sine = self.radial * ops.cos(self.phase), self.radial * ops.sin(self.phase)
        real, imaginary = (
            ops.convert_to_tensor(h.astype("float32")) for h in (self._harmonics.real, self._harmonics.imag)
        )

        def sum_rings(harmonics, profile):
            return ops.einsum("xyrno,rncof->xyncof", harmonics, profile)

        w_real = sum_rings(real, cosine) - sum_rings(imaginary, sine)
        w_imaginary = sum_rings(real, sine) + sum_rings(imaginary, cosine)
        # Axes: x, y, order, channel, new order, filter; then the output's part before the filter, the input's before
        # the channel.
        kernel = ops.stack([w_real, w_imaginary], axis=5)
        if parts == 2:
            kernel = ops.stack([kernel, ops.stack([-w_imaginary, w_real], axis=5)], axis=3)
        size = self.kernel_size
        return ops.reshape(kernel, (size, size, -1, (self.max_order + 1) * 2 * self.filters))

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        strides = spread(self.strides, 2, "strides")
        sizes = (
            conv_output_size(n, self.kernel_size, s, self.padding)
            for n, s in zip(input_shape[1:3], strides, strict=True)
        )
        return (input_shape[0], *sizes, self.max_order + 1, 2, self.filters)

    def get_config(self) -> dict[str, Any]:
        names = ("filters", "kernel_size", "max_order", "num_rings", "strides", "padding", "sigma")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def _complex_axes(input_shape, name, real_allowed=False):
    """Returns orders, parts and channels of an input shape."""
    if real_allowed and len(input_shape) == 4:
        check_rank(input_shape, name, (4,))
        return 1, 1, input_shape[-1]
    if len(input_shape) != 6 or input_shape[4] != 2 or None in input_shape[3:]:
        raise refusal(
            f"`{name}` expects complex feature maps (batch, height, width, orders, 2, channels)"
            f"{(' or real images (batch, height, width, channels)' if real_allowed else '')}",
            f"input_shape={tuple(input_shape)}",
        )
    return tuple(input_shape[3:])
