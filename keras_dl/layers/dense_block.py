"""Densely connected blocks and the transitions between them (Huang et al., 2017; Jegou et al., 2017)."""

from typing import Any

import keras
from keras import ops

from keras_dl.checks import refusal
from keras_dl.layers import _parts
from keras_dl.layers.arithmetic import conv_output_size, spread
from keras_dl.layers.conv_block import ConvolutionalBlock
from keras_dl.layers.options import register
from keras_dl.layers.pooling import POOLS
from keras_dl.types import Shape, Sizes, Tensor


@register()
class DenseBlock(ConvolutionalBlock):
    """Layers that each take all feature maps before them: `x_l = H_l([x_0, ..., x_{l-1}])` (Huang et al., 2017).

    H is norm-act-3x3 convolution; with a bottleneck, norm-act-1x1 to `bottleneck * growth_rate` channels before it.

    Args:
        num_layers: Int.
        growth_rate: Int, the channels that each layer adds.
        bottleneck: Int, the width of the 1x1 convolution in growth rates (4 in DenseNet-B), or `None` for none.
        dropout: Float, the rate of the dropout after each layer.
        kernel_size: Int or tuple of ints.
        include_input: Boolean, whether the output contains the input; it does not in the upward path of a fully
            convolutional DenseNet (Jegou et al., 2017).
        **kwargs: `use_bias`, `normalization`, `activation`, `kernel_initializer`, `kernel_regularizer`: see
            `ConvBlock`.

    Returns:
        A tensor of shape `(batch, *spatial, channels + num_layers * growth_rate)`.

    Raises:
        ValueError: If a size is not a positive integer, or the input is not channels-last of rank 3 to 5.

    Example:

    >>> block = DenseBlock(num_layers=3, growth_rate=4)
    >>> block(keras.ops.ones((1, 6, 6, 8))).shape
    TensorShape([1, 6, 6, 20])
    """

    def __init__(
        self,
        num_layers: int,
        growth_rate: int,
        bottleneck: int | None = 4,
        dropout: float = 0.0,
        kernel_size: Sizes = 3,
        include_input: bool = True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.num_layers = num_layers
        self.growth_rate = growth_rate
        self.bottleneck = bottleneck
        self.dropout = dropout
        self.kernel_size = kernel_size
        self.include_input = include_input
        self.chain: list[keras.layers.Layer] = None

    def build(self, input_shape: Shape) -> None:
        _parts.check_rank(input_shape, "DenseBlock")
        # All steps in one list: Keras 3.14 does not save what lists of lists hold.
        self.chain = [layer for i in range(1, self.num_layers + 1) for layer in self._step(i)]
        channels = input_shape[-1]
        for step in self._steps():
            _parts.build_chain(step, (*input_shape[:-1], channels))
            channels += self.growth_rate

    def call(self, inputs: Tensor) -> Tensor:
        features, new = inputs, []
        for step in self._steps():
            new.append(_parts.call_chain(step, features))
            if self.include_input or len(new) < self.num_layers:
                features = ops.concatenate([features, new[-1]], axis=-1)
        return features if self.include_input else ops.concatenate(new, axis=-1)

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        channels = input_shape[-1] if self.include_input else 0
        return (*input_shape[:-1], channels + self.num_layers * self.growth_rate)

    def _steps(self):
        return _parts.split_chain(self.chain, [len(self.chain) // self.num_layers] * self.num_layers)

    def _step(self, i):
        layers = [self.conv_block(f"conv_{i}", self.growth_rate, self.kernel_size, preactivation=True)]
        if self.bottleneck:
            width = self.bottleneck * self.growth_rate
            layers.insert(0, self.conv_block(f"bottleneck_{i}", width, 1, preactivation=True))
        if self.dropout:
            layers.append(_parts.part(self, keras.layers.Dropout, f"dropout_{i}", rate=self.dropout))
        return layers

    def get_config(self) -> dict[str, Any]:
        names = ("num_layers", "growth_rate", "bottleneck", "dropout", "kernel_size", "include_input")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@register()
class TransitionDown(ConvolutionalBlock):
    """Compresses the channels by norm-act-1x1 convolution and halves the resolution (Huang et al., 2017).

    Args:
        compression: Float in (0, 1], the share theta of the channels that is kept, rounded down.
        pooling: `"average"` (DenseNet), `"max"` (fully convolutional DenseNet) or `"blur"` (anti-aliased).
        pool_size: Int or tuple of ints, also the stride.
        dropout: Float, the rate of the dropout after the convolution.
        **kwargs: `use_bias`, `normalization`, `activation`, `kernel_initializer`, `kernel_regularizer`: see
            `ConvBlock`.

    Returns:
        A tensor of shape `(batch, *floor(spatial / pool_size), int(compression * channels))`; `"blur"` rounds sizes up.

    Raises:
        ValueError: If `compression` or `pooling` is out of range.

    Example:

    >>> TransitionDown()(keras.ops.ones((1, 8, 8, 20))).shape
    TensorShape([1, 4, 4, 10])
    """

    def __init__(
        self, compression: float = 0.5, pooling: str = "average", pool_size: Sizes = 2, dropout: float = 0.0, **kwargs
    ):
        super().__init__(**kwargs)
        if not 0 < compression <= 1:
            raise refusal("`compression` should be in (0, 1]", f"compression={compression}")
        if pooling not in POOLS:
            raise refusal(f"`pooling` should be one of {sorted(POOLS)}", pooling=pooling)
        self.compression = compression
        self.pooling = pooling
        self.pool_size = pool_size
        self.dropout = dropout
        self.chain: list[keras.layers.Layer] = None

    def build(self, input_shape: Shape) -> None:
        _parts.check_rank(input_shape, "TransitionDown")
        self.chain = [self.conv_block("convolution", self._filters(input_shape), 1, preactivation=True)]
        if self.dropout:
            self.chain.append(_parts.part(self, keras.layers.Dropout, "dropout", rate=self.dropout))
        size: dict = {"strides": self.pool_size} if self.pooling == "blur" else {"pool_size": self.pool_size}
        if self.pooling != "blur":
            size["data_format"] = "channels_last"
        self.chain.append(_parts.part(self, POOLS[self.pooling][len(input_shape) - 2], "pool", **size))
        _parts.build_chain(self.chain, input_shape)

    def call(self, inputs: Tensor) -> Tensor:
        return _parts.call_chain(self.chain, inputs)

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        pools = spread(self.pool_size, len(input_shape) - 2, "pool_size")
        sizes = []
        for n, p in zip(input_shape[1:-1], pools, strict=True):
            sizes.append(conv_output_size(n, 1, p, "same") if self.pooling == "blur" else conv_output_size(n, p, p))
        return (input_shape[0], *sizes, self._filters(input_shape))

    def _filters(self, input_shape):
        return max(1, int(self.compression * input_shape[-1]))

    def get_config(self) -> dict[str, Any]:
        names = ("compression", "pooling", "pool_size", "dropout")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
