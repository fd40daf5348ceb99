"""Values and slopes of energy objectives beside quadrature and closed forms on Gaussians."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from keras_dl import objectives, samplers
from tests.models.energy_builders import draw_of, quadratic

VARIANCE, ROWS = 0.8, 30_000
X = (np.random.default_rng(3).standard_normal((ROWS, 1)) * VARIANCE**0.5).astype("float32")
LINE = np.linspace(-9, 9, 1201)
CELL = LINE[1] - LINE[0]


def value_and_slopes(objective, k, log_z=0.0, sampler=None):
    """The mean loss of the energy k x^2 / 2, its slope by k and, if it learns one, by log Z."""
    model = quadratic(k, objective=objective, sampler=sampler)
    weights = [model.network.layers[-1].k]
    if objective.normalizes:
        model.normalizer.log_z.assign(log_z)
        weights.append(model.normalizer.log_z)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(model.losses(tf.constant(X), draw_of(ROWS))[0])
    return [float(loss), *map(float, tape.gradient(loss, [weight.value for weight in weights]))]


def slope(function, at, h=1e-4):
    return (function(at + h) - function(at - h)) / (2 * h)


@pytest.mark.parametrize("ratio", [1, 5])
@pytest.mark.parametrize("k", [0.7, 2.5])
def test_noise_contrast(ratio, k):
    data, noise = (stats.norm(0, scale).pdf(LINE) for scale in (VARIANCE**0.5, 1.0))

    def expected(k, log_z):
        logit = -0.5 * k * LINE**2 - log_z - np.log(ratio * noise)
        return (data * np.logaddexp(0, -logit) + ratio * noise * np.logaddexp(0, logit)).sum() * CELL

    value, by_k, by_log_z = value_and_slopes(objectives.NoiseContrastive(ratio), k, 0.4)
    assert value == pytest.approx(expected(k, 0.4), abs=0.02)
    assert by_k == pytest.approx(slope(lambda k: expected(k, 0.4), k), abs=0.01)
    assert by_log_z == pytest.approx(slope(lambda z: expected(k, z), 0.4), abs=0.01)


@pytest.mark.parametrize("scale", [0.3, 1.5])
@pytest.mark.parametrize("k", [0.5, 3.0])
def test_conditional_noise_contrast(scale, k):
    mass = stats.norm.pdf(LINE) * CELL
    x, y = VARIANCE**0.5 * LINE[:, None], VARIANCE**0.5 * LINE[:, None] + scale * LINE

    def expected(k):
        return mass @ (2 * np.logaddexp(0, 0.5 * k * (x**2 - y**2))) @ mass

    value, by_k = value_and_slopes(objectives.ConditionalNoiseContrastive(scale), k)
    assert value == pytest.approx(expected(k), rel=0.03)
    assert by_k == pytest.approx(slope(expected, k), abs=0.02)


@pytest.mark.parametrize("temperature", [1.0, 0.25])
def test_contrastive_divergence_at_a_temperature(temperature):
    """Of chains whose variance is known at each step, with the energies' squares: E[E^2] = 3 k^2 v^2 / 4."""
    k, step, penalty, variance = 2.0, 0.05, 0.3, VARIANCE
    for _ in range(4):
        variance = (1 - step * k) ** 2 * variance + 2 * step * temperature
    sampler = samplers.Langevin(4, step, temperature)
    value, by_k = value_and_slopes(objectives.ContrastiveDivergence(penalty), k, sampler=sampler)
    squares = VARIANCE**2 + variance**2
    assert value == pytest.approx(0.5 * k * (VARIANCE - variance) + penalty * 0.75 * k**2 * squares, abs=0.06)
    assert by_k == pytest.approx(0.5 * (VARIANCE - variance) + penalty * 1.5 * k * squares, abs=0.06)


@pytest.mark.parametrize("scale", [0.5, 1.0])
def test_denoising(scale):
    k = 2.0
    value, by_k = value_and_slopes(objectives.DenoisingScoreMatching(scale), k)
    total = VARIANCE + scale**2
    assert value == pytest.approx(0.5 * (scale**2 * k**2 * total - 2 * scale**2 * k + 1), rel=0.05)
    assert by_k == pytest.approx(scale**2 * (k * total - 1), rel=0.05)
