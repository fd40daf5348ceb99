"""Contract of a likelihood."""

import json
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from keras_dl import likelihoods
from keras_dl.testing.refusals import refuses
from keras_dl.types import Nest, Tensor


@keras.saving.register_keras_serializable(package="keras_dl_tests")
class LikelihoodHolder(keras.Model):
    """The smallest model that holds a likelihood: log p(x) of given parameters."""

    def __init__(self, likelihood: Any, **kwargs):
        super().__init__(**kwargs)
        self.likelihood = likelihood
        self.built = True

    def call(self, inputs: Nest) -> Any:
        return self.likelihood(inputs["parameters"]).log_prob(inputs["x"])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "likelihood": keras.saving.serialize_keras_object(self.likelihood)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(**{**config, "likelihood": likelihoods.get(config["likelihood"])})


def check_likelihood(likelihood: Any, x: Tensor, parameters: Tensor) -> None:
    """Checks shapes, configuration, XLA, half precision, extremes, draws and bad input of a likelihood.

    Whether it is saved with a model is seen by a `LikelihoodHolder`, saved and loaded.

    Args:
        likelihood: A `keras_dl.likelihoods.Likelihood`.
        x: Float32 array of data, `(batch, ..., channels)`, of at least two rows.
        parameters: Float32 array `(batch, ..., num_parameters(channels))` of values of order 1.
    """
    assert parameters.shape == (*x.shape[:-1], likelihood.num_parameters(x.shape[-1]))
    _check_shapes(likelihood, x, parameters)
    _check_configuration(likelihood, x, parameters)
    _check_compiled(likelihood, x, parameters)
    _check_precision(likelihood, x, parameters)
    _check_extremes(likelihood, x, parameters)
    _check_draws(likelihood, x, parameters)
    _check_bad_input(likelihood, x, parameters)


def _check_shapes(likelihood, x, parameters):
    """One value a sample, the sum over its values; further axes of draws in front; static shapes."""
    distribution = likelihood(parameters)
    log_prob = distribution.log_prob(x).numpy()
    assert log_prob.dtype == np.float32
    assert distribution.batch_shape == x.shape[:1]
    assert distribution.event_shape == x.shape[1:]
    values = likelihood.values(tf.constant(parameters)).log_prob(x).numpy()
    np.testing.assert_allclose(log_prob, values.reshape(len(x), -1).sum(1), rtol=1e-5)
    draws = np.stack([parameters, 0.5 * parameters])
    log_probs = likelihood(draws, event_rank=x.ndim - 1).log_prob(x).numpy()
    np.testing.assert_allclose(log_probs, [log_prob, likelihood(draws[1]).log_prob(x)], rtol=1e-5)
    for statistic in (likelihood.mean(parameters), likelihood.mode(parameters), likelihood.mean(draws)[1]):
        assert statistic.shape == x.shape
        assert np.isfinite(statistic).all()


def _check_configuration(likelihood, x, parameters):
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(likelihood)))
    copy = likelihoods.get(config)
    assert type(copy) is type(likelihood)
    assert copy.get_config() == likelihood.get_config()
    copy.set_weights(likelihood.get_weights())
    np.testing.assert_array_equal(copy(parameters).log_prob(x), likelihood(parameters).log_prob(x))
    assert likelihoods.get(likelihood) is likelihood


def _check_compiled(likelihood, x, parameters):
    """Plain and XLA functions of unknown batch size agree with eager mode; the event shape stays known."""
    expected = likelihood(parameters).log_prob(x).numpy()

    def log_prob(parameters, x):
        assert likelihood(parameters).event_shape == x.shape[1:]
        return likelihood(parameters).log_prob(x)

    signature = [tf.TensorSpec((None, *array.shape[1:])) for array in (parameters, x)]
    for jit_compile in (False, True):
        compiled = tf.function(log_prob, input_signature=signature, jit_compile=jit_compile)
        np.testing.assert_allclose(compiled(parameters, x), expected, rtol=2e-5)
        np.testing.assert_allclose(compiled(parameters[:1], x[:1]), expected[:1], rtol=2e-5)


def _check_precision(likelihood, x, parameters):
    """Half-precision parameters and data of any number type are lifted to float32 before anything else."""
    for dtype in (tf.float16, tf.bfloat16, tf.float64):
        rounded = tf.cast(parameters, dtype)
        log_prob = likelihood(rounded).log_prob(x)
        assert log_prob.dtype == tf.float32
        np.testing.assert_array_equal(log_prob, likelihood(tf.cast(rounded, tf.float32)).log_prob(x))
    whole = np.abs(np.rint(x))
    expected = likelihood(parameters).log_prob(whole)
    for dtype in (tf.uint8, tf.int32, tf.int64, tf.float16, tf.float64):
        np.testing.assert_allclose(likelihood(parameters).log_prob(tf.cast(whole, dtype)), expected, rtol=1e-6)
    keras.config.set_dtype_policy("mixed_float16")
    copy = type(likelihood)(**{k: v for k, v in likelihood.get_config().items() if k not in ("dtype", "name")})
    copy.set_weights(likelihood.get_weights())
    assert {weight.dtype for weight in copy.weights} <= {"float32"}
    log_prob = LikelihoodHolder(copy)({"parameters": parameters, "x": x})
    keras.config.set_dtype_policy("float32")
    np.testing.assert_allclose(log_prob, likelihood(parameters).log_prob(x), rtol=2e-3)


def _check_extremes(likelihood, x, parameters):
    """Finite values and gradients where a network runs wild."""
    signs = np.where(np.arange(parameters.size).reshape(parameters.shape) % 3, 1.0, -1.0).astype("float32")
    for jit_compile in (False, True):
        gradient = tf.function(lambda p: _log_prob_and_gradient(likelihood, p, x), jit_compile=jit_compile)
        for extreme in (0.0, 1e4, -1e4, 60.0, 1e-30):
            for name, result in zip(("log_prob", "gradient"), gradient(tf.constant(extreme * signs)), strict=True):
                result, size = np.asarray(result), f"parameters of ±{abs(extreme):g}, jit_compile={jit_compile}"
                expected = f"the {name} should be finite for {size}: clip them, as `split_loc_and_scale` does"
                assert np.isfinite(result).all(), f"{expected}. Received: {result[~np.isfinite(result)][:4]}"


def _log_prob_and_gradient(likelihood, parameters, x):
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        log_prob = likelihood(parameters).log_prob(x)
    return log_prob, tape.gradient(log_prob, parameters)


def _check_draws(likelihood, x, parameters):
    draws = likelihood(parameters).sample(3, seed=[0, 1]).numpy()
    assert draws.shape == (3, *x.shape)
    likelihood.check(draws)
    np.testing.assert_array_equal(draws, likelihood(parameters).sample(3, seed=[0, 1]))
    assert not np.array_equal(draws, likelihood(parameters).sample(3, seed=[0, 2]))
    assert not np.array_equal(draws[0], draws[1])


def _check_bad_input(likelihood, x, parameters):
    likelihood.check(x)
    likelihood.check(x.astype("float64"))
    for bad in (np.where(np.arange(x.size).reshape(x.shape) == 1, np.nan, x), x[:0], x + np.inf):
        with refuses(ValueError, "`images`.*Received: "):
            likelihood.check(bad, name="images")
    for bad in (x.astype(str), x.astype(complex)):
        with refuses(TypeError, "`x` should hold real numbers.*Received: "):
            likelihood.check(bad)
    size = likelihood.num_parameters(1) if not likelihood.joint_channels else parameters.shape[-1]
    for wrong in (parameters[0, ..., 0].ravel()[0], parameters.ravel()[:size]):
        with refuses(ValueError, "`parameters`.*Received: "):
            likelihood(wrong)
    with refuses(ValueError, "event_rank.*Received: "):
        likelihood(parameters, event_rank=x.ndim + 1)
    if size > 1:
        with refuses(ValueError, "The last axis of `parameters` should .*Received: "):
            likelihood(parameters[..., 1:])
