"""Layers whose weight matrix is divided by its largest singular value (Miyato et al., 2018)."""

from typing import Any

import keras
from keras import ops

from keras_dl.layers import _parts
from keras_dl.layers.kernels import ConvKernel, DenseKernel
from keras_dl.layers.options import register
from keras_dl.types import Initializer, Shape, Tensor


class _SpectralNorm(keras.layers.Layer):
    """Base: a kernel, and the estimate of its first left singular vector that a power iteration keeps."""

    def __init__(self, use_bias: bool = True, kernel_initializer: Initializer = "glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.kernel: Tensor = None
        self.bias: Tensor = None
        self.u: keras.Variable = None

    def _add_weights(self, kernel_shape):
        # In float32 also under mixed precision: a norm of many halves has no digits left.
        self.kernel = self.add_weight(
            name="kernel", shape=kernel_shape, initializer=self.kernel_initializer, autocast=False
        )
        initializer = keras.initializers.RandomNormal()
        self.u = self.add_weight(
            name="u", shape=(1, kernel_shape[-1]), initializer=initializer, trainable=False, autocast=False
        )
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(kernel_shape[-1],), initializer="zeros")

    def build(self, input_shape: Shape) -> None:
        _parts.check_features(input_shape)
        self._add_weights(self._kernel_shape(input_shape))

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        x = self._apply(inputs, ops.cast(self._normalized_kernel(training), self.compute_dtype))
        return x + self.bias if self.use_bias else x

    def _normalized_kernel(self, training):
        """The kernel over its estimated norm. In training the estimate moves on; the kernel is never assigned."""
        kernel = ops.convert_to_tensor(self.kernel)
        matrix = ops.reshape(kernel, (-1, kernel.shape[-1]))
        fixed = ops.stop_gradient(matrix)
        v = _unit(ops.matmul(ops.convert_to_tensor(self.u), ops.transpose(fixed)))
        u = _unit(ops.matmul(v, fixed))
        if training:
            self.u.assign(u)
        sigma = ops.sum(ops.matmul(v, matrix) * u)
        return kernel / (sigma + 1e-12)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


@register()
class SpectralNormDense(DenseKernel, _SpectralNorm):
    """A dense layer of Lipschitz constant 1: `y = x W / sigma(W) + b` (Miyato et al., 2018, "Spectral normalization").

    `sigma(W)` is the largest singular value, estimated by one step of power iteration per training call from where the
    last one stopped. The gradient flows through `sigma = v^T W u` with the singular vectors held fixed, to any order,
    so that the layer can stand under a gradient penalty; the weight itself is moved by the optimizer alone.

    Args:
        units: Int, outputs.
        use_bias: Boolean.
        kernel_initializer: Keras initializer; only the direction of the kernel matters.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Returns:
        A tensor of shape `(..., units)`.

    Example:

    >>> layer = SpectralNormDense(3)
    >>> for _ in range(20):
    ...     y = layer(keras.ops.eye(5), training=True)
    >>> round(float(np.linalg.norm(y, 2)), 3)
    1.0
    """


@register()
class SpectralNormConv2D(ConvKernel, _SpectralNorm):
    """A convolution whose kernel, as a matrix `(k_h k_w C, filters)`, has norm 1: `y = x * W / sigma(W) + b`.

    See `SpectralNormDense`. The matrix' norm is the one that Miyato et al. use; it bounds the convolution's own norm
    only up to the kernel's size.

    Args:
        filters: Int, output channels.
        kernel_size: Int or pair of ints.
        strides: Int or pair of ints.
        padding: `"same"` or `"valid"`.
        **kwargs: `use_bias`, `kernel_initializer`: see `SpectralNormDense`.

    Returns:
        A tensor of shape `(batch, new_height, new_width, filters)`.

    Example:

    >>> SpectralNormConv2D(8, 3)(keras.ops.ones((1, 4, 4, 3))).shape
    TensorShape([1, 4, 4, 8])
    """


def _unit(x):
    return x * ops.rsqrt(ops.sum(ops.square(x)) + 1e-24)
