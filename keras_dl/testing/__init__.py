"""Contracts: what every layer, loss, likelihood, network and model must do, for this package's tests and for yours.

Each is a function that raises an `AssertionError` if a part breaks the contract of its kind. They need no pytest; with
it, `pytest.register_assert_rewrite("keras_dl.testing")` in a `conftest.py` makes messages show the values compared.

>>> from keras_dl.testing import check_layer
>>> check_layer(lambda **options: keras_dl.layers.SqueezeExcite(2, **options), input_shape=(2, 3, 3, 4))
"""

from keras_dl.testing.bijector import check_bijector
from keras_dl.testing.layer import check_layer, random_inputs, randomize
from keras_dl.testing.likelihood import LikelihoodHolder, check_likelihood
from keras_dl.testing.loss import check_loss
from keras_dl.testing.model import check_model
from keras_dl.testing.network import check_network

__all__ = [
    "LikelihoodHolder",
    "check_bijector",
    "check_layer",
    "check_likelihood",
    "check_loss",
    "check_model",
    "check_network",
    "random_inputs",
    "randomize",
]
