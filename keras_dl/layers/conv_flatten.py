"""A convolution in place of flatten and dense."""

import math
from typing import Any

import keras
from keras import ops

from keras_dl.checks import refusal
from keras_dl.layers import _parts
from keras_dl.layers.arithmetic import conv_output_size, spread
from keras_dl.layers.options import register
from keras_dl.types import Activation, Initializer, Regularizer, Shape, Sizes, Tensor


@register()
class ConvFlatten(keras.layers.Layer):
    """A convolution whose kernel is as large as the image, so that it ends in 1x1 and replaces `Flatten` and `Dense`.

    `y_u = act(sum_{ijc} W_{ijcu} x_{ijc} + b_u)`: the weights of the dense layer, reshaped (Long et al., 2015). The
    layer is built for one size; a larger image then gives a map of outputs, one at each position of the kernel, which a
    dense layer cannot.

    Args:
        units: Int, output channels.
        kernel_size: Pair of ints, or `None` for the size of the first input.
        activation: Name, function or layer.
        use_bias: Boolean.
        kernel_initializer: Keras initializer.
        kernel_regularizer: Keras regularizer.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Returns:
        A tensor of shape `(batch, height - k_h + 1, width - k_w + 1, units)`, `(batch, 1, 1, units)` for the size built
        for.

    Raises:
        ValueError: If the size is neither given nor known, or the image is smaller than the kernel.

    Example:

    >>> layer = ConvFlatten(10)
    >>> layer(keras.ops.ones((2, 7, 7, 16))).shape
    TensorShape([2, 1, 1, 10])
    >>> layer(keras.ops.ones((2, 9, 8, 16))).shape
    TensorShape([2, 3, 2, 10])
    """

    def __init__(
        self,
        units: int,
        kernel_size: Sizes | None = None,
        activation: Activation | None = None,
        use_bias: bool = True,
        kernel_initializer: Initializer = "glorot_uniform",
        kernel_regularizer: Regularizer | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = units
        self.kernel_size = kernel_size
        self.activation = _parts.activation_or_config(activation)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.kernel: Tensor = None
        self.bias: Tensor = None
        self.last_activation = None

    def build(self, input_shape: Shape) -> None:
        _parts.check_rank(input_shape, "ConvFlatten", (4,))
        size = self._kernel_size(input_shape)
        if None in size:
            raise refusal(
                "images should have a known size, or `kernel_size` be given", f"input_shape={tuple(input_shape)}"
            )
        self.kernel = self.add_weight(
            name="kernel",
            shape=(*size, input_shape[-1], self.units),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
        )
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")
        self.last_activation = _parts.activation_layers(self.activation, self, "activation")
        _parts.build_chain(self.last_activation, self.compute_output_shape(input_shape))

    def call(self, inputs: Tensor) -> Tensor:
        size = self.kernel.shape[:2]
        if tuple(inputs.shape[1:3]) == tuple(size):
            pixels = math.prod(self.kernel.shape[:3])
            x = ops.matmul(ops.reshape(inputs, (-1, pixels)), ops.reshape(self.kernel, (pixels, self.units)))
            x = ops.reshape(x, (-1, 1, 1, self.units))
        else:
            x = ops.conv(inputs, self.kernel, 1, "valid", "channels_last")
        if self.use_bias:
            x = x + self.bias
        return _parts.call_chain(self.last_activation, x)

    @property
    def convolution_kernel(self) -> Tensor:
        """The kernel that convolves."""
        return self.kernel

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        size = self._kernel_size(input_shape) if self.kernel is None else self.kernel.shape[:2]
        sizes = (conv_output_size(n, k) for n, k in zip(input_shape[1:-1], size, strict=True))
        return (input_shape[0], *sizes, self.units)

    def _kernel_size(self, input_shape):
        return tuple(input_shape[1:-1]) if self.kernel_size is None else spread(self.kernel_size, 2, "kernel_size")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "kernel_size": self.kernel_size,
            "activation": _parts.serialize_activation(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
        }
