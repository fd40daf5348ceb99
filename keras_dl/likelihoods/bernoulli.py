"""Bernoulli likelihood: binary data, or intensities in [0, 1] scored by their cross-entropy."""

from typing import Any

import keras
import tensorflow as tf

from keras_dl.likelihoods.base import Likelihood, real_array
from keras_dl.types import Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class Bernoulli(Likelihood):
    r"""Independent Bernoulli values, given by their logits.

    $$\log p(x) = \sum_d x_d \log \sigma(l_d) + (1 - x_d) \log(1 - \sigma(l_d))$$

    (Kingma & Welling, "Auto-Encoding Variational Bayes", 2014, appendix C.1.) Values between 0 and 1 are allowed and
    give the cross-entropy; that is then a training objective, no longer the log-probability of a normalised density.

    Args:
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Example:

    >>> likelihood = Bernoulli()
    >>> logits = [[0.0, 0.0, 0.0]]
    >>> log_prob = likelihood(logits).log_prob([[0.0, 1.0, 1.0]])
    >>> [round(float(v), 4) for v in log_prob]            # three fair coins: 3 log(1/2)
    [-2.0794]
    """

    parameters_per_value = 1
    reads = "logits"
    discrete = True
    of_ranges = True

    def values(self, parameters: Tensor) -> Any:
        from keras_dl.likelihoods import distributions

        return distributions.Bernoulli(logits=parameters, dtype=tf.float32)

    def check(self, x: Tensor, name: str = "x") -> None:
        """Checks that the data lie in [0, 1] (`Likelihood.check`)."""
        real_array(x, name, low=0.0, high=1.0)
