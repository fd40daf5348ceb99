"""Categorical likelihood: every value is one of a number of unordered classes."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.likelihoods.base import Likelihood, real_array
from keras_dl.types import Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class Categorical(Likelihood):
    r"""Independent class numbers, given by their logits.

    $$\log p(x) = \sum_d l_{d, x_d} - \log \sum_k e^{l_{d, k}}$$

    Data are integers (as any number type) of shape `(..., channels)`; the logits have shape
    `(..., channels * num_classes)`, the `num_classes` logits of a value next to one another. Draws are int32.

    Args:
        num_classes: Number of classes $K$; data are in $0 \dots K - 1$.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Raises:
        ValueError: If `num_classes` is not an integer of at least 2.

    Example:

    >>> likelihood = Categorical(num_classes=4)
    >>> log_prob = likelihood([[0.0] * 8]).log_prob([[3, 0]])
    >>> [round(float(v), 4) for v in log_prob]            # two fair four-sided dice: 2 log(1/4)
    [-2.7726]
    """

    reads = "logits"
    discrete = True

    def __init__(self, num_classes: int, **kwargs):
        super().__init__(**kwargs)
        if isinstance(num_classes, bool) or not isinstance(num_classes, (int, np.integer)) or num_classes < 2:
            raise refusal("`num_classes` should be an integer of at least 2", num_classes=num_classes)
        self.num_classes = int(num_classes)
        self.parameters_per_value = self.num_classes

    def values(self, parameters: Tensor) -> Any:
        from keras_dl.likelihoods import distributions

        size = parameters.shape[-1]
        num_values = -1 if size is None else size // self.num_classes
        shape = tf.concat([tf.shape(parameters)[:-1], [num_values, self.num_classes]], axis=0)
        return distributions.Categorical(logits=tf.reshape(parameters, shape))

    def mean(self, parameters: Tensor) -> Tensor:
        """Returns the most likely class of every value (classes have no mean): int32 of shape `(..., channels)`."""
        return self.mode(parameters)

    def check(self, x: Tensor, name: str = "x") -> None:
        """Checks that the data are integers in `[0, num_classes - 1]` (`Likelihood.check`)."""
        x = real_array(x, name, low=0, high=self.num_classes - 1)
        if x.dtype.kind not in "bui" and not np.array_equal(x, np.rint(x)):
            raise refusal(f"`{name}` should hold class numbers", "values that are no integers")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_classes": self.num_classes}
