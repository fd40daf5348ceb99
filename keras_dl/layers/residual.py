"""Residual blocks (He et al., 2015 and 2016)."""

from typing import Any

import keras
from keras import ops

from keras_dl.checks import refusal
from keras_dl.layers import _parts
from keras_dl.layers.arithmetic import conv_output_size, spread
from keras_dl.layers.blur_pool import BLUR_POOLS
from keras_dl.layers.conv_block import ConvolutionalBlock
from keras_dl.layers.options import register
from keras_dl.layers.squeeze_excite import SqueezeExcite
from keras_dl.types import Shape, Sizes, Tensor


@register()
class ResidualBlock(ConvolutionalBlock):
    """Adds what two or three convolutions make of the input to the input: `y = act(F(x) + shortcut(x))`.

    Basic: F is 3x3, 3x3. Bottleneck: 1x1, 3x3, 1x1, the last with `expansion` times the filters (He et al., 2015). With
    `preactivation`, normalisation and activation come before each convolution and none after the sum (He et al., 2016);
    a projection then takes the activated input.

    Args:
        filters: Int, the filters of the 3x3 convolutions. The output has as many, `expansion` times as many in a
            bottleneck.
        kind: `"basic"` or `"bottleneck"`.
        strides: Int or tuple of ints, of the block.
        projection: How the shortcut changes shape. `"A"`: subsampled and padded with zero channels; `"B"`: by a 1x1
            convolution where the shape changes; `"C"`: always by a 1x1 convolution (He et al., 2015, section 4.1).
        expansion: Int, of a bottleneck.
        stride_in_1x1: Boolean, put a bottleneck's stride on its first 1x1 convolution (He et al., 2015;
            keras.applications) rather than on the 3x3 (PyTorch).
        padding: `"same"` as in Keras or `"symmetric"` as in PyTorch; they differ if the stride is above 1.
        dilation_rate: Int or tuple of ints, of the 3x3 convolutions.
        groups: Int, of a bottleneck's 3x3 convolution (ResNeXt).
        squeeze_excite: Int, the ratio of a `SqueezeExcite` before the sum, or `None`.
        antialias: Boolean, replace strides by `BlurPool` (Zhang, 2019).
        preactivation: Boolean.
        activated_input: Boolean, for `preactivation`: the input is normalised and activated already, and the block
            starts with its convolution (the first block behind a stem; He et al., 2016, appendix).
        **kwargs: `use_bias`, `normalization`, `activation`, `kernel_initializer`, `kernel_regularizer`: see
            `ConvBlock`.

    Returns:
        A tensor of shape `(batch, *ceil(spatial / strides), filters)`, channels times `expansion` in a bottleneck.

    Raises:
        ValueError: If an option is unknown, or shortcut A would have to drop channels.

    Example:

    >>> block = ResidualBlock(64, kind="bottleneck", strides=2)
    >>> block(keras.ops.ones((1, 8, 8, 128))).shape
    TensorShape([1, 4, 4, 256])
    """

    def __init__(
        self,
        filters: int,
        kind: str = "basic",
        strides: Sizes = 1,
        projection: str = "B",
        expansion: int = 4,
        stride_in_1x1: bool = False,
        padding: str = "same",
        dilation_rate: Sizes = 1,
        groups: int = 1,
        squeeze_excite: int | None = None,
        antialias: bool = False,
        preactivation: bool = False,
        activated_input: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        for name, value, known in (
            ("kind", kind, ("basic", "bottleneck")),
            ("projection", projection, ("A", "B", "C")),
            ("padding", padding, ("same", "symmetric")),
        ):
            if value not in known:
                raise refusal(f"`{name}` should be one of {known}", **{name: value})
        self.filters = filters
        self.kind = kind
        self.strides = strides
        self.projection = projection
        self.expansion = expansion
        self.stride_in_1x1 = stride_in_1x1
        self.padding = padding
        self.dilation_rate = dilation_rate
        self.groups = groups
        self.squeeze_excite = squeeze_excite
        self.antialias = antialias
        self.preactivation = preactivation
        self.activated_input = activated_input
        self.preparation: list[keras.layers.Layer] = None
        self.residual: list[keras.layers.Layer] = None
        self.shortcut: list[keras.layers.Layer] = None
        self.last_activation: list[keras.layers.Layer] = None

    @property
    def output_filters(self) -> int:
        return self.filters * (self.expansion if self.kind == "bottleneck" else 1)

    def build(self, input_shape: Shape) -> None:
        _parts.check_rank(input_shape, "ResidualBlock")
        prepares = self.preactivation and not self.activated_input
        self.preparation = self.normalization_and_activation() if prepares else []
        self.residual = self._convolutions()
        if self.squeeze_excite is not None:
            self.residual.append(_parts.part(self, SqueezeExcite, "squeeze_excite", ratio=self.squeeze_excite))
        self.shortcut = self._shortcut(input_shape)
        self.last_activation = (
            [] if self.preactivation else _parts.activation_layers(self.activation, self, "activation")
        )
        _parts.build_chain(self.preparation, input_shape)
        output_shape = _parts.build_chain(self.residual, input_shape)
        _parts.build_chain(self.shortcut, input_shape)
        _parts.build_chain(self.last_activation, output_shape)

    def call(self, inputs: Tensor) -> Tensor:
        x = _parts.call_chain(self.preparation, inputs)
        projects = any(not isinstance(layer, _ZeroPaddedShortcut) for layer in self.shortcut)
        shortcut = _parts.call_chain(self.shortcut, x if projects else inputs)
        return _parts.call_chain(self.last_activation, _parts.call_chain(self.residual, x) + shortcut)

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        strides = spread(self.strides, len(input_shape) - 2, "strides")
        sizes = (conv_output_size(n, 1, s, "same") for n, s in zip(input_shape[1:-1], strides, strict=True))
        return (input_shape[0], *sizes, self.output_filters)

    def _convolutions(self):
        strided = {"strides": self.strides, "padding": self.padding, "antialias": self.antialias}
        dilated = {"dilation_rate": self.dilation_rate}
        last = {"activation": None}
        if self.preactivation:
            last["normalization"] = None
        if self.kind == "basic":
            first = self.conv_block("conv_1", self.filters, 3, **strided, **dilated)
            return [first, self.conv_block("conv_2", self.filters, 3, **dilated, **last)]
        in_1x1, in_3x3 = (strided, {}) if self.stride_in_1x1 else ({}, strided)
        return [
            self.conv_block("conv_1", self.filters, 1, **in_1x1),
            self.conv_block("conv_2", self.filters, 3, groups=self.groups, **dilated, **in_3x3),
            self.conv_block("conv_3", self.output_filters, 1, **last),
        ]

    def _shortcut(self, input_shape):
        """Makes the list of the shortcut's layers, which is empty for the identity."""
        rank = len(input_shape) - 2
        strided = max(spread(self.strides, rank, "strides")) > 1
        changes = strided or input_shape[-1] != self.output_filters
        if self.projection == "C" or (self.projection == "B" and changes):
            blur = [_parts.part(self, BLUR_POOLS[rank], "shortcut_blur", strides=self.strides)]
            blur = blur if strided and self.antialias else []
            options = {"activation": None, "strides": 1 if blur else self.strides}
            if self.preactivation:
                options["normalization"] = None
            return [*blur, self.conv_block("shortcut", self.output_filters, 1, **options)]
        if not changes:
            return []
        options = {"filters": self.output_filters, "strides": self.strides, "antialias": self.antialias}
        return [_parts.part(self, _ZeroPaddedShortcut, "shortcut", **options)]

    def get_config(self) -> dict[str, Any]:
        names = ("filters", "kind", "strides", "projection", "expansion", "stride_in_1x1", "padding", "dilation_rate")
        names += ("groups", "squeeze_excite", "antialias", "preactivation", "activated_input")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


class _ZeroPaddedShortcut(keras.layers.Layer):
    """Shortcut A: every so many pixels, and zeros for the new channels, half of them before and half after the old."""

    def __init__(self, filters, strides, antialias, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.strides = strides
        self.antialias = antialias
        self.blur = None

    def build(self, input_shape):
        if input_shape[-1] > self.filters:
            raise refusal(
                "A shortcut of kind 'A' cannot drop channels",
                f"input_shape={tuple(input_shape)} for {self.filters} output channels",
            )
        if self.antialias:
            self.blur = _parts.part(self, BLUR_POOLS[len(input_shape) - 2], "blur", strides=self.strides)
            self.blur.build(input_shape)

    def call(self, inputs):
        rank = len(inputs.shape) - 2
        strides = spread(self.strides, rank, "strides")
        steps = (slice(None), *(slice(None, None, s) for s in strides))
        x = inputs[steps] if self.blur is None else self.blur(inputs)
        new = self.filters - inputs.shape[-1]
        return ops.pad(x, [(0, 0)] * (rank + 1) + [(new // 2, new - new // 2)])

    def compute_output_shape(self, input_shape):
        strides = spread(self.strides, len(input_shape) - 2, "strides")
        sizes = (conv_output_size(n, 1, s, "same") for n, s in zip(input_shape[1:-1], strides, strict=True))
        return (input_shape[0], *sizes, self.filters)
