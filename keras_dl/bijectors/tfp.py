"""TensorFlow Probability's bijectors with parameters that Keras owns."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_dl.bijectors.base import Bijector
from keras_dl.checks import refusal
from keras_dl.types import Tensor

#: Arguments of tfp's bijectors that are integers; all other numbers are of the type of the weights.
_INTEGERS = (
    "axis", "dct_type", "event_shape_in", "event_shape_out", "perm", "permutation", "rightmost_transposed_ndims"
)  # fmt: skip


@keras.saving.register_keras_serializable(package="keras_dl")
class TFP(Bijector):
    """A bijector of `tfp.bijectors` by its name; its `forward` goes from data to latents.

    TensorFlow Probability's own variables are invisible to Keras: they would be neither trained nor saved. Here the
    parameters named in `trainable_parameters` are weights of this layer, and the bijector is made anew around them at
    every call.

    Args:
        bijector: Name in `tfp.bijectors`, such as `"Softplus"`, `"Shift"` or `"ScaleMatvecTriL"`.
        parameters: Dict of its arguments: numbers, lists or arrays of them, strings or booleans.
        trainable_parameters: Names of those that are trained, from the values in `parameters` on.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Raises:
        ValueError: If there is no such bijector, or at the build, if it is none of samples of their shape.

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
        kind = getattr(tfp.bijectors, bijector, None) if isinstance(bijector, str) else None
        if not isinstance(kind, type) or not issubclass(kind, tfp.bijectors.Bijector):
            raise refusal("`bijector` should be the name of a class of tfp.bijectors", bijector=bijector)
        # A file holds lists, as which it gives arrays back, too.
        parameters = {name: _plain(value) for name, value in dict(parameters or {}).items()}
        self.bijector, self.parameters = bijector, parameters
        self.trainable_parameters = tuple(trainable_parameters)
        missing = [name for name in self.trainable_parameters if name not in parameters]
        if missing:
            raise refusal(f"`parameters` should hold the first values of {missing}", f"{sorted(parameters)}")
        for name in self.trainable_parameters:
            if name in _INTEGERS or not _is_number(parameters[name]):
                raise refusal("`trainable_parameters` should name real numbers", f"{name}={parameters[name]!r}")

    def build(self, input_shape: Any, condition_shape: Any = None) -> None:
        for name in self.trainable_parameters:
            value = np.asarray(self.parameters[name])
            weight = self.add_own_weight(name, value.shape, lambda shape, dtype, v=value: tf.cast(v, dtype))
            setattr(self, f"parameter_{name}", weight)
        self._check_shape(tuple(input_shape[1:]))
        self.built = True

    def _check_shape(self, shape):
        """Refuses what is no bijector of samples of a shape, before there are any."""
        graph = tf.function(self.forward_and_log_det, autograph=False)
        text = f"`parameters` should make {self.bijector} a bijector of samples of shape {shape}"
        try:
            z, _ = graph.get_concrete_function(tf.TensorSpec([None, *shape], self.variable_dtype)).structured_outputs
        except (TypeError, ValueError, NotImplementedError, tf.errors.OpError) as error:
            raise refusal(f"{text}: {str(error).splitlines()[0]}", parameters=self.parameters) from error
        if tuple(z.shape[1:]) != shape:
            raise refusal(f"`bijector` should keep the shape of samples, {shape}", f"{tuple(z.shape[1:])}")

    def forward_and_log_det(
        self, x: Tensor, condition: Tensor | None = None, training: bool = False
    ) -> tuple[Tensor, Tensor]:
        x, bijector = self._fresh(x), self._make()
        return bijector.forward(x), self._per_sample(bijector.forward_log_det_jacobian(x, x.shape.rank - 1), x)

    def inverse_and_log_det(
        self, z: Tensor, condition: Tensor | None = None, training: bool = False
    ) -> tuple[Tensor, Tensor]:
        z, bijector = self._fresh(z), self._make()
        return bijector.inverse(z), self._per_sample(bijector.inverse_log_det_jacobian(z, z.shape.rank - 1), z)

    def _fresh(self, x):
        """`x` as a tensor that tfp has not seen.

        Bijectors of equal parameters share what they remember of their tensors: of one that they had seen they would
        give what was computed then, through which no gradient flows, or the input of which it was the output.
        """
        return tf.identity(self.as_own_type(x))

    @staticmethod
    def _per_sample(log_det, x):
        return tf.broadcast_to(log_det, [tf.shape(x)[0]])

    def _make(self):
        import tensorflow_probability as tfp

        arguments = dict(self.parameters)
        for name, value in arguments.items():
            if _is_number(value) and name not in _INTEGERS:
                arguments[name] = tf.cast(value, self.variable_dtype)
        for name in self.trainable_parameters:
            arguments[name] = tf.convert_to_tensor(getattr(self, f"parameter_{name}"))
        return getattr(tfp.bijectors, self.bijector)(**arguments)

    def get_config(self) -> dict[str, Any]:
        own = {"bijector": self.bijector, "parameters": dict(self.parameters)}
        return {**super().get_config(), **own, "trainable_parameters": self.trainable_parameters}


def _plain(value):
    """Arrays and tensors as numbers and lists."""
    return np.asarray(value).tolist() if hasattr(value, "__array__") else value


def _is_number(value):
    """Whether an argument is a number or numbers, which are no booleans."""
    return not isinstance(value, (str, bool, type(None)))
