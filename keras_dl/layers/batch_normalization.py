"""Batch normalisation on TensorFlow's fused kernel."""

import contextlib
import contextvars
import math

import keras
import tensorflow as tf
from keras import ops

from keras_dl.checks import refusal
from keras_dl.layers.options import register
from keras_dl.types import Shape, Tensor

FUSED_RANKS = (3, 4, 5)
FUSED_DTYPES = ("float16", "bfloat16", "float32")
_padding = contextvars.ContextVar("padding", default=None)
_estimating = contextvars.ContextVar("estimating", default=None)


@contextlib.contextmanager
def padding(holds):
    """Within it, a batch counts as empty if `holds`, a boolean scalar: its rows stand in for none.

    Convolutions on CPU fail on a batch of no rows, so a replica without rows is given one.
    """
    token = _padding.set(holds)
    try:
        yield
    finally:
        _padding.reset(token)


@contextlib.contextmanager
def estimating(rate):
    """Within it, layers normalise by the batch as in training, frozen ones too, and averages move by `rate`.

    At rates 1, 1/2, 1/3 ... averages become the means over batches (Vahdat & Kautz 2020, section 4, sample so).

    Args:
        rate: Float scalar, how far averages move towards the batch's statistics.
    """
    token = _estimating.set(rate)
    try:
        yield
    finally:
        _estimating.reset(token)


@register()
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` computed by one fused kernel if layout and dtype allow it.

    `y = gamma (x - mean) / sqrt(var + epsilon) + beta` (Ioffe and Szegedy, 2015), with the batch's mean and biased
    variance in training and their moving averages in inference. Arguments, weights and numbers are those of Keras'
    layer (to 1e-5), so either loads the other's weights; training is about three times faster on images on a CPU.

    The fused kernel serves channels-last inputs of rank 3 to 5 in float32, float16 and bfloat16. Inputs of rank 2 (for
    which it is slower), another `axis`, `synchronized`, `renorm` and masks take Keras' composition.
    An empty batch, as a replica may get at the end of an epoch, leaves the moving averages as they are and gives zero
    gradients, except under a mask or `renorm`; with `synchronized`, if the batch is empty on all replicas.

    Args:
        axis: Int, the axis of the channels.
        momentum: Float, of the moving averages. Keras' default is 0.99; PyTorch's 0.1 is 0.9 here.
        epsilon: Float, added to the variance. Keras' default is 1e-3; PyTorch's is 1e-5.
        **kwargs: The other arguments of `keras.layers.BatchNormalization`: `center`, `scale`, `synchronized`
            (statistics of the global batch over all replicas), initializers, regularizers, constraints, `renorm`.

    Returns:
        A tensor of the shape of the input.

    Example:

    >>> layer = BatchNormalization(momentum=0.9)
    >>> y = layer(keras.random.normal((8, 4, 4, 3), mean=5.0), training=True)
    >>> bool(keras.ops.max(keras.ops.abs(keras.ops.mean(y, axis=(0, 1, 2)))) < 1e-4)
    True
    """

    def __init__(self, axis: int = -1, momentum: float = 0.99, epsilon: float = 1e-3, **kwargs):
        super().__init__(axis=axis, momentum=momentum, epsilon=epsilon, **kwargs)

    def build(self, input_shape: Shape) -> None:
        if len(input_shape) < 2:
            raise refusal("inputs should have a batch axis and channels", f"input_shape={input_shape}")
        super().build(input_shape)

    def call(self, inputs: Tensor, training: bool | None = None, mask: Tensor | None = None) -> Tensor:
        training = bool(training and self.trainable) or _estimating.get() is not None
        if mask is not None or getattr(self, "renorm", False):
            return super().call(inputs, training=training, mask=mask)
        outputs = self._fused(inputs, training) if self._can_fuse(inputs) else self._composed(inputs, training)
        return ops.cast(outputs, self.compute_dtype)

    def _can_fuse(self, inputs):
        rank = len(inputs.shape)
        return (
            rank in FUSED_RANKS
            and self.axis in (-1, rank - 1)
            and not self.synchronized
            and keras.backend.standardize_dtype(inputs.dtype) in FUSED_DTYPES
        )

    def _fused(self, inputs, training):
        images = inputs if len(inputs.shape) == 4 else tf.reshape(inputs, (-1, 1, 1, inputs.shape[-1]))
        mean, variance, scale, offset = self._statistics_and_parameters("float32")
        count = _counted(_size(images) // images.shape[-1])
        if training and scale is not None and not (isinstance(count, int) and count > 0):
            # Compiled by XLA, the kernel's gradient for gamma is NaN if the batch is empty.
            scale = tf.where(count > 0, scale, tf.stop_gradient(scale))
        result = tf.raw_ops.FusedBatchNormV3(
            x=images,
            scale=tf.ones_like(mean) if scale is None else scale,
            offset=tf.zeros_like(mean) if offset is None else offset,
            mean=mean[:0] if training else mean,
            variance=variance[:0] if training else variance,
            epsilon=self.epsilon,
            is_training=training,
        )
        if training:
            # The kernel reports the unbiased variance, n / (n - 1) times the one that Keras averages.
            count = tf.cast(count, "float32")
            self._update_averages(result.batch_mean, result.batch_variance * ((count - 1.0) / count), count)
        return result.y if len(inputs.shape) == 4 else tf.reshape(result.y, tf.shape(inputs))

    def _composed(self, inputs, training):
        inputs = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        mean, variance, scale, offset = self._statistics_and_parameters(inputs.dtype)
        if training:
            rank = len(inputs.shape)
            axes = [axis for axis in range(rank) if axis != self.axis % rank]
            counted = inputs[: _counted(tf.shape(inputs)[0])] if self.synchronized else inputs
            batch_mean, batch_variance = ops.moments(counted, axes, synchronized=self.synchronized)
            count = _counted(_size(inputs) // inputs.shape[self.axis])
            if self.synchronized:  # the others' rows are not known, but their mean is NaN if there are none
                count = tf.reduce_sum(tf.cast(tf.math.is_finite(batch_mean), tf.int32))
            self._update_averages(batch_mean, batch_variance, count)
            mean = tf.where(count > 0, batch_mean, mean)
            variance = tf.where(count > 0, batch_variance, variance)
        return ops.batch_normalization(inputs, mean, variance, self.axis, offset, scale, self.epsilon)

    def _statistics_and_parameters(self, dtype):
        """Returns moving mean, moving variance, gamma and beta in `dtype`; gamma and beta may be `None`."""
        values = []
        for variable in (self.moving_mean, self.moving_variance, self.gamma, self.beta):
            values.append(None if variable is None else ops.cast(variable, dtype))
        return values

    def _update_averages(self, mean, variance, count):
        """Moves the averages towards the batch's statistics, which are NaN and left out if `count` is 0."""
        rate = _estimating.get()
        rate = (1.0 - self.momentum if rate is None else rate) * tf.cast(count > 0, mean.dtype)
        for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            current = ops.cast(average, mean.dtype)
            average.assign(current + tf.math.multiply_no_nan(value - current, rate))


def _counted(count):
    """The number of values that statistics are taken of: 0 in a batch that is padding."""
    holds = _padding.get()
    return count if holds is None else tf.where(holds, 0, count)


def _size(tensor):
    """Returns the number of elements: an int if the shape is known, else a scalar tensor."""
    if tensor.shape.is_fully_defined():
        return math.prod(tensor.shape)
    return tf.size(tensor)
