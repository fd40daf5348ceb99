"""Images halved by 1x1 convolutions of shifted pixels."""

from typing import Any

import keras
from keras import ops

from keras_dl.checks import check_flag, refusal
from keras_dl.layers import _parts
from keras_dl.layers.options import register
from keras_dl.layers.weight_norm import WeightNormConv2D
from keras_dl.types import Activation, Shape, Tensor

SHIFTS = ((0, 0), (1, 1), (0, 1), (1, 0))


@register(weight_norm=check_flag)
class FactorizedReduction(keras.layers.Layer):
    """Halves images by four 1x1 convolutions of stride 2, each of pixels shifted otherwise, side by side.

    All pixels count, where one such convolution would drop three of four. The activation comes first (Vahdat & Kautz
    2020, "NVAE", appendix; two convolutions in Zoph et al. 2018, "Learning transferable architectures").

    Args:
        filters: Int, output channels, at least 4; each convolution has a quarter of them, the last one the rest.
        activation: Name, function or layer, before the convolutions.
        weight_norm: Boolean, whether these are `WeightNormConv2D`.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Returns:
        A tensor of shape `(batch, height / 2, width / 2, filters)`.

    Raises:
        ValueError: If there are fewer than 4 filters, or a side is odd. One that is known only when a graph runs ends
            it with an error of TensorFlow.

    Example:

    >>> FactorizedReduction(6)(keras.ops.ones((1, 4, 4, 3))).shape
    TensorShape([1, 2, 2, 6])
    """

    def __init__(self, filters: int, activation: Activation = "swish", weight_norm: bool = False, **kwargs):
        super().__init__(**kwargs)
        if filters < len(SHIFTS):
            raise refusal("`filters` should be at least 4", filters=filters)
        self.filters = filters
        self.activation = _parts.activation_or_config(activation)
        self.weight_norm = weight_norm
        self.preparation: list[keras.layers.Layer] = None
        self.convolutions: list[keras.layers.Layer] = None

    def build(self, input_shape: Shape) -> None:
        _parts.check_rank(input_shape, "FactorizedReduction", (4,))
        _parts.check_even(input_shape, "FactorizedReduction")
        self.preparation = _parts.activation_layers(self.activation, self, "activation")
        convolution = WeightNormConv2D if self.weight_norm else keras.layers.Conv2D
        quarter = self.filters // len(SHIFTS)
        widths = [quarter] * (len(SHIFTS) - 1) + [self.filters - (len(SHIFTS) - 1) * quarter]
        self.convolutions = [
            _parts.part(self, convolution, f"convolution_{number}", filters=width, kernel_size=1)
            for number, width in enumerate(widths, start=1)
        ]
        _parts.build_chain(self.preparation, input_shape)
        for convolution in self.convolutions:
            convolution.build(input_shape)

    def call(self, inputs: Tensor) -> Tensor:
        x = _parts.call_chain(self.preparation, _parts.of_even_sides(inputs, "FactorizedReduction"))
        # One convolution whose kernel is zero at the other three pixels: slices of every other pixel are slow, and so
        # are their gradients.
        places = zip(self.convolutions, SHIFTS, strict=True)
        kernel = self._side_by_side([_padded(convolution.kernel, *shift) for convolution, shift in places])
        bias = self._side_by_side([convolution.bias for convolution in self.convolutions])
        return ops.conv(x, kernel, 2, "valid", "channels_last") + bias

    def _side_by_side(self, parts):
        return ops.concatenate([ops.cast(part, self.compute_dtype) for part in parts], -1)

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        _parts.check_even(input_shape, "FactorizedReduction")
        return (input_shape[0], *(side and side // 2 for side in input_shape[1:-1]), self.filters)

    def get_config(self) -> dict[str, Any]:
        activation = _parts.serialize_activation(self.activation)
        own = {"filters": self.filters, "activation": activation, "weight_norm": self.weight_norm}
        return {**super().get_config(), **own}


def _padded(kernel, row, column):
    """A 1x1 kernel at a place among two by two pixels."""
    return ops.pad(ops.convert_to_tensor(kernel), [[row, 1 - row], [column, 1 - column], [0, 0], [0, 0]])
