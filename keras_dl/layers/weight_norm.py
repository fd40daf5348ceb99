"""Convolutions whose kernels have a direction and a length of their own."""

from typing import Any

import keras
from keras import ops

from keras_dl.layers.options import register
from keras_dl.types import Shape, Tensor

_LEAST_NORM = 1e-2  # added to the kernels' first norms, and
_EPSILON = 1e-5  # to norms that divide, as the published code has it


@register()
class WeightNormConv2D(keras.layers.Conv2D):
    r"""A convolution with a norm per output channel that is learned: $W_c = e^{g_c} V_c / (|V_c| + 10^{-5})$.

    (Salimans & Kingma 2016, "Weight normalization", in the form of Vahdat & Kautz 2020, "NVAE".) It begins as the
    convolution of $V$, with $g = \log(|V| + 0.01)$. `kernel` is $W$. Norms are computed in float32.

    Args:
        *args: Those of `keras.layers.Conv2D`: `filters`, `kernel_size`, `strides`, `padding` and others.
        **kwargs: Those of `keras.layers.Conv2D`.

    Returns:
        A tensor of the shape that `keras.layers.Conv2D` returns.

    Example:

    >>> layer = WeightNormConv2D(3, 2, use_bias=False)
    >>> layer.build((None, 4, 4, 2))
    >>> _ = layer.log_norm.assign([0.0, 0.0, 0.0])
    >>> [round(float(norm), 3) for norm in keras.ops.norm(keras.ops.reshape(layer.kernel, (-1, 3)), axis=0)]
    [1.0, 1.0, 1.0]
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.log_norm: Tensor = None

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)

        def start(shape, dtype=None):
            return ops.cast(ops.log(self._norm() + _LEAST_NORM), dtype)

        self.log_norm = self.add_weight(name="log_norm", shape=(self.filters,), initializer=start)

    @property
    def kernel(self) -> Tensor:
        """The kernel that convolves: $W$."""
        if not self.built or self.log_norm is None:
            return super().kernel
        scale = ops.exp(ops.cast(self.log_norm, "float32")) / (self._norm() + _EPSILON)
        direction = ops.cast(super().kernel, "float32")
        return ops.cast(direction * scale, self.compute_dtype)

    def save_own_variables(self, store: Any) -> None:
        # Keras' convolutions write what convolves, which is made of weights here, and read as many as they write.
        keras.layers.Layer.save_own_variables(self, store)

    def load_own_variables(self, store: Any) -> None:
        keras.layers.Layer.load_own_variables(self, store)

    def _norm(self):
        """The norm of each output channel's part of $V$, float32."""
        direction = ops.cast(super().kernel, "float32")
        return ops.sqrt(ops.sum(ops.square(direction), axis=(0, 1, 2)))
