"""Dense layers with sine activations (SIREN; Sitzmann et al., 2020)."""

import math
from typing import Any

import keras
from keras import ops

from keras_dl.layers._parts import check_features
from keras_dl.layers.options import check_initializer, register
from keras_dl.types import Initializer, Regularizer, Shape, Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class SineInitializer(keras.initializers.Initializer):
    """SIREN's uniform distribution of weights, under which every layer's pre-activations are standard normal.

    `U(-1 / n, 1 / n)` for the first layer and `U(-sqrt(6 / n) / omega_0, sqrt(6 / n) / omega_0)` for the others, with n
    the fan-in (Sitzmann et al., 2020, section 3.2 and appendix 1.5). A linear last layer takes the latter, too.

    Args:
        omega_0: Float, the frequency of the sines.
        is_first: Boolean, whether the layer takes the network's input.
        seed: Int, or `None` for values that differ each time.

    Returns:
        A tensor of the shape asked for; its last axis are the units, the axis before it the inputs.

    Example:

    >>> weights = SineInitializer(omega_0=30.0, seed=0)((256, 256))
    >>> bool(keras.ops.max(keras.ops.abs(weights)) <= (6 / 256) ** 0.5 / 30)
    True
    """

    def __init__(self, omega_0: float = 30.0, is_first: bool = False, seed: int | None = None):
        self.omega_0 = omega_0
        self.is_first = is_first
        self.seed = seed

    def __call__(self, shape: Shape, dtype: Any = None) -> Tensor:
        fan_in = math.prod(shape[:-1])
        bound = 1.0 / fan_in if self.is_first else math.sqrt(6.0 / fan_in) / self.omega_0
        return keras.random.uniform(shape, -bound, bound, dtype=dtype, seed=self.seed)

    def get_config(self) -> dict[str, Any]:
        return {"omega_0": self.omega_0, "is_first": self.is_first, "seed": self.seed}


def _check_initializer_or_sine(value, name):
    return value if isinstance(value, str) and value == "sine" else check_initializer(value, name)


@register(kernel_initializer=_check_initializer_or_sine, bias_initializer=_check_initializer_or_sine)
class SineDense(keras.layers.Layer):
    """A dense layer with a sine: `y = sin(omega_0 (x W + b))` (SIREN; Sitzmann et al., 2020, equation 3).

    Args:
        units: Int, outputs.
        omega_0: Float, the frequency; 30 makes the first layer's sine span several periods over [-1, 1].
        is_first: Boolean, whether the layer takes the coordinates; it only changes the initialisation.
        use_bias: Boolean.
        kernel_initializer: Keras initializer, or `"sine"` for `SineInitializer(omega_0, is_first)`.
        bias_initializer: Keras initializer, or `"sine"` for `U(-1 / sqrt(n), 1 / sqrt(n))`, with n the inputs.
        kernel_regularizer: Keras regularizer.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Returns:
        A tensor of shape `(..., units)`.

    Example:

    >>> layer = SineDense(16, is_first=True)
    >>> bool(keras.ops.all(keras.ops.abs(layer(keras.ops.ones((4, 2)))) <= 1.0))
    True
    """

    def __init__(
        self,
        units: int,
        omega_0: float = 30.0,
        is_first: bool = False,
        use_bias: bool = True,
        kernel_initializer: Initializer = "sine",
        bias_initializer: Initializer = "sine",
        kernel_regularizer: Regularizer | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = units
        self.omega_0 = omega_0
        self.is_first = is_first
        self.use_bias = use_bias
        self.kernel_initializer = _initializer_or_sine(kernel_initializer)
        self.bias_initializer = _initializer_or_sine(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.kernel = None
        self.bias = None

    def build(self, input_shape: Shape) -> None:
        check_features(input_shape)
        inputs = input_shape[-1]
        kernel_initializer, bias_initializer = self.kernel_initializer, self.bias_initializer
        if kernel_initializer == "sine":
            kernel_initializer = SineInitializer(self.omega_0, self.is_first)
        if bias_initializer == "sine":
            bias_initializer = keras.initializers.RandomUniform(-(inputs**-0.5), inputs**-0.5)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(inputs, self.units),
            initializer=kernel_initializer,
            regularizer=self.kernel_regularizer,
        )
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(self.units,), initializer=bias_initializer)
        self.input_spec = keras.layers.InputSpec(min_ndim=2, axes={-1: inputs})

    def call(self, inputs: Tensor) -> Tensor:
        # omega_0 multiplies the weights, of which there are fewer than activations.
        x = ops.matmul(inputs, self.omega_0 * self.kernel)
        if self.use_bias:
            x = x + self.omega_0 * self.bias
        return ops.sin(x)

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "omega_0": self.omega_0,
            "is_first": self.is_first,
            "use_bias": self.use_bias,
            "kernel_initializer": _serialize(self.kernel_initializer),
            "bias_initializer": _serialize(self.bias_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
        }


def _initializer_or_sine(initializer):
    return (
        initializer if isinstance(initializer, str) and initializer == "sine" else keras.initializers.get(initializer)
    )


def _serialize(initializer):
    return initializer if isinstance(initializer, str) else keras.initializers.serialize(initializer)
