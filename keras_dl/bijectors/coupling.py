"""Couplings: a part of a sample is mapped, by parameters that follow from the other part."""

from collections.abc import Sequence
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from keras_dl.bijectors.base import Bijector, sum_over_sample
from keras_dl.bijectors.conditioner import Conditioner, default_network
from keras_dl.bijectors.transforms import AffineTransform, SplineTransform
from keras_dl.checks import refusal
from keras_dl.types import Activation, Tensor

MASKS = ("half", "checkerboard", "channel")


class Coupling(Bijector):
    """A coupling of any `Transform`; see `AffineCoupling` and `SplineCoupling`."""

    def __init__(
        self,
        transform: Any,
        mask: str = "half",
        swap: bool | int = False,
        hidden: Sequence[int] = (64, 64),
        activation: Activation | None = "relu",
        network: keras.layers.Layer | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if mask not in MASKS:
            raise refusal(f"`mask` should be one of {MASKS}", mask=mask)
        self.transform, self.mask, self.swap = transform, mask, bool(swap)
        self.hidden, self.activation, self.network = tuple(hidden), activation, network

    def build(self, input_shape: Any, condition_shape: Any = None) -> None:
        self._check_shape(input_shape)
        self.size = input_shape[-1]
        seen = tuple(input_shape)
        mapped = self.size
        if self.mask != "checkerboard":
            first = (self.size + 1) // 2
            visible = self.size - first if self.swap else first
            seen, mapped = (*input_shape[:-1], visible), self.size - visible
            self.sizes = (first, self.size - first)
        network = self.network
        if network is None:
            network = default_network(self.hidden, seen, self.activation, self.dtype_policy)
        outputs = mapped * self.transform.parameters_per_value
        self.conditioner = Conditioner(network, outputs, dtype=self.dtype_policy, name="conditioner")
        self.conditioner.build(seen, condition_shape)
        self.built = True

    def forward_and_log_det(
        self, x: Tensor, condition: Tensor | None = None, training: bool = False
    ) -> tuple[Tensor, Tensor]:
        return self._map(self.transform.forward, x, condition, training)

    def inverse_and_log_det(
        self, z: Tensor, condition: Tensor | None = None, training: bool = False
    ) -> tuple[Tensor, Tensor]:
        return self._map(self.transform.inverse, z, condition, training)

    def _map(self, function, x, condition, training):
        x = self.as_own_type(x)
        if self.mask == "checkerboard":
            visible = self._checkerboard(x)
            y, log_slopes = function(x, self._parameters(x * visible, x, condition, training))
            return visible * x + (1.0 - visible) * y, sum_over_sample(log_slopes * (1.0 - visible))
        first, second = tf.split(x, self.sizes, -1)
        visible, other = (second, first) if self.swap else (first, second)
        y, log_slopes = function(other, self._parameters(visible, other, condition, training))
        return tf.concat([y, visible] if self.swap else [visible, y], -1), sum_over_sample(log_slopes)

    def _parameters(self, visible, other, condition, training):
        parameters = self.as_own_type(self.conditioner(visible, condition=condition, training=training))
        shape = tf.concat([tf.shape(other), [self.transform.parameters_per_value]], 0)
        return tf.ensure_shape(tf.reshape(parameters, shape), (*other.shape, self.transform.parameters_per_value))

    def _checkerboard(self, x):
        """1 where the network sees a value, in the type of `x`: squares of images, every other value of a vector."""
        sizes = x.shape[1:-1] if x.shape.rank > 2 else x.shape[1:]
        pattern = np.indices(sizes).sum(0) % 2 == (1 if self.swap else 0)
        return tf.constant(pattern[..., None] if x.shape.rank > 2 else pattern, x.dtype)

    def _check_shape(self, shape):
        if self.mask == "channel" and len(shape) < 3:
            raise refusal('mask="channel" should map images; vectors take "half"', f"{tuple(shape[1:])}")
        parted = shape[-1] if self.mask != "checkerboard" or len(shape) == 2 else np.prod(shape[1:-1])
        if parted < 2:
            raise refusal(
                f"A coupling with mask={self.mask!r} should have two values at least to part, or there is nothing that "
                "it sees: squeeze images of one channel, or take the mask 'checkerboard'",
                f"{tuple(shape[1:])}",
            )

    def get_config(self) -> dict[str, Any]:
        network = None if self.network is None else keras.saving.serialize_keras_object(self.network)
        own = {"mask": self.mask, "swap": self.swap, "hidden": self.hidden, "activation": self.activation}
        return {**super().get_config(), **self.transform.get_config(), **own, "network": network}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        network = config.get("network")
        return cls(**{**config, "network": network and keras.saving.deserialize_keras_object(network)})


@keras.saving.register_keras_serializable(package="keras_dl")
class AffineCoupling(Coupling):
    r"""An affine coupling (Dinh et al. 2017, "Density estimation using Real NVP").

    $$z_a = x_a, \qquad z_b = (x_b - m(x_a)) \odot e^{-s(x_a)}, \qquad \log|\det| = -\textstyle\sum s(x_a)$$

    It begins as the identity.

    Args:
        scale: Form of the scale, and
        limit: largest log-scale; see `keras_dl.bijectors.AffineTransform`.
        mask: What the network sees: `"half"` of the last axis (the first half), of images' `"channel"`s, or every other
            value of a vector or pixel of an image, `"checkerboard"`.
        swap: Whether it sees the other part.
        hidden: Widths of the network's layers: dense for vectors, convolutions for images.
        activation: Their activation.
        network: Any Keras layer or model in place of them, from what is seen (with a condition's vectors behind it on
            the last axis) to features; a linear layer that begins at zero stands behind it.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Raises:
        ValueError: If an argument is out of range, or a sample has no two parts.

    Example:

    >>> from keras_dl.bijectors import AffineCoupling
    >>> coupling = AffineCoupling(mask="checkerboard", hidden=(8,))
    >>> coupling.build((None, 6, 6, 1))
    >>> z, log_det = coupling.forward_and_log_det(tf.ones([2, 6, 6, 1]))
    >>> z.shape, log_det.numpy().tolist()
    (TensorShape([2, 6, 6, 1]), [0.0, 0.0])
    """

    def __init__(
        self,
        scale: str = "bounded",
        limit: float = 3.0,
        mask: str = "half",
        swap: bool | int = False,
        hidden: Sequence[int] = (64, 64),
        activation: Activation | None = "relu",
        network: keras.layers.Layer | None = None,
        **kwargs,
    ):  # fmt: skip
        super().__init__(AffineTransform(scale, limit), mask, swap, hidden, activation, network, **kwargs)


@keras.saving.register_keras_serializable(package="keras_dl")
class SplineCoupling(Coupling):
    """A coupling of monotone rational-quadratic splines (Durkan et al. 2019, "Neural spline flows").

    It begins as the identity.

    Args:
        num_bins: Number of bins,
        bound: end of the splines' interval, and
        least: smallest bin and slope; see `keras_dl.bijectors.SplineTransform`.
        mask: What the network sees, and
        swap: whether it sees the other part; see `AffineCoupling`, also for
        hidden: widths of the network's layers,
        activation: their activation, and
        network: a network in place of them.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Raises:
        ValueError: If an argument is out of range, or a sample has no two parts.

    Example:

    >>> from keras_dl.bijectors import SplineCoupling
    >>> coupling = SplineCoupling(num_bins=4, hidden=(8,))
    >>> coupling.build((None, 2))
    >>> coupling.forward_and_log_det(tf.constant([[0.5, -0.25]]))[0].numpy().round(4).tolist()
    [[0.5, -0.25]]
    """

    def __init__(
        self,
        num_bins: int = 8,
        bound: float = 3.0,
        least: float = 1e-3,
        mask: str = "half",
        swap: bool | int = False,
        hidden: Sequence[int] = (64, 64),
        activation: Activation | None = "relu",
        network: keras.layers.Layer | None = None,
        **kwargs,
    ):  # fmt: skip
        super().__init__(SplineTransform(num_bins, bound, least), mask, swap, hidden, activation, network, **kwargs)
