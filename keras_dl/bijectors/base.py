"""The contract of a bijector: an invertible map with the logarithm of its Jacobian's determinant."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.types import Initializer, Shape, Tensor


class Bijector(keras.layers.Layer):
    r"""Base class of invertible maps of samples, $z = f(x)$, forward from data to latents.

    $$\log p(x) = \log p(z) + \log \left|\det \frac{\partial f(x)}{\partial x}\right|$$

    A bijector is a Keras layer: Keras owns, saves and averages its weights. It is built by the shape of a sample, and
    by the size of the condition's vectors if there is a condition.

    **Shapes.** `x` is `(batch, *shape)`, `z` is `(batch, *compute_output_shape)` of as many values, a condition is
    vectors `(batch, size)` or `None`, a log-determinant is `(batch,)`. Samples do not see one another, but for
    `BatchNorm` in training.

    **Precision.** Maps and log-determinants are computed in the type of the weights, float32 also under mixed
    precision. Only the networks inside compute in half precision.

    A subclass writes `build`, `forward_and_log_det` and `inverse_and_log_det`, and where they differ from those here,
    `compute_output_shape`, `compute_input_shape`, `initialize` and `check`.

    Attributes:
        has_inverse: Whether `inverse_and_log_det` exists.
        recovers_inputs: Whether it gives inputs back to the last digits, in training too, and costs about as much as
            the map: a `Chain(recompute=True)` keeps no input of such a step.
        keeps_values: Whether it only moves values to other places, so that what a map behind it says in `check` is of
            the data themselves.

    Example:

    >>> from keras_dl.bijectors import AffineCoupling
    >>> coupling = AffineCoupling(hidden=(16,))
    >>> coupling.build((None, 4))
    >>> z, log_det = coupling.forward_and_log_det(tf.ones([3, 4]))
    >>> x, minus_log_det = coupling.inverse_and_log_det(z)
    >>> z.shape, log_det.shape
    (TensorShape([3, 4]), TensorShape([3]))
    """

    has_inverse = True
    recovers_inputs = True
    keeps_values = False

    def build(self, input_shape: Any, condition_shape: Any = None) -> None:
        """Makes the weights for samples of `input_shape[1:]` and conditions of `condition_shape[1:]`."""
        self.built = True

    def forward_and_log_det(
        self, x: Tensor, condition: Tensor | None = None, training: bool = False
    ) -> tuple[Tensor, Tensor]:
        """Returns `z = f(x)` and $\\log|\\det \\partial z / \\partial x|$.

        Args:
            x: Tensor of shape `(batch, *shape)`.
            condition: Tensor of shape `(batch, size)`, or `None`.
            training: Whether the networks inside are being trained.

        Returns:
            `(z, log_det)`, of shapes `(batch, *output_shape)` and `(batch,)`.
        """
        raise NotImplementedError(f"{type(self).__name__} should define forward_and_log_det(x, condition, training).")

    def inverse_and_log_det(
        self, z: Tensor, condition: Tensor | None = None, training: bool = False
    ) -> tuple[Tensor, Tensor]:
        """Returns `x` with `f(x) = z` and $\\log|\\det \\partial x / \\partial z|$; see `forward_and_log_det`."""
        raise refusal(
            f"{type(self).__name__} has no inverse in closed form: it gives densities or draws, not both",
            "a call of inverse_and_log_det",
            error=NotImplementedError,
        )

    def call(self, x: Tensor, condition: Tensor | None = None, training: bool = False) -> Tensor:
        """Returns `z` alone."""
        return self.forward_and_log_det(x, condition, training)[0]

    def initialize(self, x: Tensor, condition: Tensor, moments: Callable) -> Tensor:
        """Sets weights that follow from the first batch of data, and returns `z` for the next bijector.

        Args:
            x: Tensor of shape `(batch, *shape)`, the rows that a replica holds.
            condition: Their conditions, or `None`.
            moments: Function of such a tensor that returns mean and variance over the rows of all replicas.
        """
        return self.forward_and_log_det(x, condition)[0]

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def compute_input_shape(self, output_shape: Any) -> Any:
        """The inverse of `compute_output_shape`."""
        return tuple(output_shape)

    def check(self, x: Tensor, name: str = "x") -> None:
        """Refuses arrays that the map is not defined for, before any work starts.

        Args:
            x: Array of data.
            name: What error messages call it.
        """

    def as_own_type(self, x: Tensor) -> Tensor:
        """`x` in the type that maps and log-determinants are computed in, that of the weights."""
        return tf.cast(x, self.variable_dtype)

    def add_own_weight(
        self, name: str, shape: Shape, initializer: Initializer, trainable: bool = True
    ) -> keras.Variable:
        """Makes a weight that mixed precision leaves in its type."""
        return self.add_weight(name=name, shape=shape, initializer=initializer, trainable=trainable, autocast=False)


def sum_over_sample(x):
    """The sum of each sample's values, shape `(batch,)`."""
    return tf.reduce_sum(x, list(range(1, x.shape.rank))) if x.shape.rank > 1 else x


def no_log_det(x):
    """Log-determinants of a map that keeps volumes: zeros of shape `(batch,)`."""
    return tf.zeros([tf.shape(x)[0]], x.dtype)


def constant_log_det(x, value):
    """The same log-determinant for every sample of `x`, shape `(batch,)`."""
    return tf.fill([tf.shape(x)[0]], tf.cast(value, x.dtype))


def num_values(shape):
    """How many values a sample of `(batch, *shape)` has."""
    if any(size is None for size in shape[1:]):
        raise refusal("A bijector should know the shape of a sample", f"{tuple(shape)}")
    return int(np.prod(shape[1:]))


def condition_size(condition_shape):
    """The length of a condition's vectors; 0 without one."""
    return 0 if condition_shape is None else int(condition_shape[-1])


def check_condition(condition, size, name):
    """Refuses a condition where none was said at the build, and none where one was."""
    if (condition is None) != (size == 0):
        expected = f"a condition of {size} numbers" if size else "no condition"
        received = "None" if condition is None else f"a condition of shape {tuple(condition.shape)}"
        raise refusal(f"{name} should get {expected}, as it was built for", received)
