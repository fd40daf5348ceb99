"""Residual cells of deep hierarchical autoencoders (Vahdat & Kautz 2020)."""

from typing import Any

import keras

from keras_dl.checks import check_count, check_flag, check_number, optional, refusal
from keras_dl.layers import _parts
from keras_dl.layers.batch_normalization import BatchNormalization
from keras_dl.layers.bilinear import BilinearUpsampling2D
from keras_dl.layers.factorized_reduction import FactorizedReduction
from keras_dl.layers.options import register
from keras_dl.layers.recomputation import recomputed
from keras_dl.layers.squeeze_excite import SqueezeExcite
from keras_dl.layers.weight_norm import WeightNormConv2D
from keras_dl.types import Shape, Tensor

KINDS = ("regular", "separable")
RESIZES = (None, "down", "up")
_LEAST_SQUEEZED = 4  # channels between the layers of squeeze-and-excitation
_CHECKS = {"expansion": check_count, "kernel_size": optional(check_count), "scale": check_number}


@register(**_CHECKS, synchronized=check_flag, weight_norm=check_flag, recompute=check_flag)
class ResidualCell(keras.layers.Layer):
    r"""Adds a little of what convolutions make of an image to it: `y = shortcut(x) + 0.1 SE(F(x))`.

    (Vahdat & Kautz 2020, "NVAE: a deep hierarchical variational autoencoder", figure 3.)

    - `"regular"`, the cell of the encoder: F is twice batch normalisation, swish, 3x3 convolution.
    - `"separable"`, the cell of the decoder: F is normalisation, 1x1 convolution to `expansion` times the channels,
      normalisation, swish, 5x5 depthwise convolution, normalisation, swish, 1x1 convolution, normalisation.

    SE is squeeze-and-excitation through C/16 channels, at least 4. The shortcut is the identity, a 1x1 convolution
    where the number of channels changes, a `FactorizedReduction` if the cell halves the image, and linear
    interpolation with a 1x1 convolution if it doubles it.

    Args:
        filters: Int, output channels.
        kind: `"regular"` or `"separable"`.
        resize: `"down"` to halve the image, `"up"` to double it, or `None`.
        kernel_size: Int, of the 3x3 or depthwise convolutions; `None` for 3 or 5.
        expansion: Int, of a separable cell.
        scale: Float, the factor of the residual.
        momentum: Float, of the moving averages; 0.95 is what the published code has.
        epsilon: Float, added to variances.
        synchronized: Boolean, whether statistics are those of the global batch over all replicas.
        weight_norm: Boolean, whether the 3x3 convolutions and those of the shortcut are `WeightNormConv2D`; those of a
            separable cell are not, as in the published code.
        recompute: Boolean, compute the cell a second time for its gradient: training then holds the inputs of cells
            instead of all that lies within them.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Returns:
        A tensor of shape `(batch, height, width, filters)`, height and width halved or doubled by `resize`.

    Raises:
        ValueError: If an option is unknown, or sides are odd that are to be halved.

    Example:

    >>> cell = ResidualCell(8, kind="separable", resize="up")
    >>> cell(keras.ops.ones((1, 4, 4, 16))).shape
    TensorShape([1, 8, 8, 8])
    """

    def __init__(
        self,
        filters: int,
        kind: str = "regular",
        resize: str | None = None,
        kernel_size: int | None = None,
        expansion: int = 6,
        scale: float = 0.1,
        momentum: float = 0.95,
        epsilon: float = 1e-5,
        synchronized: bool = False,
        weight_norm: bool = False,
        recompute: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        for name, value, known in (("kind", kind, KINDS), ("resize", resize, RESIZES)):
            if value not in known:
                raise refusal(f"`{name}` should be one of {known}", **{name: value})
        self.filters, self.kind, self.resize = filters, kind, resize
        self.kernel_size, self.expansion, self.scale = kernel_size, expansion, scale
        self.momentum, self.epsilon = momentum, epsilon
        self.synchronized, self.weight_norm, self.recompute = synchronized, weight_norm, recompute
        self.residual: list[keras.layers.Layer] = None
        self.shortcut: list[keras.layers.Layer] = None

    def build(self, input_shape: Shape) -> None:
        _parts.check_rank(input_shape, "ResidualCell", (4,))
        self.shortcut = self._shortcut(input_shape[-1])
        self.residual = self._separable(input_shape[-1]) if self.kind == "separable" else self._regular()
        ratio = max(1, self.filters // max(_LEAST_SQUEEZED, self.filters // 16))
        self.residual.append(_parts.part(self, SqueezeExcite, "squeeze_excite", ratio=ratio))
        _parts.build_chain(self.shortcut, input_shape)
        _parts.build_chain(self.residual, input_shape)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        def compute(x):
            y = x
            for layer in self.residual:
                y = layer(y, training=training) if isinstance(layer, BatchNormalization) else layer(y)
            return _parts.call_chain(self.shortcut, x) + self.scale * y

        return recomputed(compute, self, inputs) if self.recompute and training else compute(inputs)

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        sides = input_shape[1:-1]
        if self.resize == "up":
            sides = [side and 2 * side for side in sides]
        if self.resize == "down":
            sides = [side and side // 2 for side in sides]
        return (input_shape[0], *sides, self.filters)

    def _shortcut(self, channels):
        if self.resize == "down":
            options = {"filters": self.filters, "weight_norm": self.weight_norm}
            return [_parts.part(self, FactorizedReduction, "shortcut", **options)]
        layers = []
        if self.resize == "up" or channels != self.filters:
            layers.append(self._convolution("shortcut", self.filters, 1))
        if self.resize == "up":  # after the convolution, with which interpolation commutes: a quarter of its work
            layers.append(_parts.part(self, BilinearUpsampling2D, "shortcut_enlarged", scale=2))
        return layers

    def _regular(self):
        size, strides = self.kernel_size or 3, 2 if self.resize == "down" else 1
        return [
            *self._normalized("norm_1"),
            *self._enlarged(),
            self._convolution("convolution_1", self.filters, size, strides=strides, use_bias=False),
            *self._normalized("norm_2"),
            self._convolution("convolution_2", self.filters, size),
        ]

    def _separable(self, channels):
        hidden, strides = self.expansion * channels, 2 if self.resize == "down" else 1
        options = {"kernel_size": self.kernel_size or 5, "strides": strides, "padding": "same", "use_bias": False}
        return [
            *self._normalized("norm_1", activated=False),
            self._convolution("expand", hidden, 1, keras.layers.Conv2D, use_bias=False),
            *self._normalized("norm_2"),
            *self._enlarged(),
            _parts.part(self, keras.layers.DepthwiseConv2D, "depthwise", **options),
            *self._normalized("norm_3"),
            self._convolution("project", self.filters, 1, keras.layers.Conv2D, use_bias=False),
            *self._normalized("norm_4", activated=False),
        ]

    def _enlarged(self):
        """Pixels doubled in front of the first spatial convolution: what comes before treats each pixel alike."""
        return [_parts.part(self, keras.layers.UpSampling2D, "enlarged")] if self.resize == "up" else []

    def _normalized(self, name, activated=True):
        options = {"momentum": self.momentum, "epsilon": self.epsilon, "synchronized": self.synchronized}
        activation = _parts.part(self, keras.layers.Activation, f"{name}_activation", activation="swish")
        return [_parts.part(self, BatchNormalization, name, **options), *([activation] if activated else [])]

    def _convolution(self, name, filters, size, kind=None, **options):
        kind = kind or (WeightNormConv2D if self.weight_norm else keras.layers.Conv2D)
        return _parts.part(self, kind, name, filters=filters, kernel_size=size, padding="same", **options)

    def get_config(self) -> dict[str, Any]:
        names = ("filters", "kind", "resize", "kernel_size", "expansion", "scale", "momentum", "epsilon")
        names += ("synchronized", "weight_norm", "recompute")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
