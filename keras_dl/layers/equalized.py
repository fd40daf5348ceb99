"""Layers whose weights are scaled when they are used, so that all learn at the same rate (Karras et al., 2018)."""

import math
from typing import Any

import keras

from keras_dl.layers import _parts
from keras_dl.layers.kernels import ConvKernel, DenseKernel
from keras_dl.layers.options import register
from keras_dl.types import Activation, Shape, Tensor


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
        x = self._apply(inputs, self._scaled_kernel())
        if self.use_bias:
            x = x + self.lr_multiplier * self.bias
        return _parts.call_chain(self.last_activation, x)

    def _scaled_kernel(self):
        """The kernel that multiplies inputs: $c W$."""
        fan_in = math.prod(self.kernel.shape[:-1])
        return self.kernel * (self.gain * self.lr_multiplier / math.sqrt(fan_in))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "use_bias": self.use_bias,
            "gain": self.gain,
            "lr_multiplier": self.lr_multiplier,
            "activation": _parts.serialize_activation(self.activation),
        }


@register()
class EqualizedDense(DenseKernel, _Equalized):
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


@register()
class EqualizedConv2D(ConvKernel, _Equalized):
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

    @property
    def convolution_kernel(self) -> Tensor:
        """The kernel that convolves: $c W$."""
        return self._scaled_kernel()
