"""A convolution with its normalisation and activation, the unit that the blocks of the classic networks are made of."""

from typing import Any

import keras
from keras import ops

from keras_dl.checks import refusal
from keras_dl.layers import _parts
from keras_dl.layers.arithmetic import conv_output_size, spread
from keras_dl.layers.blur_pool import BLUR_POOLS
from keras_dl.layers.grouped_conv import CONVOLUTIONS
from keras_dl.layers.options import register
from keras_dl.types import Activation, Initializer, Normalization, Regularizer, Shape, Sizes, Tensor


class ConvolutionalBlock(keras.layers.Layer):
    """Base of the layers made of convolutions: holds the options that all their convolutions share.

    Args:
        use_bias: Boolean, or `None` for a bias exactly if there is no normalization.
        normalization: `None`, `"batch"` (`BatchNormalization(momentum=0.9, epsilon=1e-5)`), or a Keras layer, of which
            every convolution gets a copy.
        activation: Name, function, `None`, or a Keras layer such as `PReLU()`, of which each place gets a copy.
        kernel_initializer: Keras initializer; unless it is seeded, each kernel draws its own values.
        kernel_regularizer: Keras regularizer.
        **kwargs: Keyword arguments of `keras.layers.Layer`.
    """

    def __init__(
        self,
        use_bias: bool | None = None,
        normalization: Normalization | None = "batch",
        activation: Activation | None = "relu",
        kernel_initializer: Initializer = "he_normal",
        kernel_regularizer: Regularizer | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.use_bias = use_bias
        self.normalization = _parts.normalization_config(normalization)
        self.activation = _parts.activation_or_config(activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)

    def conv_block(self, name: str, filters: int, kernel_size: Sizes, **overrides) -> "ConvBlock":
        """Makes a `ConvBlock` with the shared options, some of them overridden."""
        options = {
            "use_bias": self.has_bias,
            "normalization": self.normalization,
            "activation": self.activation,
            "kernel_initializer": _parts.copy_initializer(self.kernel_initializer),
            "kernel_regularizer": self.kernel_regularizer,
            **overrides,
        }
        return _parts.part(self, ConvBlock, name, filters=filters, kernel_size=kernel_size, **options)

    def normalization_and_activation(self) -> list[keras.layers.Layer]:
        """Makes the list of the normalisation and the activation, of which either may be missing."""
        layers = _parts.activation_layers(self.activation, self, "activation")
        if self.normalization is not None:
            layers.insert(0, _parts.copy_layer(self.normalization, self, "normalization"))
        return layers

    @property
    def has_bias(self) -> bool:
        return self.normalization is None if self.use_bias is None else self.use_bias

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "use_bias": self.use_bias,
            "normalization": self.normalization,
            "activation": _parts.serialize_activation(self.activation),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
        }


@register()
class ConvBlock(ConvolutionalBlock):
    """A convolution, its normalisation and its activation, on sequences, images or volumes.

    `act(norm(W * x + b))`, or `W * act(norm(x)) + b` if `preactivation` is true (He et al., 2016). The number of
    spatial axes is the input's.

    Args:
        filters: Int, output channels.
        kernel_size: Int or tuple of ints, one a spatial axis.
        strides: Int or tuple of ints.
        padding: `"same"` or `"valid"` as in Keras, `"symmetric"` for `d (k - 1) // 2` zeros on either side (as
            PyTorch's networks pad; it differs from `"same"` if a stride is above 1), or an int, the zeros on either
            side.
        dilation_rate: Int or tuple of ints.
        groups: Int, groups of channels that are convolved separately.
        preactivation: Boolean, normalise and activate before the convolution.
        antialias: Boolean, convolve at stride 1 and take the stride in a `BlurPool` after the activation (Zhang, 2019).
        **kwargs: `use_bias`, `normalization`, `activation`, `kernel_initializer`, `kernel_regularizer`, as in every
            convolutional block: `use_bias=None` is a bias exactly if there is no normalization; `normalization` is
            `None`, `"batch"` or a layer to copy; `activation` a name, a function or a layer to copy.

    Returns:
        A tensor of shape `(batch, *spatial, filters)`.

    Raises:
        ValueError: If an option is out of range, or the input is not channels-last of rank 3 to 5.

    Example:

    >>> block = ConvBlock(8, 3, strides=2, padding="symmetric")
    >>> block(keras.ops.ones((2, 9, 9, 3))).shape
    TensorShape([2, 5, 5, 8])
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Sizes = 3,
        strides: Sizes = 1,
        padding: int | str = "same",
        dilation_rate: Sizes = 1,
        groups: int = 1,
        preactivation: bool = False,
        antialias: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if padding not in ("same", "valid", "symmetric") and not (isinstance(padding, int) and padding >= 0):
            raise refusal("`padding` should be 'same', 'valid', 'symmetric' or a non-negative integer", padding=padding)
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.padding = padding
        self.dilation_rate = dilation_rate
        self.groups = groups
        self.preactivation = preactivation
        self.antialias = antialias
        self.convolution: keras.layers.Layer = None
        self.blur: keras.layers.Layer = None
        self.normalize_and_activate: list[keras.layers.Layer] = None

    def build(self, input_shape: Shape) -> None:
        _parts.check_rank(input_shape, "ConvBlock")
        rank = len(input_shape) - 2
        strides = spread(self.strides, rank, "strides")
        self.compute_output_shape(input_shape)
        self.convolution = self._make_convolution(rank)
        self.normalize_and_activate = self.normalization_and_activation()
        shape = _parts.build_chain(self.normalize_and_activate, input_shape) if self.preactivation else input_shape
        self.convolution.build(self._padded_shape(shape))
        shape = self._convolved_shape(shape)
        if not self.preactivation:
            shape = _parts.build_chain(self.normalize_and_activate, shape)
        if self.antialias and max(strides) > 1:
            self.blur = _parts.part(self, BLUR_POOLS[rank], "blur", strides=self.strides)
            self.blur.build(shape)

    def _make_convolution(self, rank):
        return _parts.part(
            self,
            CONVOLUTIONS[rank],
            "convolution",
            filters=self.filters,
            kernel_size=self.kernel_size,
            strides=1 if self.antialias else self.strides,
            padding="same" if self._keras_same(rank) else "valid",
            data_format="channels_last",
            dilation_rate=self.dilation_rate,
            groups=self.groups,
            use_bias=self.has_bias,
            kernel_initializer=self.kernel_initializer,
            kernel_regularizer=self.kernel_regularizer,
        )

    def call(self, inputs: Tensor) -> Tensor:
        x = _parts.call_chain(self.normalize_and_activate, inputs) if self.preactivation else inputs
        rank = len(inputs.shape) - 2
        if not self._keras_same(rank) and any(self._pads(rank)):
            x = ops.pad(x, [(0, 0), *((p, p) for p in self._pads(rank)), (0, 0)])
        x = self.convolution(x)
        if not self.preactivation:
            x = _parts.call_chain(self.normalize_and_activate, x)
        return x if self.blur is None else self.blur(x)

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        strides = spread(self.strides, len(input_shape) - 2, "strides")
        shape = self._convolved_shape(input_shape)
        if not self.antialias:
            return shape
        blurred = (conv_output_size(n, 1, s, "same") for n, s in zip(shape[1:-1], strides, strict=True))
        return (shape[0], *blurred, shape[-1])

    def _convolved_shape(self, input_shape):
        rank = len(input_shape) - 2
        kernel = spread(self.kernel_size, rank, "kernel_size")
        strides = spread(1 if self.antialias else self.strides, rank, "strides")
        dilations = spread(self.dilation_rate, rank, "dilation_rate")
        paddings = ["same"] * rank if self.padding == "same" else self._pads(rank)
        axes = zip(input_shape[1:-1], kernel, strides, paddings, dilations, strict=True)
        return (input_shape[0], *(conv_output_size(*axis) for axis in axes), self.filters)

    def _keras_same(self, rank):
        """Whether Keras' own "same" padding is what is asked for: it always is if nothing is strided."""
        if self.padding != "symmetric":
            return self.padding == "same"
        strides = spread(1 if self.antialias else self.strides, rank, "strides")
        return max(strides) == 1 and all(k % 2 for k in spread(self.kernel_size, rank, "kernel_size"))

    def _pads(self, rank):
        """Returns the zeros on either side of each spatial axis, if the padding is not Keras' "same"."""
        if isinstance(self.padding, int):
            return [self.padding] * rank
        if self.padding == "valid":
            return [0] * rank
        kernel = spread(self.kernel_size, rank, "kernel_size")
        dilations = spread(self.dilation_rate, rank, "dilation_rate")
        return [d * (k - 1) // 2 for k, d in zip(kernel, dilations, strict=True)]

    def _padded_shape(self, shape):
        if self._keras_same(len(shape) - 2):
            return shape
        pads = self._pads(len(shape) - 2)
        return (shape[0], *(n and n + 2 * p for n, p in zip(shape[1:-1], pads, strict=True)), shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "dilation_rate": self.dilation_rate,
            "groups": self.groups,
            "preactivation": self.preactivation,
            "antialias": self.antialias,
        }
