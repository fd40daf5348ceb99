"""SqueezeNet's unit (Iandola et al., 2016)."""

from typing import Any

from keras import ops

from keras_dl.layers import _parts
from keras_dl.layers.conv_block import ConvBlock, ConvolutionalBlock
from keras_dl.layers.options import register
from keras_dl.types import Normalization, Shape, Tensor


@register()
class FireModule(ConvolutionalBlock):
    """A 1x1 convolution to few channels, then 1x1 and 3x3 convolutions side by side (Iandola et al., 2016, figure 1).

    `y = [act(W_1x1 * s), act(W_3x3 * s)]` with `s = act(W_squeeze * x)`.

    Args:
        squeeze: Int, channels of the first convolution, s1x1.
        expand_1x1: Int, e1x1.
        expand_3x3: Int, e3x3.
        use_bias: Boolean, or `None` for a bias exactly if there is no normalization.
        normalization: `None`, `"batch"` or a layer to copy.
        **kwargs: `activation`, `kernel_initializer`, `kernel_regularizer`: see `ConvBlock`.

    Returns:
        A tensor of shape `(batch, *spatial, expand_1x1 + expand_3x3)`.

    Raises:
        ValueError: If the input is not channels-last of rank 3 to 5.

    Example:

    >>> fire = FireModule(16, 64, 64)     # fire2 of SqueezeNet 1.0
    >>> fire(keras.ops.ones((1, 5, 5, 96))).shape
    TensorShape([1, 5, 5, 128])
    >>> fire.count_params()
    11920
    """

    def __init__(
        self,
        squeeze: int,
        expand_1x1: int,
        expand_3x3: int,
        use_bias: bool | None = None,
        normalization: Normalization | None = None,
        **kwargs,
    ):
        super().__init__(use_bias=use_bias, normalization=normalization, **kwargs)
        self.squeeze = squeeze
        self.expand_1x1 = expand_1x1
        self.expand_3x3 = expand_3x3
        self.squeeze_conv: ConvBlock = None
        self.expand_convs: list[ConvBlock] = None

    def build(self, input_shape: Shape) -> None:
        _parts.check_rank(input_shape, "FireModule")
        self.squeeze_conv = self.conv_block("squeeze", self.squeeze, 1)
        self.expand_convs = [
            self.conv_block("expand_1x1", self.expand_1x1, 1),
            self.conv_block("expand_3x3", self.expand_3x3, 3),
        ]
        squeezed = _parts.build_chain([self.squeeze_conv], input_shape)
        for layer in self.expand_convs:
            layer.build(squeezed)

    def call(self, inputs: Tensor) -> Tensor:
        squeezed = self.squeeze_conv(inputs)
        return ops.concatenate([layer(squeezed) for layer in self.expand_convs], axis=-1)

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        return (*input_shape[:-1], self.expand_1x1 + self.expand_3x3)

    def get_config(self) -> dict[str, Any]:
        names = ("squeeze", "expand_1x1", "expand_3x3")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
