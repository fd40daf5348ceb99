"""Networks whose outputs see the values before them only."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_dl.bijectors.base import check_condition, condition_size
from keras_dl.checks import check_counts
from keras_dl.types import Activation, Tensor


class MADE(keras.layers.Layer):
    r"""Masked autoencoder for distribution estimation (Germain et al. 2015, "MADE").

    The `outputs` parameters of value $i$ are a function of the values $x_{<i}$ and of the condition. Unit $k$ of a
    hidden layer has a degree $m_k \in \{1, \dots, D - 1\}$, in turn, and sees units of degrees up to its own.

    Args:
        outputs: Parameters per value.
        hidden: Widths of the hidden layers.
        activation: Their activation.
        **kwargs: `name`, `dtype` and `trainable`.
    """

    def __init__(self, outputs: int, hidden: Sequence[int], activation: Activation | None = "relu", **kwargs):
        super().__init__(**kwargs)
        self.outputs = outputs
        self.hidden = check_counts(list(hidden), "hidden")
        self.activation = keras.activations.get(activation)

    def build(self, input_shape: Any, condition_shape: Any = None) -> None:
        self.size = input_shape[-1]
        self.condition_size = condition_size(condition_shape)
        degrees, self.kernels, self.biases, self.masks = np.arange(1, self.size + 1), [], [], []
        for number, width in enumerate(self.hidden):
            following = np.arange(width) % max(1, self.size - 1) + min(1, self.size - 1)
            self._add(f"hidden_{number}", degrees[:, None] <= following, "he_normal")
            degrees = following
        last = np.repeat(np.arange(1, self.size + 1), self.outputs)
        self._add("parameters", degrees[:, None] < last, "zeros")
        if self.condition_size:
            shape = (self.condition_size, self.hidden[0])
            self.condition_kernel = self.add_weight(name="condition_kernel", shape=shape, initializer="glorot_uniform")
            shape = (self.condition_size, self.size * self.outputs)
            self.condition_last = self.add_weight(name="condition_last", shape=shape, initializer="zeros")
        self.built = True

    def _add(self, name, mask, initializer):
        self.masks.append(mask.astype("float32"))
        self.kernels.append(self.add_weight(name=f"{name}_kernel", shape=mask.shape, initializer=initializer))
        self.biases.append(self.add_weight(name=f"{name}_bias", shape=mask.shape[1:], initializer="zeros"))

    def call(
        self, x: Tensor, condition: Tensor | None = None, training: bool = False, value: Tensor | None = None
    ) -> Tensor:
        """Returns parameters of shape `(batch, size, outputs)` for `x` of shape `(batch, size)`.

        Args:
            x: Tensor of shape `(batch, size)`.
            condition: Tensor of shape `(batch, condition_size)`, or `None`.
            training: Whether the network is being trained.
            value: Number of the one value whose parameters are wanted, shape `(batch, 1, outputs)`; `None` for all.
        """
        check_condition(condition, self.condition_size, "The bijector")
        last = len(self.kernels) - 1
        for number, kernel in enumerate(self.kernels):
            part = value if number == last else None
            kernel = self._columns(kernel, part) * self._columns(self.masks[number], part)
            features = ops.matmul(x, kernel) + self._columns(self.biases[number], part)
            if condition is not None and number in (0, last):
                weights = self.condition_kernel if number == 0 else self.condition_last
                weights = self._columns(weights, part)
                features = features + ops.matmul(ops.cast(condition, self.compute_dtype), weights)
            x = features if number == last else self.activation(features)
        return ops.reshape(x, (-1, self.size if value is None else 1, self.outputs))

    def _columns(self, weights, value):
        """The columns of the last layer that give the parameters of a value, or all."""
        weights = ops.cast(weights, self.compute_dtype)
        if value is None:
            return weights
        start = [0] * (len(weights.shape) - 1) + [value * self.outputs]
        return ops.slice(weights, start, (*weights.shape[:-1], self.outputs))
