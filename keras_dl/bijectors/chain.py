"""Bijectors made of bijectors."""

from collections.abc import Callable, Sequence
from typing import Any, Self

import keras

from keras_dl.bijectors.base import Bijector
from keras_dl.bijectors.recomputation import recomputed
from keras_dl.checks import check_flag, refusal
from keras_dl.types import Tensor


def check_bijector(bijector, name):
    """Returns a bijector, or raises a `TypeError`."""
    if not isinstance(bijector, Bijector):
        raise refusal(f"`{name}` should be a bijector of keras_dl.bijectors", **{name: bijector}, error=TypeError)
    return bijector


def build(bijector, shape, condition_shape=None):
    """Builds a bijector that is not yet, or refuses one that was built for other samples or conditions."""
    if not bijector.built:
        bijector.build(shape, condition_shape)
        return
    config = bijector.get_build_config() or {}
    before = config.get("shapes_dict", config)
    for what, asked in (("input_shape", shape), ("condition_shape", condition_shape)):
        own, wanted = (None if one is None else tuple(one)[1:] for one in (before.get(what), asked))
        if own != wanted:
            kind = "samples" if what == "input_shape" else "conditions"
            raise refusal(f"A bijector should be built for {kind} of shape {wanted}", f"{bijector!r}, built for {own}")


@keras.saving.register_keras_serializable(package="keras_dl")
class Chain(Bijector):
    r"""Bijectors one after another: $f = f_n \circ \dots \circ f_1$, from data to latents.

    Args:
        bijectors: Sequence of bijectors, the first next to the data.
        recompute: Whether training keeps only the chain's output for its gradient, and finds the inputs of the steps by
            their inverses: less memory, more time. Steps whose inverse is slow or not exact, such as `Autoregressive`
            and `BatchNorm`, keep their input.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Example:

    >>> from keras_dl.bijectors import ActNorm, AffineCoupling, Chain, Permute
    >>> chain = Chain([ActNorm(), AffineCoupling(hidden=(8,)), Permute("reverse"), AffineCoupling(hidden=(8,))])
    >>> chain.build((None, 4))
    >>> chain.forward_and_log_det(keras.ops.ones([3, 4]))[1].shape
    TensorShape([3])
    """

    def __init__(self, bijectors: Sequence[Bijector], recompute: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.recompute = check_flag(recompute, "recompute")
        if not isinstance(bijectors, (list, tuple)) or not bijectors:
            raise refusal("`bijectors` should be a list of bijectors", bijectors=bijectors)
        self.bijectors = [check_bijector(bijector, "bijectors") for bijector in bijectors]
        if len({id(bijector) for bijector in self.bijectors}) < len(self.bijectors):
            raise refusal("`bijectors` should not hold one object twice", "a bijector that stands there twice")

    @property
    def has_inverse(self) -> bool:  # type: ignore[override]
        return all(bijector.has_inverse for bijector in self.bijectors)

    @property
    def recovers_inputs(self) -> bool:  # type: ignore[override]
        return all(bijector.recovers_inputs for bijector in self.bijectors)

    def build(self, input_shape: Any, condition_shape: Any = None) -> None:
        shape = tuple(input_shape)
        for bijector in self.bijectors:
            build(bijector, shape, condition_shape)
            shape = bijector.compute_output_shape(shape)
        self.built = True

    def forward_and_log_det(
        self, x: Tensor, condition: Tensor | None = None, training: bool = False
    ) -> tuple[Tensor, Tensor]:
        if self.recompute and training:
            return recomputed(self.bijectors, self.as_own_type(x), condition)
        total = 0.0
        for bijector in self.bijectors:
            x, log_det = bijector.forward_and_log_det(x, condition, training)
            total += log_det
        return x, total

    def inverse_and_log_det(
        self, z: Tensor, condition: Tensor | None = None, training: bool = False
    ) -> tuple[Tensor, Tensor]:
        total = 0.0
        for bijector in reversed(self.bijectors):
            z, log_det = bijector.inverse_and_log_det(z, condition, training)
            total += log_det
        return z, total

    def initialize(self, x: Tensor, condition: Tensor, moments: Callable) -> Tensor:
        for bijector in self.bijectors:
            x = bijector.initialize(x, condition, moments)
        return x

    def compute_output_shape(self, input_shape: Any) -> Any:
        for bijector in self.bijectors:
            input_shape = bijector.compute_output_shape(input_shape)
        return tuple(input_shape)

    def compute_input_shape(self, output_shape: Any) -> Any:
        for bijector in reversed(self.bijectors):
            output_shape = bijector.compute_input_shape(output_shape)
        return tuple(output_shape)

    @property
    def keeps_values(self) -> bool:  # type: ignore[override]
        return all(bijector.keeps_values for bijector in self.bijectors)

    def check(self, x: Tensor, name: str = "x") -> None:
        for bijector in self.bijectors:
            bijector.check(x, name)
            if not bijector.keeps_values:
                break

    def get_config(self) -> dict[str, Any]:
        bijectors = [keras.saving.serialize_keras_object(bijector) for bijector in self.bijectors]
        return {**super().get_config(), "bijectors": bijectors, "recompute": self.recompute}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        bijectors = [keras.saving.deserialize_keras_object(bijector) for bijector in config["bijectors"]]
        return cls(**{**config, "bijectors": bijectors})


@keras.saving.register_keras_serializable(package="keras_dl")
class Inverse(Bijector):
    """The inverse of a bijector: its `forward` is the other's `inverse`.

    Args:
        bijector: A bijector with an inverse.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Example: an inverse autoregressive flow, whose draws take one pass.

    >>> from keras_dl.bijectors import Autoregressive, Inverse
    >>> flow = Inverse(Autoregressive(hidden=(16,)))
    >>> flow.build((None, 3))
    >>> flow.inverse_and_log_det(keras.ops.ones([2, 3]))[0].shape
    TensorShape([2, 3])
    """

    def __init__(self, bijector: Bijector, **kwargs):
        super().__init__(**kwargs)
        self.bijector = check_bijector(bijector, "bijector")

    @property
    def has_inverse(self) -> bool:  # type: ignore[override]
        return True

    @property
    def recovers_inputs(self) -> bool:  # type: ignore[override]
        return self.bijector.recovers_inputs

    @property
    def keeps_values(self) -> bool:  # type: ignore[override]
        return self.bijector.keeps_values

    def build(self, input_shape: Any, condition_shape: Any = None) -> None:
        build(self.bijector, self.bijector.compute_input_shape(tuple(input_shape)), condition_shape)
        self.built = True

    def forward_and_log_det(
        self, x: Tensor, condition: Tensor | None = None, training: bool = False
    ) -> tuple[Tensor, Tensor]:
        return self.bijector.inverse_and_log_det(x, condition, training)

    def inverse_and_log_det(
        self, z: Tensor, condition: Tensor | None = None, training: bool = False
    ) -> tuple[Tensor, Tensor]:
        return self.bijector.forward_and_log_det(z, condition, training)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self.bijector.compute_input_shape(input_shape)

    def compute_input_shape(self, output_shape: Any) -> Any:
        return self.bijector.compute_output_shape(output_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "bijector": keras.saving.serialize_keras_object(self.bijector)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(**{**config, "bijector": keras.saving.deserialize_keras_object(config["bijector"])})
