"""Parallel paths of several kernel sizes (GoogLeNet; Szegedy et al., 2015)."""

from typing import Any

import keras
from keras import ops

from keras_dl.layers import _parts
from keras_dl.layers.conv_block import ConvolutionalBlock
from keras_dl.layers.options import register
from keras_dl.layers.pooling import POOLS
from keras_dl.types import Normalization, Shape, Tensor


@register()
class InceptionBlock(ConvolutionalBlock):
    """Convolutions of three kernel sizes and a pooling side by side, their channels concatenated.

    Naive: 1x1, 3x3, 5x5 and 3x3 max pooling of the input. Reduced: 1x1, 1x1-3x3, 1x1-5x5 and pooling-1x1, so that
    the large kernels see few channels (Szegedy et al., 2015, figure 2). The block is reduced if the reductions are
    given; the arguments stand in the order of the paper's table 1.

    Args:
        filters_1x1: Int.
        reduce_3x3: Int, channels of the 1x1 convolution before the 3x3, or `None`.
        filters_3x3: Int.
        reduce_5x5: Int, channels of the 1x1 convolution before the 5x5, or `None`.
        filters_5x5: Int.
        filters_pool: Int, channels of the 1x1 convolution after the pooling, or `None` to keep the input's.
        large_kernel: Int, 5; torchvision's GoogLeNet has 3 in its place.
        use_bias: Boolean, or `None` for a bias exactly if there is no normalization.
        normalization: `None`, `"batch"` or a layer to copy.
        **kwargs: `activation`, `kernel_initializer`, `kernel_regularizer`: see `ConvBlock`.

    Returns:
        A tensor of shape `(batch, *spatial, filters_1x1 + filters_3x3 + filters_5x5 + filters_pool)`.

    Raises:
        ValueError: If the input is not channels-last of rank 3 to 5.

    Example:

    >>> block = InceptionBlock(64, 96, 128, 16, 32, 32)     # "inception (3a)"
    >>> block(keras.ops.ones((1, 7, 7, 192))).shape
    TensorShape([1, 7, 7, 256])
    >>> block.count_params()
    163696
    """

    def __init__(
        self,
        filters_1x1: int,
        reduce_3x3: int,
        filters_3x3: int,
        reduce_5x5: int,
        filters_5x5: int,
        filters_pool: int | None = None,
        large_kernel: int = 5,
        use_bias: bool | None = None,
        normalization: Normalization | None = None,
        **kwargs,
    ):
        super().__init__(use_bias=use_bias, normalization=normalization, **kwargs)
        self.filters_1x1 = filters_1x1
        self.reduce_3x3 = reduce_3x3
        self.filters_3x3 = filters_3x3
        self.reduce_5x5 = reduce_5x5
        self.filters_5x5 = filters_5x5
        self.filters_pool = filters_pool
        self.large_kernel = large_kernel
        self.chain: list[keras.layers.Layer] = None
        self._lengths: tuple[int, ...] = None

    def build(self, input_shape: Shape) -> None:
        _parts.check_rank(input_shape, "InceptionBlock")
        pool = POOLS["max"][len(input_shape) - 2]
        options = {"pool_size": 3, "strides": 1, "padding": "same", "data_format": "channels_last"}
        paths = [
            [self.conv_block("conv_1x1", self.filters_1x1, 1)],
            self._conv_path("3x3", self.reduce_3x3, self.filters_3x3, 3),
            self._conv_path("5x5", self.reduce_5x5, self.filters_5x5, self.large_kernel),
            [_parts.part(self, pool, "pool", **options)],
        ]
        if self.filters_pool is not None:
            paths[-1].append(self.conv_block("conv_pool", self.filters_pool, 1))
        for path in paths:
            _parts.build_chain(path, input_shape)
        # All paths in one list: Keras 3.14 does not save what lists of lists hold.
        self.chain, self._lengths = [layer for path in paths for layer in path], tuple(map(len, paths))

    def call(self, inputs: Tensor) -> Tensor:
        paths = _parts.split_chain(self.chain, self._lengths)
        return ops.concatenate([_parts.call_chain(path, inputs) for path in paths], axis=-1)

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        pooled = input_shape[-1] if self.filters_pool is None else self.filters_pool
        return (*input_shape[:-1], self.filters_1x1 + self.filters_3x3 + self.filters_5x5 + pooled)

    def _conv_path(self, size, reduce, filters, kernel_size):
        convolution = self.conv_block(f"conv_{size}", filters, kernel_size)
        return [convolution] if reduce is None else [self.conv_block(f"reduce_{size}", reduce, 1), convolution]

    def get_config(self) -> dict[str, Any]:
        names = (
            "filters_1x1",
            "reduce_3x3",
            "filters_3x3",
            "reduce_5x5",
            "filters_5x5",
            "filters_pool",
            "large_kernel",
        )
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
