"""Layers whose weights are scaled when they are used, so that all learn at the same rate (Karras et al., 2018)."""

import math
from typing import Any

import keras
from keras import ops

from keras_dl.checks import refusal
from keras_dl.layers import _parts
from keras_dl.layers.arithmetic import conv_output_size, spread
from keras_dl.layers.options import register
from keras_dl.types import Activation, Shape, Sizes, Tensor


class _Equalized(keras.layers.Layer):
    """Base: a standard normal kernel, `lr_multiplier` times smaller, and its scale at run time."""

    def __init__(
        self,
        use_bias: bool = True,
        gain: float = 2**0.5,
        lr_multiplier: float = 1.0,
        activation: Activation | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.use_bias = use_bias
        self.gain = gain
        self.lr_multiplier = lr_multiplier
        self.activation = _parts.activation_or_config(activation)
        self.kernel: Tensor = None
        self.bias = None
        self.last_activation = None

    def _add_weights(self, kernel_shape):
        initializer = keras.initializers.RandomNormal(stddev=1.0 / self.lr_multiplier)
        self.kernel = self.add_weight(name="kernel", shape=kernel_shape, initializer=initializer)
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(kernel_shape[-1],), initializer="zeros")

    def build(self, input_shape: Shape) -> None:
        _parts.check_features(input_shape)
        self._add_weights(self._kernel_shape(input_shape))
        self.last_activation = _parts.activation_layers(self.activation, self, "activation")
        _parts.build_chain(self.last_activation, self.compute_output_shape(input_shape))

    def call(self, inputs: Tensor) -> Tensor:
        fan_in = math.prod(self.kernel.shape[:-1])
        x = self._apply(inputs, self.kernel * (self.gain * self.lr_multiplier / math.sqrt(fan_in)))
        if self.use_bias:
            x = x + self.lr_multiplier * self.bias
        return _parts.call_chain(self.last_activation, x)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "use_bias": self.use_bias,
            "gain": self.gain,
            "lr_multiplier": self.lr_multiplier,
            "activation": _parts.serialize_activation(self.activation),
        }


@register()
class EqualizedDense(_Equalized):
    """A dense layer with an equalized learning rate: `y = act(c x W + b)`, `c = gain / sqrt(fan_in)`.

    The weights start standard normal and He's constant multiplies them at run time, so that optimizers that normalise
    gradients change all layers at the same relative rate (Karras et al., 2018, section 4.1).

    Args:
        units: Int, outputs.
        use_bias: Boolean.
        gain: Float; sqrt(2) before a rectifier, 1 before a linear output.
        lr_multiplier: Float, the layer's learning rate relative to others: the initial function is unchanged, while
            updates have this much effect (0.01 in StyleGAN's mapping network).
        activation: Name, function or layer.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Returns:
        A tensor of shape `(..., units)`.

    Example:

    >>> layer = EqualizedDense(64, gain=1.0)
    >>> y = layer(keras.random.normal((512, 256)))
    >>> bool(0.9 < float(keras.ops.std(y)) < 1.1)
    True
    """

    def __init__(self, units: int, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def _kernel_shape(self, input_shape):
        return (input_shape[-1], self.units)

    def _apply(self, inputs, kernel):
        return ops.matmul(inputs, kernel)

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


@register()
class EqualizedConv2D(_Equalized):
    """A convolution with an equalized learning rate: `y = act(c W * x + b)`, `c = gain / sqrt(k_h k_w C)`.

    See `EqualizedDense` (Karras et al., 2018, section 4.1).

    Args:
        filters: Int, output channels.
        kernel_size: Int or pair of ints.
        strides: Int or pair of ints.
        padding: `"same"` or `"valid"`.
        **kwargs: `use_bias`, `gain`, `lr_multiplier`, `activation`: see `EqualizedDense`.

    Returns:
        A tensor of shape `(batch, new_height, new_width, filters)`.

    Example:

    >>> EqualizedConv2D(8, 3)(keras.ops.ones((1, 4, 4, 3))).shape
    TensorShape([1, 4, 4, 8])
    """

    def __init__(self, filters: int, kernel_size: Sizes = 3, strides: Sizes = 1, padding: str = "same", **kwargs):
        super().__init__(**kwargs)
        if padding not in ("same", "valid"):
            raise refusal("`padding` should be 'same' or 'valid'", padding=padding)
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.padding = padding

    def build(self, input_shape: Shape) -> None:
        _parts.check_rank(input_shape, "EqualizedConv2D", (4,))
        super().build(input_shape)

    def _kernel_shape(self, input_shape):
        return (*spread(self.kernel_size, 2, "kernel_size"), input_shape[-1], self.filters)

    def _apply(self, inputs, kernel):
        return ops.conv(inputs, kernel, self.strides, self.padding, "channels_last")

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        kernel, strides = spread(self.kernel_size, 2, "kernel_size"), spread(self.strides, 2, "strides")
        axes = zip(input_shape[1:-1], kernel, strides, strict=True)
        return (input_shape[0], *(conv_output_size(n, k, s, self.padding) for n, k, s in axes), self.filters)

    def get_config(self) -> dict[str, Any]:
        names = ("filters", "kernel_size", "strides", "padding")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
