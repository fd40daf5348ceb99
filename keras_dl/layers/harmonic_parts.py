"""Layers between harmonic convolutions, which act on magnitudes and leave phases alone."""

from typing import Any

import keras
from keras import ops

from keras_dl.layers import _parts
from keras_dl.layers.batch_normalization import BatchNormalization
from keras_dl.layers.harmonic import _complex_axes
from keras_dl.layers.options import register
from keras_dl.types import Activation, Initializer, Shape, Tensor

EPSILON = 1e-8


class _OnMagnitudes(keras.layers.Layer):
    """Base: replaces each magnitude |Z| by `f(|Z|)` and keeps the phase: `f(|Z|) Z / |Z|`."""

    def build(self, input_shape: Shape) -> None:
        orders, _, channels = _complex_axes(input_shape, type(self).__name__)
        self._build_for(input_shape, orders, channels)

    def call(self, inputs: Tensor) -> Tensor:
        magnitude = _magnitude(inputs)
        new_magnitude = ops.cast(self._new_magnitude(magnitude), "float32")
        outputs = ops.cast(inputs, "float32") * (new_magnitude / magnitude)
        return ops.cast(outputs, inputs.dtype)

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        return tuple(input_shape)


@register()
class HarmonicActivation(_OnMagnitudes):
    """An activation of magnitudes, C-ReLU: `act(|Z| + b) Z / |Z|` (Worrall et al., 2017), with biases.

    Args:
        activation: Name, function or layer.
        bias_initializer: Keras initializer.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Returns:
        A tensor of the input's shape, `(batch, height, width, orders, 2, channels)`.

    Raises:
        ValueError: If the input does not hold complex feature maps.

    Example:

    >>> z = keras.ops.reshape(keras.ops.array([3.0, 4.0]), (1, 1, 1, 1, 2, 1))
    >>> layer = HarmonicActivation(bias_initializer=keras.initializers.Constant(-2.5))
    >>> [float(part) for part in keras.ops.ravel(layer(z))]
    [1.5, 2.0]
    """

    def __init__(self, activation: Activation = "relu", bias_initializer: Initializer = "zeros", **kwargs):
        super().__init__(**kwargs)
        self.activation = _parts.activation_or_config(activation)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.bias = None
        self.chain: list[keras.layers.Layer] = None

    def _build_for(self, input_shape, orders, channels):
        self.bias = self.add_weight(
            name="bias", shape=(orders, 1, channels), initializer=self.bias_initializer, autocast=False
        )
        self.chain = _parts.activation_layers(self.activation, self, "activation")
        _parts.build_chain(self.chain, (*input_shape[:4], 1, channels))

    def _new_magnitude(self, magnitude):
        return _parts.call_chain(self.chain, magnitude + self.bias)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "activation": _parts.serialize_activation(self.activation),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
        }


@register()
class HarmonicBatchNormalization(_OnMagnitudes):
    """Batch normalisation of magnitudes, followed by their activation: `act(bn(|Z|)) Z / |Z|` (Worrall et al., 2017).

    Statistics are those of each order and channel over the batch and the pixels.

    Args:
        activation: Name, function, layer or `None`, on the normalised magnitudes.
        momentum: Float, of the moving averages.
        epsilon: Float, added to the variances.
        synchronized: Boolean, statistics of the global batch over all replicas.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Returns:
        A tensor of the input's shape, `(batch, height, width, orders, 2, channels)`.

    Raises:
        ValueError: If the input does not hold complex feature maps.

    Example:

    >>> z = keras.random.normal((4, 5, 5, 2, 2, 3))
    >>> HarmonicBatchNormalization()(z, training=True).shape
    TensorShape([4, 5, 5, 2, 2, 3])
    """

    def __init__(
        self,
        activation: Activation = "relu",
        momentum: float = 0.9,
        epsilon: float = 1e-5,
        synchronized: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.activation = _parts.activation_or_config(activation)
        self.momentum = momentum
        self.epsilon = epsilon
        self.synchronized = synchronized
        self.normalization: keras.layers.Layer = None
        self.chain: list[keras.layers.Layer] = None

    def _build_for(self, input_shape, orders, channels):
        options = {"momentum": self.momentum, "epsilon": self.epsilon, "synchronized": self.synchronized}
        self.normalization = _parts.part(self, BatchNormalization, "normalization", **options)
        self.normalization.build((*input_shape[:3], orders * channels))
        self.chain = _parts.activation_layers(self.activation, self, "activation")
        _parts.build_chain(self.chain, (*input_shape[:4], 1, channels))

    def _new_magnitude(self, magnitude):
        _, height, width, orders, _, channels = ops.shape(magnitude)
        x = self.normalization(ops.reshape(magnitude, (-1, height, width, orders * channels)))
        x = ops.reshape(x, (-1, height, width, orders, 1, channels))
        return _parts.call_chain(self.chain, x)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "activation": _parts.serialize_activation(self.activation),
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "synchronized": self.synchronized,
        }


@register()
class HarmonicMagnitude(keras.layers.Layer):
    """The magnitudes of complex feature maps: real maps that turn with the image and do not change otherwise.

    Args:
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Returns:
        A tensor of shape `(batch, height, width, orders * channels)`, order by order.

    Raises:
        ValueError: If the input does not hold complex feature maps.

    Example:

    >>> z = keras.ops.reshape(keras.ops.array([3.0, 4.0]), (1, 1, 1, 1, 2, 1))
    >>> float(HarmonicMagnitude()(z)[0, 0, 0, 0])
    5.0
    """

    def build(self, input_shape: Shape) -> None:
        _complex_axes(input_shape, "HarmonicMagnitude")

    def call(self, inputs: Tensor) -> Tensor:
        _, height, width, orders, _, channels = ops.shape(inputs)
        return ops.cast(ops.reshape(_magnitude(inputs), (-1, height, width, orders * channels)), inputs.dtype)

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        return (*input_shape[:3], input_shape[3] * input_shape[5])


def _magnitude(inputs):
    """Returns |Z| in float32, `(batch, height, width, orders, 1, channels)`; never 0, for a finite gradient."""
    return ops.sqrt(ops.sum(ops.square(ops.cast(inputs, "float32")), axis=4, keepdims=True) + EPSILON)
