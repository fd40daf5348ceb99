"""Linear maps of channels."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_dl.bijectors.base import Bijector, constant_log_det, no_log_det, num_values
from keras_dl.checks import check_seed, refusal
from keras_dl.types import Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class InvertibleLinear(Bijector):
    r"""The invertible 1x1 convolution $z = W x$ of channels (Kingma & Dhariwal 2018, "Glow").

    $$W = P L (U + \operatorname{diag}(\sigma e^{s})), \qquad \log|\det| = h w \textstyle\sum s$$

    with a fixed permutation $P$ and fixed signs $\sigma$, and triangular $L$ (ones on its diagonal) and $U$ (zeros
    there). It begins as a random rotation.

    Args:
        seed: Integer that decides the rotation.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Example:

    >>> from keras_dl.bijectors import InvertibleLinear
    >>> linear = InvertibleLinear(seed=1)
    >>> linear.build((None, 4, 4, 3))
    >>> x = tf.ones([1, 4, 4, 3])
    >>> z, log_det = linear.forward_and_log_det(x)
    >>> bool(tf.reduce_max(tf.abs(linear.inverse_and_log_det(z)[0] - x)) < 1e-5)
    True
    """

    def __init__(self, seed: int = 0, **kwargs):
        super().__init__(**kwargs)
        self.seed = check_seed(seed)

    def build(self, input_shape: Any, condition_shape: Any = None) -> None:
        self.size = input_shape[-1]
        self.repeats = num_values(input_shape) // self.size
        permutation, lower, upper = self._factors()
        diagonal = np.diag(upper)
        self.permutation = permutation
        self.signs = np.sign(diagonal)
        self.below = self._weight("lower", np.tril(lower, -1))
        self.above = self._weight("upper", np.triu(upper, 1))
        self.log_diagonal = self._weight("log_diagonal", np.log(np.abs(diagonal)))
        self.built = True

    def _weight(self, name, value):
        return self.add_own_weight(name, value.shape, lambda shape, dtype: tf.cast(value, dtype))

    def _factors(self):
        from scipy.linalg import lu

        rotation, triangle = np.linalg.qr(np.random.default_rng(self.seed).standard_normal((self.size,) * 2))
        return lu(rotation * np.sign(np.diag(triangle)))

    def forward_and_log_det(
        self, x: Tensor, condition: Tensor | None = None, training: bool = False
    ) -> tuple[Tensor, Tensor]:
        lower, upper = self._triangles()
        kernel = tf.matmul(tf.constant(self.permutation, lower.dtype), tf.matmul(lower, upper))
        return self._apply(x, kernel, 1.0)

    def inverse_and_log_det(
        self, z: Tensor, condition: Tensor | None = None, training: bool = False
    ) -> tuple[Tensor, Tensor]:
        lower, upper = self._triangles()
        diagonal = tf.constant(self.signs, self.variable_dtype) * tf.exp(self.log_diagonal)
        upper = _inverse_of_unit(upper / diagonal[:, None], self.size) / diagonal
        lower = _inverse_of_unit(lower, self.size)
        kernel = tf.matmul(tf.matmul(upper, lower), tf.constant(self.permutation.T, lower.dtype))
        return self._apply(z, kernel, -1.0)

    def _triangles(self):
        ones, dtype = np.ones((self.size, self.size)), self.variable_dtype
        lower = self.below * tf.constant(np.tril(ones, -1), dtype) + tf.eye(self.size, dtype=dtype)
        diagonal = tf.constant(self.signs, self.variable_dtype) * tf.exp(self.log_diagonal)
        return lower, self.above * tf.constant(np.triu(ones, 1), dtype) + tf.linalg.diag(diagonal)

    def _apply(self, x, kernel, sign):
        x = self.as_own_type(x)
        z = tf.reshape(tf.matmul(tf.reshape(x, [-1, self.size]), kernel, transpose_b=True), tf.shape(x))
        return tf.ensure_shape(z, x.shape), constant_log_det(x, sign * self.repeats * tf.reduce_sum(self.log_diagonal))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed}


def _inverse_of_unit(triangle, size):
    r"""Inverse of a triangular matrix with ones on its diagonal, by products alone, which every format of files has.

    Blocks on the diagonal are inverted, which double until one is the whole: of $T = D + C$ with blocks in $D$ and what
    joins two of them in $C$, $T^{-1} = D^{-1} - D^{-1} C D^{-1}$. No power of the matrix is formed, whose entries grow
    with its size until their differences have no digits.
    """
    rows, columns = np.indices((size, size))
    inverse, block = tf.eye(size, dtype=triangle.dtype), 1
    while block < size:
        joins = (rows // block != columns // block) & (rows // (2 * block) == columns // (2 * block))
        between = triangle * tf.constant(joins, triangle.dtype)
        inverse -= tf.matmul(inverse, tf.matmul(between, inverse))
        block *= 2
    return inverse


@keras.saving.register_keras_serializable(package="keras_dl")
class Permute(Bijector):
    """A fixed order of the values on the last axis.

    Args:
        order: `"reverse"`, `"random"`, or a sequence of the numbers from 0 to `size - 1`.
        seed: Integer that decides a random order.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Example:

    >>> from keras_dl.bijectors import Permute
    >>> permute = Permute([2, 0, 1])
    >>> permute.build((None, 3))
    >>> permute.forward_and_log_det(tf.constant([[1.0, 2.0, 3.0]]))[0].numpy().tolist()
    [[3.0, 1.0, 2.0]]
    """

    keeps_values = True

    def __init__(self, order: str | Sequence[int] = "reverse", seed: int = 0, **kwargs):
        super().__init__(**kwargs)
        if isinstance(order, str) and order not in ("reverse", "random"):
            raise refusal("`order` should be 'reverse', 'random' or a sequence of numbers", order=order)
        self.order = order if isinstance(order, str) else tuple(int(i) for i in order)
        self.seed = check_seed(seed)

    def build(self, input_shape: Any, condition_shape: Any = None) -> None:
        size = input_shape[-1]
        orders = {"reverse": np.arange(size)[::-1]}
        orders["random"] = np.random.default_rng(self.seed).permutation(size)
        order = orders[self.order] if isinstance(self.order, str) else np.asarray(self.order)
        if sorted(order) != list(range(size)):
            raise refusal(f"`order` should hold 0 to {size - 1}, each once", order=self.order)
        self.indices = np.ascontiguousarray(order)
        self.built = True

    def forward_and_log_det(
        self, x: Tensor, condition: Tensor | None = None, training: bool = False
    ) -> tuple[Tensor, Tensor]:
        x = self.as_own_type(x)
        return tf.gather(x, self.indices, axis=-1), no_log_det(x)

    def inverse_and_log_det(
        self, z: Tensor, condition: Tensor | None = None, training: bool = False
    ) -> tuple[Tensor, Tensor]:
        z = self.as_own_type(z)
        return tf.gather(z, np.argsort(self.indices), axis=-1), no_log_det(z)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "order": self.order, "seed": self.seed}
