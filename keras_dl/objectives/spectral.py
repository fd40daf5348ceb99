"""Regularisation by the largest singular values of all convolutions of a model."""

import math
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import check_count, check_flag, refusal
from keras_dl.configurable import Configurable
from keras_dl.objectives.schedules import Schedule, check_weight, value_at
from keras_dl.types import Tensor

_DEPTHWISE = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)
_TRANSPOSED = (keras.layers.Conv1DTranspose, keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose)
_SEPARABLE = (keras.layers.SeparableConv1D, keras.layers.SeparableConv2D)
_CONVOLUTIONS = (*_SEPARABLE, keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D, *_DEPTHWISE, *_TRANSPOSED)


@keras.saving.register_keras_serializable(package="keras_dl")
class SpectralRegularization(Configurable):
    r"""Holds layers smooth: $\lambda \left( \sum_i s^{(i)} + \sum_j \max_c |\gamma^{(j)}_c| \right)$.

    With $s^{(i)}$ the largest singular value of the $i$-th convolution's kernel as a matrix, a column for each output
    channel (Vahdat & Kautz 2020, "NVAE", equation 6; Yoshida & Miyato 2017, "Spectral norm regularization"), of a
    separable convolution those of both kernels, and $\gamma^{(j)}$ the scales of batch normalisation $j$, which the
    published code charges, too. A power iteration for each kernel goes on where the step before has left it:
    $v \leftarrow W u / |W u|$, $u \leftarrow W^\top v / |W^\top v|$, $s = v^\top W u$, with no gradient through $u$
    and $v$.

    What counts is the kernel that convolves, of equalized layers the scaled one. A layer of yours that is no
    convolution of Keras is charged for its attribute `convolution_kernel`, whose last axis is that of output channels,
    if it has one. Not charged are `SpectralNormConv2D`, which divides by the singular value, and a demodulated
    `ModulatedConv2D`, whose outputs do not depend on the size of its kernel.

    Args:
        weight: $\lambda$, a number or a schedule of the training step. The code has 0.01 for small images and begins at
            up to 10 where training diverges.
        iterations: Passes of the power iteration per step.
        of_norms: Whether scales of batch normalisation are charged.

    Example:

    >>> import numpy as np
    >>> layer = keras.layers.Conv2D(2, 1, kernel_initializer="ones")
    >>> layer.build((None, 4, 4, 3))
    >>> charge = keras_dl.objectives.SpectralRegularization(0.5)
    >>> value, norms, vectors = charge([layer], charge.start([layer]), step=0)
    >>> round(float(norms), 4), round(float(value), 4)
    (2.4495, 1.2247)
    """

    def __init__(self, weight: float | Schedule = 0.01, iterations: int = 4, of_norms: bool = True):
        self.weight = check_weight(weight, "weight")
        self.iterations = check_count(iterations, "iterations")
        self.of_norms = bool(check_flag(of_norms, "of_norms"))

    def start(self, networks: Sequence) -> Tensor:
        """Returns random vectors $u$ at which the power iterations begin, side by side, shape `(sum of channels,)`.

        Args:
            networks: List of layers or models.

        Raises:
            ValueError: If they hold nothing to charge.
        """
        size = sum(matrix.shape[-1] for stack in self._stacks(networks) for matrix in stack)
        if not size and not (self.of_norms and _scales(networks)):
            kinds = sorted({type(layer).__name__ for layer in _layers(networks)})
            raise refusal("networks should hold convolutions, to be charged for their kernels", f"layers {kinds}")
        return np.random.default_rng(0).normal(size=size).astype("float32")

    def __call__(self, networks: Sequence, vectors: Tensor, step: Tensor) -> tuple:
        r"""Returns what is charged, the sum without its weight, and the vectors of the next step.

        Args:
            networks: List of layers or models.
            vectors: The vectors that `start` or the step before returned.
            step: The training step.
        """
        norms, moved, place = [tf.constant(0.0)], [tf.zeros([0])], 0
        for matrices in self._stacks(networks):
            stack = tf.stack([tf.convert_to_tensor(matrix) for matrix in matrices])
            count, _, channels = stack.shape
            part = tf.reshape(vectors[place : place + count * channels], [count, channels])
            place += count * channels
            values, part = self._iterate(stack, part)
            norms.append(tf.reduce_sum(values))
            moved.append(tf.reshape(part, [-1]))
        if self.of_norms:
            norms += [tf.reduce_max(tf.abs(tf.convert_to_tensor(gamma))) for gamma in _scales(networks)]
        total = tf.add_n(norms)
        return value_at(self.weight, step) * total, total, tf.concat(moved, 0)

    def _iterate(self, stack, u):
        """The largest singular values of matrices `(count, rows, channels)`, and their right singular vectors."""
        fixed = tf.stop_gradient(stack)
        for _ in range(self.iterations):
            v = _unit(tf.linalg.matvec(fixed, u))
            image = tf.linalg.matvec(fixed, v, transpose_a=True)
            # A kernel of zeros must not end the iteration for good.
            u = tf.where(tf.reduce_any(image != 0, -1, keepdims=True), _unit(image), u)
        return tf.reduce_sum(v * tf.linalg.matvec(stack, u), -1), u

    @staticmethod
    def _stacks(networks):
        """Lists of matrices of one shape each, whose iterations are computed together."""
        stacks = {}
        for layer in _layers(networks):
            for matrix in _matrices(layer):
                stacks.setdefault(tuple(matrix.shape), []).append(matrix)
        return list(stacks.values())


def _matrices(layer):
    """A convolution's kernels as matrices, a column for each output channel; of other layers none."""
    if not isinstance(layer, _CONVOLUTIONS):
        kernel = getattr(layer, "convolution_kernel", None)
        return [] if kernel is None else [_matrix(kernel)]
    if isinstance(layer, _SEPARABLE):
        return [_matrix(layer.depthwise_kernel, depthwise=True), _matrix(layer.pointwise_kernel)]
    kernel = tf.convert_to_tensor(layer.kernel)
    if isinstance(layer, _TRANSPOSED):
        kernel = tf.linalg.matrix_transpose(kernel)
    return [_matrix(kernel, isinstance(layer, _DEPTHWISE))]


def _matrix(kernel, depthwise=False):
    kernel = tf.cast(tf.convert_to_tensor(kernel), tf.float32)
    channels = math.prod(kernel.shape[-2:]) if depthwise else kernel.shape[-1]
    return tf.reshape(kernel, [-1, channels])


def _scales(networks):
    norms = (layer for layer in _layers(networks) if isinstance(layer, keras.layers.BatchNormalization))
    return [layer.gamma for layer in norms if layer.gamma is not None]


def _layers(networks):
    """Every layer within networks, each once."""
    return list({id(layer): layer for network in networks for layer in network._flatten_layers()}.values())


def _unit(x):
    return x * tf.math.rsqrt(tf.reduce_sum(tf.square(x), -1, keepdims=True) + 1e-24)
