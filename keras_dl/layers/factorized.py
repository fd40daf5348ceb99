"""Convolutions written as several smaller ones: fewer weights, more nonlinearities."""

from collections.abc import Sequence
from typing import Any

from keras_dl.checks import refusal
from keras_dl.layers import _parts
from keras_dl.layers.arithmetic import conv_output_size, spread
from keras_dl.layers.conv_block import ConvolutionalBlock
from keras_dl.layers.options import check_widths, register
from keras_dl.types import Activation, Normalization, Shape, Sizes, Tensor


class _ConvChain(ConvolutionalBlock):
    """Base of the layers that are convolutions one after another."""

    chain = None

    def build(self, input_shape: Shape) -> None:
        _parts.check_rank(input_shape, type(self).__name__, (4,))
        self.chain = self._convolutions()
        _parts.build_chain(self.chain, input_shape)

    def call(self, inputs: Tensor) -> Tensor:
        return _parts.call_chain(self.chain, inputs)


@register()
class FactorizedConv2D(_ConvChain):
    """A large convolution as several of size 3, with the same receptive field (Simonyan and Zisserman, 2015).

    Two 3x3 for a 5x5, three for a 7x7: `18 C^2` weights instead of `25 C^2`, `27 C^2` instead of `49 C^2`.

    Args:
        filters: Int, output channels of each convolution.
        kernel_size: Odd int of at least 3, the size of the convolution that is replaced.
        strides: Int or pair of ints, of the last convolution.
        padding: `"same"`, `"valid"` or `"symmetric"`, of each convolution.
        use_bias: Boolean, or `None` for a bias exactly if there is no normalization.
        normalization: `None`, `"batch"` or a layer to copy.
        **kwargs: `activation` (after each convolution), `kernel_initializer`, `kernel_regularizer`: see `ConvBlock`.

    Returns:
        A tensor of the shape that one convolution of `kernel_size` would give.

    Raises:
        ValueError: If `kernel_size` is even or below 3.

    Example:

    >>> layer = FactorizedConv2D(8, kernel_size=5, padding="valid", use_bias=False)
    >>> layer(keras.ops.ones((1, 9, 9, 8))).shape, layer.count_params()
    (TensorShape([1, 5, 5, 8]), 1152)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int = 5,
        strides: Sizes = 1,
        padding: str = "same",
        use_bias: bool | None = None,
        normalization: Normalization | None = None,
        **kwargs,
    ):
        super().__init__(use_bias=use_bias, normalization=normalization, **kwargs)
        if not isinstance(kernel_size, int) or kernel_size < 3 or kernel_size % 2 == 0:
            raise refusal("`kernel_size` should be an odd integer of at least 3", kernel_size=kernel_size)
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.padding = padding

    def _convolutions(self):
        count = self.kernel_size // 2
        strides = [1] * (count - 1) + [self.strides]
        return [
            self.conv_block(f"conv_{i}", self.filters, 3, strides=s, padding=self.padding)
            for i, s in enumerate(strides, start=1)
        ]

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        return _conv_shape(input_shape, self.filters, self.kernel_size, self.strides, self.padding)

    def get_config(self) -> dict[str, Any]:
        names = ("filters", "kernel_size", "strides", "padding")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@register()
class SpatiallySeparableConv2D(_ConvChain):
    """A kx1 convolution followed by a 1xk convolution: `2 k C^2` weights instead of `k^2 C^2` (Szegedy et al., 2016).

    Without an activation between and with one channel it is the convolution by the outer product of the two kernels.

    Args:
        filters: Int, output channels.
        kernel_size: Int, k.
        strides: Int or pair of ints.
        padding: `"same"`, `"valid"` or `"symmetric"`.
        intermediate_filters: Int, channels between the two, or `None` for `filters`.
        intermediate_activation: Name, function or layer to copy, after the first convolution (and its normalization).
        activation: Name, function or layer to copy, after the second.
        use_bias: Boolean, or `None` for a bias exactly if there is no normalization.
        normalization: `None`, `"batch"` or a layer to copy.
        **kwargs: `kernel_initializer`, `kernel_regularizer`: see `ConvBlock`.

    Returns:
        A tensor of the shape that one convolution of `kernel_size` would give.

    Raises:
        ValueError: If the input is not channels-last of rank 4.

    Example:

    >>> layer = SpatiallySeparableConv2D(8, kernel_size=7, use_bias=False)
    >>> layer(keras.ops.ones((1, 9, 9, 8))).shape, layer.count_params()
    (TensorShape([1, 9, 9, 8]), 896)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        strides: Sizes = 1,
        padding: str = "same",
        intermediate_filters: int | None = None,
        intermediate_activation: Activation | None = None,
        activation: Activation | None = None,
        use_bias: bool | None = None,
        normalization: Normalization | None = None,
        **kwargs,
    ):
        super().__init__(use_bias=use_bias, normalization=normalization, activation=activation, **kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.padding = padding
        self.intermediate_filters = intermediate_filters
        self.intermediate_activation = _parts.activation_or_config(intermediate_activation)

    def _convolutions(self):
        down, across = spread(self.strides, 2, "strides")
        between = {"activation": self.intermediate_activation, "padding": self.padding, "strides": (down, 1)}
        filters = self.intermediate_filters or self.filters
        return [
            self.conv_block("vertical", filters, (self.kernel_size, 1), **between),
            self.conv_block(
                "horizontal", self.filters, (1, self.kernel_size), padding=self.padding, strides=(1, across)
            ),
        ]

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        return _conv_shape(input_shape, self.filters, self.kernel_size, self.strides, self.padding)

    def get_config(self) -> dict[str, Any]:
        names = ("filters", "kernel_size", "strides", "padding", "intermediate_filters")
        config = {**super().get_config(), **{name: getattr(self, name) for name in names}}
        config["intermediate_activation"] = _parts.serialize_activation(self.intermediate_activation)
        return config


@register(filters=check_widths)
class NetworkInNetwork(_ConvChain):
    """A convolution followed by a small dense network at every position, as 1x1 convolutions (Lin et al., 2014).

    Args:
        filters: Tuple of ints, the channels of the convolution, then of each 1x1 convolution: (192, 160, 96) in the
            paper.
        kernel_size: Int or pair of ints, of the convolution.
        strides: Int or pair of ints, of the convolution.
        padding: `"same"`, `"valid"`, `"symmetric"` or an int, of the convolution.
        use_bias: Boolean, or `None` for a bias exactly if there is no normalization.
        normalization: `None`, `"batch"` or a layer to copy.
        **kwargs: `activation` (after each convolution), `kernel_initializer`, `kernel_regularizer`: see `ConvBlock`.

    Returns:
        A tensor of shape `(batch, new_height, new_width, filters[-1])`.

    Raises:
        ValueError: If `filters` is empty.

    Example:

    >>> layer = NetworkInNetwork((8, 6, 4), kernel_size=5)
    >>> layer(keras.ops.ones((1, 9, 9, 3))).shape
    TensorShape([1, 9, 9, 4])
    """

    def __init__(
        self,
        filters: Sequence[int],
        kernel_size: Sizes = 3,
        strides: Sizes = 1,
        padding: str = "same",
        use_bias: bool | None = None,
        normalization: Normalization | None = None,
        **kwargs,
    ):
        super().__init__(use_bias=use_bias, normalization=normalization, **kwargs)
        self.filters = tuple(filters)
        self.kernel_size = kernel_size
        self.strides = strides
        self.padding = padding

    def _convolutions(self):
        options = {"strides": self.strides, "padding": self.padding}
        first = self.conv_block("conv_1", self.filters[0], self.kernel_size, **options)
        rest = [self.conv_block(f"conv_{i}", filters, 1) for i, filters in enumerate(self.filters[1:], start=2)]
        return [first, *rest]

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        return _conv_shape(input_shape, self.filters[-1], self.kernel_size, self.strides, self.padding)

    def get_config(self) -> dict[str, Any]:
        names = ("filters", "kernel_size", "strides", "padding")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def _conv_shape(input_shape, filters, kernel_size, strides, padding):
    sizes = []
    kernel, strides = spread(kernel_size, 2, "kernel_size"), spread(strides, 2, "strides")
    for n, k, s in zip(input_shape[1:-1], kernel, strides, strict=True):
        sizes.append(conv_output_size(n, k, s, (k - 1) // 2 if padding == "symmetric" else padding))
    return (input_shape[0], *sizes, filters)
