"""Squeeze-and-excitation: channels weighted by what the whole image shows."""

from typing import Any

import keras
from keras import ops

from keras_dl.layers import _parts
from keras_dl.layers.options import register
from keras_dl.types import Activation, Initializer, Shape, Tensor


@register()
class SqueezeExcite(keras.layers.Layer):
    """Scales each channel by a gate computed from all channels' means.

    `y = x sigma(W_2 relu(W_1 mean(x)))`, with C / ratio units between (Hu et al., 2018, equations 2 to 4). It has
    `2 C^2 / ratio` weights and, with biases, `C / ratio + C` more.

    Args:
        ratio: Int, the reduction r; at least one unit is kept.
        activation: Name, function or layer, after W_1.
        gate: Name or function, sigma.
        use_bias: Boolean.
        kernel_initializer: Keras initializer.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Returns:
        A tensor of the input's shape, `(batch, *spatial, channels)`.

    Raises:
        ValueError: If `ratio` is not a positive integer, or the input is not channels-last of rank 3 to 5.

    Example:

    >>> layer = SqueezeExcite(ratio=4)
    >>> y = layer(keras.ops.ones((2, 5, 5, 16)))
    >>> layer.count_params()
    148
    """

    def __init__(
        self,
        ratio: int = 16,
        activation: Activation = "relu",
        gate: str = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Initializer = "he_normal",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.ratio = ratio
        self.activation = _parts.activation_or_config(activation)
        self.gate = _parts.activation_or_config(gate)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.chain: list[keras.layers.Layer] = None

    def build(self, input_shape: Shape) -> None:
        _parts.check_rank(input_shape, "SqueezeExcite")
        channels = input_shape[-1]
        self.chain = [
            self._dense("squeeze", max(1, channels // self.ratio)),
            *_parts.activation_layers(self.activation, self, "activation"),
            self._dense("excite", channels),
            *_parts.activation_layers(self.gate, self, "gate"),
        ]
        _parts.build_chain(self.chain, (input_shape[0], channels))

    def call(self, inputs: Tensor) -> Tensor:
        spatial = tuple(range(1, len(inputs.shape) - 1))
        gates = _parts.call_chain(self.chain, ops.mean(inputs, axis=spatial))
        return inputs * ops.expand_dims(gates, spatial)

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        return tuple(input_shape)

    def _dense(self, name, units):
        options = {"use_bias": self.use_bias, "kernel_initializer": _parts.copy_initializer(self.kernel_initializer)}
        return _parts.part(self, keras.layers.Dense, name, units=units, **options)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "ratio": self.ratio,
            "activation": _parts.serialize_activation(self.activation),
            "gate": _parts.serialize_activation(self.gate),
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
