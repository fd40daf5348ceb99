"""Gradient and Laplacian with respect to coordinates, beside calculus and differences in float64."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import networks, objectives

X = np.random.default_rng(0).uniform(-1, 1, (7, 3)).astype("float32")


def wave(x):
    """sin(a.x): gradient cos(a.x) a, Laplacian -sin(a.x) |a|^2."""
    return tf.sin(tf.linalg.matvec(x, tf.constant([1.0, 2.0, -3.0])))


def test_a_plane_wave():
    phase = X @ [1.0, 2.0, -3.0]
    np.testing.assert_allclose(objectives.gradient(wave, X), np.outer(np.cos(phase), [1, 2, -3]), atol=1e-5)
    np.testing.assert_allclose(objectives.laplacian(wave, X), -14 * np.sin(phase), atol=1e-4)


def test_functions_without_curvature_or_slope():
    np.testing.assert_array_equal(objectives.laplacian(lambda x: 2.0 * x[:, :1], X), np.zeros(7))
    np.testing.assert_array_equal(objectives.gradient(lambda x: tf.zeros(len(x)), X), np.zeros((7, 3)))
    np.testing.assert_array_equal(objectives.laplacian(lambda x: x[:, 0] * x[:, 1], X), np.zeros(7))


def test_a_network_beside_central_differences():
    keras.utils.set_random_seed(0)
    network = networks.siren(3, hidden=(16, 16), omega_0=5.0, hidden_omega_0=2.0)
    weights = [weight.astype("float64") for weight in network.get_weights()]

    def f(x):
        x = np.sin(2.0 * (np.sin(5.0 * (x @ weights[0] + weights[1])) @ weights[2] + weights[3]))
        return (x @ weights[4] + weights[5])[:, 0]

    steps, x = 1e-4 * np.eye(3), X.astype("float64")
    slopes = np.stack([(f(x + h) - f(x - h)) / 2e-4 for h in steps], axis=-1)
    curvature = sum((f(x + h) - 2 * f(x) + f(x - h)) / 1e-8 for h in steps)
    np.testing.assert_allclose(objectives.gradient(network, X), slopes, atol=1e-4)
    np.testing.assert_allclose(objectives.laplacian(network, X), curvature, atol=1e-3 * np.abs(curvature).max())


def test_derivatives_in_a_loss_reach_the_weights():
    """A network can be fitted to a Laplacian (Poisson's equation): every weight but the last bias has a gradient."""
    network = networks.siren(3, hidden=(8, 8))
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(objectives.laplacian(network, X) - 1.0))
    gradients = tape.gradient(loss, [weight.value for weight in network.trainable_weights])
    assert all(np.isfinite(g).all() and np.abs(g).max() > 0 for g in gradients[:-1])


def test_several_values_a_point_are_refused():
    for derivative in (objectives.gradient, objectives.laplacian):
        with pytest.raises(ValueError, match=r"one value a point. Received: shape \(7, 3\)"):
            derivative(tf.sin, X)
