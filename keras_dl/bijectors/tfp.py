"""TensorFlow Probability's bijectors with parameters that Keras owns."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_dl.bijectors.base import Bijector
from keras_dl.checks import refusal
from keras_dl.types import Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class TFP(Bijector):
    """A bijector of `tfp.bijectors` by its name; its `forward` goes from data to latents.

    TensorFlow Probability's own variables are invisible to Keras: they would be neither trained nor saved. Here the
    parameters named in `trainable_parameters` are weights of this layer, and the bijector is made anew around them at
    every call, so that none of its cached results is mistaken for an inverse.

    Args:
        bijector: Name in `tfp.bijectors`, such as `"Softplus"`, `"Shift"` or `"ScaleMatvecTriL"`.
        parameters: Dict of its arguments: numbers, lists, strings or booleans.
        trainable_parameters: Names of those that are trained, from the values in `parameters` on.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Example:

    >>> from keras_dl.bijectors import TFP
    >>> shift = TFP("Shift", {"shift": [1.0, 2.0]}, trainable_parameters=("shift",))
    >>> shift.build((None, 2))
    >>> shift.forward_and_log_det(tf.zeros([1, 2]))[0].numpy().tolist(), len(shift.trainable_weights)
    ([[1.0, 2.0]], 1)
    """

    recovers_inputs = False  # not all of them

    def __init__(
        self, bijector: str, parameters: dict | None = None, trainable_parameters: Sequence[str] = (), **kwargs
    ):
        import tensorflow_probability as tfp  # takes more than a second

        super().__init__(**kwargs)
        known = [name for name in dir(tfp.bijectors) if isinstance(getattr(tfp.bijectors, name), type)]
        if bijector not in known:
            raise refusal("`bijector` should be the name of a class of tfp.bijectors", bijector=bijector)
        self.bijector, self.parameters = bijector, dict(parameters or {})
        self.trainable_parameters = tuple(trainable_parameters)
        missing = [name for name in self.trainable_parameters if name not in self.parameters]
        if missing:
            raise refusal(f"`parameters` should hold the first values of {missing}", f"{sorted(parameters)}")

    def build(self, input_shape: Any, condition_shape: Any = None) -> None:
        for name in self.trainable_parameters:
            value = np.asarray(self.parameters[name])
            weight = self.add_own_weight(name, value.shape, lambda shape, dtype, v=value: tf.cast(v, dtype))
            setattr(self, f"parameter_{name}", weight)
        output = self._make().forward_event_shape(tf.TensorShape(input_shape[1:]))
        if tuple(output) != tuple(input_shape[1:]):
            raise refusal(f"`bijector` should keep the shape of samples, {tuple(input_shape[1:])}", f"{tuple(output)}")
        self.built = True

    def forward_and_log_det(
        self, x: Tensor, condition: Tensor | None = None, training: bool = False
    ) -> tuple[Tensor, Tensor]:
        x, bijector = self.as_own_type(x), self._make()
        return bijector.forward(x), self._per_sample(bijector.forward_log_det_jacobian(x, x.shape.rank - 1), x)

    def inverse_and_log_det(
        self, z: Tensor, condition: Tensor | None = None, training: bool = False
    ) -> tuple[Tensor, Tensor]:
        z, bijector = self.as_own_type(z), self._make()
        return bijector.inverse(z), self._per_sample(bijector.inverse_log_det_jacobian(z, z.shape.rank - 1), z)

    @staticmethod
    def _per_sample(log_det, x):
        return tf.broadcast_to(log_det, [tf.shape(x)[0]])

    def _make(self):
        import tensorflow_probability as tfp

        arguments = {}
        for name, value in self.parameters.items():
            number = not isinstance(value, (str, bool, type(None)))
            arguments[name] = tf.cast(value, self.variable_dtype) if number else value
        for name in self.trainable_parameters:
            arguments[name] = tf.convert_to_tensor(getattr(self, f"parameter_{name}"))
        return getattr(tfp.bijectors, self.bijector)(**arguments)

    def get_config(self) -> dict[str, Any]:
        own = {"bijector": self.bijector, "parameters": dict(self.parameters)}
        return {**super().get_config(), **own, "trainable_parameters": self.trainable_parameters}
