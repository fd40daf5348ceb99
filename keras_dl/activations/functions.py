"""Activation functions that Keras lacks, or computes otherwise than the course."""

import math

import keras
from keras import ops
from keras.activations import elu, softmax

from keras_dl.checks import refusal
from keras_dl.types import Tensor

_register = keras.saving.register_keras_serializable(package="keras_dl")

# Klambauer et al. 2017, equation 14: the pair that keeps mean 0 and variance 1.
_SELU_ALPHA = 1.6732632423543772
_SELU_SCALE = 1.0507009873554805


@_register
def leaky_relu(x: Tensor, negative_slope: float = 0.01) -> Tensor:
    """Leaky rectifier: `max(0, x) + negative_slope min(0, x)` (Maas et al. 2013).

    Args:
        x: Tensor of any shape.
        negative_slope: Slope for x <= 0, also the derivative at 0. (Keras' own default is 0.2.)

    Returns:
        Tensor of the shape of `x`.

    Example:

    >>> print([round(float(v), 3) for v in leaky_relu([-2.0, 3.0])])
    [-0.02, 3.0]
    """
    return keras.activations.leaky_relu(ops.convert_to_tensor(x), negative_slope=negative_slope)


@_register
def prelu(x: Tensor, alpha: Tensor = 0.25) -> Tensor:
    """Parametric rectifier for given slopes: `x for x > 0, alpha x below` (He et al. 2015).

    The layer that learns the slopes is `keras_dl.layers.PReLU`, which `get("prelu")` returns.

    Args:
        x: Tensor of any shape.
        alpha: Slope for x <= 0: a number, or a tensor that broadcasts against `x`, such as one slope a channel.

    Returns:
        Tensor of the shape of `x`.

    Example:

    >>> print([round(float(v), 3) for v in prelu([-2.0, 3.0])])
    [-0.5, 3.0]
    """
    x = ops.convert_to_tensor(x)
    return ops.where(x > 0, x, ops.cast(alpha, x.dtype) * x)


@_register
def softplus(x: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """Smooth rectifier: `log(1 + e^(beta x)) / beta`, and exactly x where beta x > threshold (torch's definition).

    Args:
        x: Tensor of any shape.
        beta: Sharpness; the function tends to ReLU as it grows.
        threshold: Value of `beta x` above which the function is the identity.

    Returns:
        Tensor of the shape of `x`.

    Raises:
        ValueError: If `beta` is 0.

    Example:

    >>> print([round(float(v), 4) for v in softplus([0.0, 30.0])])
    [0.6931, 30.0]
    """
    if beta == 0:
        raise refusal("`beta` should be other than 0", f"beta={beta}")
    x = ops.convert_to_tensor(x)
    if beta == 1 and threshold >= 20:
        return ops.softplus(x)  # log1p(e^-20) = 2e-9 is lost beside 20 in float32: the identity comes by itself
    scaled = beta * x
    return ops.where(scaled > threshold, x, ops.softplus(scaled) / beta)


@_register
def celu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """Continuously differentiable ELU: `max(0, x) + min(0, alpha (e^(x / alpha) - 1))` (Barron 2017).

    Its derivative at 0 is 1. (Keras' own function gives 2 there.)

    Args:
        x: Tensor of any shape.
        alpha: Scale; the function saturates at -alpha.

    Returns:
        Tensor of the shape of `x`.

    Raises:
        ValueError: If `alpha` is 0.

    Example:

    >>> print([round(float(v), 4) for v in celu([-1.0, 2.0], alpha=2.0)])
    [-0.7869, 2.0]
    """
    if alpha == 0:
        raise refusal("`alpha` should be other than 0", f"alpha={alpha}")
    x = ops.convert_to_tensor(x)
    return ops.where(x > 0, x, alpha * ops.expm1(ops.minimum(x, 0) / alpha))


@_register
def selu(x: Tensor) -> Tensor:
    """Self-normalising ELU: `scale (max(0, x) + min(0, alpha (e^x - 1)))` (Klambauer et al. 2017).

    scale = 1.0507 and alpha = 1.6733 are the paper's. The derivative at 0 is scale alpha, as in torch (Keras' own
    function gives scale there).

    Args:
        x: Tensor of any shape.

    Returns:
        Tensor of the shape of `x`.

    Example:

    >>> print([round(float(v), 4) for v in selu([-1.0, 1.0])])
    [-1.1113, 1.0507]
    """
    return _SELU_SCALE * elu(ops.convert_to_tensor(x), alpha=_SELU_ALPHA)


@_register
def gelu(x: Tensor, approximate: bool = False) -> Tensor:
    """Gaussian error linear unit: `x Phi(x)`, Phi the standard normal distribution function (Hendrycks & Gimpel 2016).

    Args:
        x: Tensor of any shape.
        approximate: If true, `0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))` instead.

    Returns:
        Tensor of the shape of `x`.

    Example:

    >>> print([round(float(v), 4) for v in gelu([-1.0, 1.0])])
    [-0.1587, 0.8413]
    """
    x = ops.convert_to_tensor(x)
    if not approximate:
        return keras.activations.gelu(x, approximate=False)
    # 0.5 (1 + tanh u) = sigmoid(2u), whose derivative keeps its digits in the left tail. Beyond |x| = 12 it is 0 or 1,
    # and the clip keeps the cube inside float16.
    near = ops.clip(x, -12, 12)
    return x * ops.sigmoid(math.sqrt(8 / math.pi) * (near + 0.044715 * near * near * near))


@_register
def softmin(x: Tensor, axis: int = -1) -> Tensor:
    """Softmax of the negated input: `e^-x_i / sum_j e^-x_j`.

    Args:
        x: Tensor of any shape.
        axis: The axis that sums to 1.

    Returns:
        Tensor of the shape of `x`.

    Example:

    >>> print([round(float(v), 4) for v in softmin([0.0, 1.0])])
    [0.7311, 0.2689]
    """
    return softmax(-ops.convert_to_tensor(x), axis=axis)


@_register
def sparsemax(x: Tensor, axis: int = -1) -> Tensor:
    """Point of the probability simplex that is nearest to the input (Martins & Astudillo 2016).

    `max(0, x_i - tau)`, where `tau` makes the entries sum to 1; entries far below the largest are 0. (That of Keras
    3.15 does not sum to 1 where more than one entry is positive.)

    Args:
        x: Tensor of any shape.
        axis: The axis that sums to 1.

    Returns:
        Tensor of the shape of `x`.

    Example:

    >>> print([round(float(v), 4) for v in sparsemax([100.0, 99.5, -100.0, 0.0])])
    [0.75, 0.25, 0.0, 0.0]
    """
    x = ops.convert_to_tensor(x)
    # Shifted as for a softmax, which moves tau along: sums of large numbers would lose their digits.
    shifted = ops.moveaxis(x - ops.stop_gradient(ops.max(x, axis, keepdims=True)), axis, -1)
    largest_first = ops.flip(ops.sort(shifted, axis=-1), axis=-1)
    counts = ops.cumsum(ops.ones_like(largest_first), axis=-1)
    positive = ops.cast(1 + counts * largest_first > ops.cumsum(largest_first, axis=-1), x.dtype)
    tau = (ops.sum(positive * largest_first, axis=-1, keepdims=True) - 1) / ops.sum(positive, axis=-1, keepdims=True)
    return ops.moveaxis(ops.relu(shifted - tau), -1, axis)


@_register
def sine(x: Tensor, omega: float = 1.0) -> Tensor:
    """Sine: `sin(omega x)` (Sitzmann et al. 2020, who use omega = 30).

    Half-precision inputs are computed in float32, since omega x may leave float16.

    Args:
        x: Tensor of any shape, radians before `omega`.
        omega: Angular frequency, radians per unit of `x`.

    Returns:
        Tensor of the shape and dtype of `x`.

    Example:

    >>> print(round(float(sine(0.5, omega=3.0)), 4))
    0.9975
    """
    x = ops.convert_to_tensor(x)
    dtype = keras.backend.standardize_dtype(x.dtype)
    if dtype in ("float16", "bfloat16"):
        return ops.cast(ops.sin(omega * ops.cast(x, "float32")), dtype)
    return ops.sin(omega * x)
