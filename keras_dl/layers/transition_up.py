"""The way back up: a transposed convolution that meets the features of the way down."""

from typing import Any

import keras
from keras import ops

from keras_dl.checks import refusal
from keras_dl.layers import _parts
from keras_dl.layers.arithmetic import spread
from keras_dl.layers.conv_block import ConvolutionalBlock
from keras_dl.layers.options import register
from keras_dl.types import Activation, Nest, Normalization, Sizes, Tensor

TRANSPOSED = {1: keras.layers.Conv1DTranspose, 2: keras.layers.Conv2DTranspose, 3: keras.layers.Conv3DTranspose}


@register()
class TransitionUp(ConvolutionalBlock):
    """Doubles the resolution by a transposed convolution and appends the features of the way down.

    3x3 with stride 2 in a fully convolutional DenseNet (Jegou et al., 2017), 2x2 in U-Net (Ronneberger et al., 2015).
    Both tensors are cropped about their centres to the smaller size of each axis, so that odd sizes and unpadded
    convolutions fit.

    Args:
        filters: Int, output channels of the transposed convolution.
        kernel_size: Int or tuple of ints.
        strides: Int or tuple of ints.
        use_bias: Boolean, or `None` for a bias exactly if there is no normalization.
        normalization: `None`, `"batch"` or a layer to copy, after the convolution.
        activation: `None`, a name, a function or a layer to copy.
        **kwargs: `kernel_initializer`, `kernel_regularizer`, and keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Tensor `(batch, *spatial, channels)`, or a list `[x, skip]` of two.

    Returns:
        A tensor of shape `(batch, *(strides * spatial), filters)`; with a skip, of the smaller of the two sizes and
        with the skip's channels before the filters.

    Raises:
        ValueError: If the input is not a tensor or a pair of tensors of rank 3 to 5.

    Example:

    >>> up = TransitionUp(4, kernel_size=2)
    >>> up([keras.ops.ones((1, 3, 3, 8)), keras.ops.ones((1, 5, 5, 4))]).shape
    TensorShape([1, 5, 5, 8])
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Sizes = 3,
        strides: Sizes = 2,
        use_bias: bool | None = None,
        normalization: Normalization | None = None,
        activation: Activation | None = None,
        **kwargs,
    ):
        super().__init__(use_bias=use_bias, normalization=normalization, activation=activation, **kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.chain: list[keras.layers.Layer] = None

    def build(self, input_shape: Nest) -> None:
        shape = _shapes(input_shape)[0]
        _parts.check_rank(shape, "TransitionUp")
        convolution = _parts.part(
            self,
            TRANSPOSED[len(shape) - 2],
            "convolution",
            filters=self.filters,
            kernel_size=self.kernel_size,
            strides=self.strides,
            padding="same",
            data_format="channels_last",
            use_bias=self.has_bias,
            kernel_initializer=self.kernel_initializer,
            kernel_regularizer=self.kernel_regularizer,
        )
        self.chain = [convolution, *self.normalization_and_activation()]
        _parts.build_chain(self.chain, shape)

    def call(self, inputs: Nest) -> Tensor:
        x, *skips = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        x = _parts.call_chain(self.chain, x)
        if not skips:
            return x
        return ops.concatenate([crop_to(skips[0], x), crop_to(x, skips[0])], axis=-1)

    def compute_output_shape(self, input_shape: Nest) -> tuple:
        shape, *skips = _shapes(input_shape)
        strides = spread(self.strides, len(shape) - 2, "strides")
        sizes = [n and n * s for n, s in zip(shape[1:-1], strides, strict=True)]
        if not skips:
            return (shape[0], *sizes, self.filters)
        common = []
        for a, b in zip(sizes, skips[0][1:-1], strict=True):
            common.append(None if a is None or b is None else min(a, b))
        return (shape[0], *common, skips[0][-1] + self.filters)

    def get_config(self) -> dict[str, Any]:
        names = ("filters", "kernel_size", "strides")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def crop_to(x, other):
    """Crops the spatial axes of `x` about their centres to those of `other` if these are smaller."""
    sizes, targets = ops.shape(x)[1:-1], ops.shape(other)[1:-1]
    pairs = list(zip(sizes, targets, strict=True))
    if all(isinstance(n, int) and isinstance(target, int) and n <= target for n, target in pairs):
        return x  # a slice of everything would still cost its gradient
    slices = [slice(None)]
    for size, target in pairs:
        if isinstance(size, int) and isinstance(target, int):
            start = max(size - target, 0) // 2
            slices.append(slice(start, start + min(size, target)))
        else:
            start = ops.maximum(size - target, 0) // 2
            slices.append(slice(start, start + ops.minimum(size, target)))
    return x[tuple(slices)]


def _shapes(input_shape):
    if input_shape and isinstance(input_shape[0], (list, tuple)):
        shapes = [tuple(shape) for shape in input_shape]
        if len(shapes) != 2 or len(shapes[0]) != len(shapes[1]):
            raise refusal("inputs should be a tensor or a pair [x, skip] of equal rank", f"input_shape={shapes}")
        return shapes
    return [tuple(input_shape)]
