"""SIREN's layer and its initialisation; SELU, the other activation with a promise."""

import keras
import numpy as np
import pytest

from keras_dl import activations, layers


def test_formula():
    layer, x = layers.SineDense(5, omega_0=7.0), np.random.default_rng(0).standard_normal((4, 3)).astype("float32")
    y = layer(x)
    kernel, bias = (weight.numpy() for weight in layer.weights)
    np.testing.assert_allclose(y, np.sin(7.0 * (x @ kernel + bias)), atol=1e-5)


@pytest.mark.parametrize(("is_first", "bound"), [(True, 1 / 400), (False, np.sqrt(6 / 400) / 30)])
def test_initial_distribution(is_first, bound):
    """Uniform between the paper's bounds: range, variance and a flat histogram."""
    keras.utils.set_random_seed(0)
    layer = layers.SineDense(500, is_first=is_first)
    layer.build((None, 400))
    kernel = layer.kernel.numpy().ravel()
    assert np.abs(kernel).max() <= bound and np.abs(kernel).max() > 0.999 * bound
    counts, _ = np.histogram(kernel, bins=20, range=(-bound, bound))
    np.testing.assert_allclose(counts, kernel.size / 20, rtol=0.05)
    assert np.abs(layer.bias.numpy()).max() <= 1 / np.sqrt(400)


def test_activations_keep_their_distribution_through_many_layers():
    """Section 3.2: pre-activations stay standard normal, so outputs stay arcsine distributed, of variance 1/2."""
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).uniform(-1, 1, (2000, 2)).astype("float32")
    x = layers.SineDense(256, is_first=True)(x)
    for _ in range(10):
        layer = layers.SineDense(256)
        y = layer(x)
        before = 30.0 * (np.asarray(x) @ layer.kernel.numpy())
        assert abs(before.std() - 1) < 0.1
        assert abs(np.asarray(y).std() - np.sqrt(0.5)) < 0.07
        x = y


def test_selu_keeps_mean_and_variance_through_fifty_layers():
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).standard_normal((512, 512)).astype("float32")
    for _ in range(50):
        x = keras.layers.Dense(512, activations.selu, use_bias=False, kernel_initializer="lecun_normal")(x)
    x = np.asarray(x)
    assert abs(x.mean()) < 0.1
    assert abs(x.var() - 1) < 0.1


@pytest.mark.parametrize("arguments", [{"units": 0}, {"units": 2.5}, {"units": 3, "omega_0": 0.0}])
def test_bad_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match="Received: "):
        layers.SineDense(**arguments)


@pytest.mark.parametrize(("is_first", "bound"), [(True, 1 / 48), (False, np.sqrt(6 / 48) / 5.0)])
def test_weights_are_uniform_between_their_bounds(is_first, bound):
    weights = np.asarray(layers.SineInitializer(5.0, is_first, seed=0)((4, 12, 500)))
    assert np.abs(weights).max() <= bound < 1.01 * np.abs(weights).max()
    np.testing.assert_allclose(weights.std(), bound / np.sqrt(3), rtol=0.02)
