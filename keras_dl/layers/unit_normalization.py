"""Vectors of length 1, and 0 for those that have no direction."""

from typing import Any

import keras
from keras import ops

from keras_dl.checks import refusal
from keras_dl.layers.options import register
from keras_dl.types import Shape, Sizes, Tensor


@register()
class UnitNormalization(keras.layers.Layer):
    """Divides vectors by their length: `y = x / |x|`, with `y = 0` and derivative 0 at `x = 0`.

    Like `keras.layers.UnitNormalization`, which embeddings on a sphere end with (Schroff et al., 2015, section 3.1),
    but computed in float32 at least: squares of half-precision numbers leave their range from 256, and vanish
    below 2e-4. The derivative is finite everywhere: one blank sample does no harm to the others of its batch.

    Args:
        axis: Integer or a sequence of integers, the axes over which the length is taken.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Returns:
        A tensor of the input's shape, float32 (float64 under a policy of that name).

    Raises:
        ValueError: If `axis` is not an axis, or several.

    Example:

    >>> y = UnitNormalization()(np.array([[3.0, 4.0], [0.0, 0.0]]))
    >>> y.numpy().round(2).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """

    def __init__(self, axis: Sizes = -1, **kwargs):
        super().__init__(**kwargs)
        self.axis = _axes(axis)
        if self.compute_dtype in ("float16", "bfloat16"):
            self.dtype_policy = keras.DTypePolicy("float32")
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        # A unit of the largest entry keeps squares in range; the result does not depend on it, nor its derivative.
        unit = ops.stop_gradient(ops.max(ops.abs(inputs), axis=self.axis, keepdims=True, initial=0))
        nothing, one = ops.equal(unit, 0), ops.ones_like(unit)
        scaled = inputs / ops.where(nothing, one, unit)
        squared = ops.sum(ops.square(scaled), axis=self.axis, keepdims=True)
        inverse_length = ops.where(nothing, ops.zeros_like(unit), ops.rsqrt(ops.where(nothing, one, squared)))
        return scaled * inverse_length

    def compute_output_shape(self, input_shape: Shape) -> tuple:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


def _axes(axis):
    axes = axis if isinstance(axis, (list, tuple)) else (axis,)
    if not axes or not all(isinstance(one, int) and not isinstance(one, bool) for one in axes):
        raise refusal("`axis` should be an integer or a sequence of integers", axis=axis)
    if len(set(axes)) < len(axes):
        raise refusal("`axis` should name each axis once", axis=axis)
    return axis if isinstance(axis, int) else tuple(axes)
