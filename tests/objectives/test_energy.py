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


@pytest.mark.parametrize(("scale", "ratio"), [(0.3, 1), (1.5, 1), (1.5, 5)])
@pytest.mark.parametrize("k", [0.5, 3.0])
def test_conditional_noise_contrast(scale, ratio, k):
    mass = stats.norm.pdf(LINE) * CELL
    x, y = VARIANCE**0.5 * LINE[:, None], VARIANCE**0.5 * LINE[:, None] + scale * LINE

    def expected(k):
        return mass @ (2 * np.logaddexp(0, 0.5 * k * (x**2 - y**2))) @ mass

    value, by_k = value_and_slopes(objectives.ConditionalNoiseContrastive(scale, ratio), k)
    assert value == pytest.approx(expected(k), rel=0.03)
    assert by_k == pytest.approx(slope(expected, k), abs=0.02)


def test_more_noise_makes_conditional_noise_contrast_steadier():
    """Of the same data, the mean over many samples of noise is nearer to its expectation than one."""
    x = tf.zeros([4000, 1])

    def spread(ratio):
        loss = objectives.ConditionalNoiseContrastive(1.0, ratio)
        return float(tf.math.reduce_std(loss(lambda x: tf.reduce_sum(x**2, -1), x, draw_of(4000))[0]))

    assert spread(16) == pytest.approx(spread(1) / 4, rel=0.1)


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


def last_step(k, loc, start, step, scale, noise):
    """The end of a chain whose energy is k (x - loc)^2 / 2, and the derivatives of its last step by k and loc."""
    return start - step * k * (start - loc) + scale * noise, -step * (start - loc), step * k


def test_the_gradient_of_the_last_step_alone():
    """The energy of ends with frozen weights, and the log distance to the nearest other, by the chain rule."""
    k, loc, step, others = 1.5, 0.4, 0.1, np.float32([[-1.0], [0.7], [2.0]])
    rng = np.random.default_rng(0)
    start, noise = (rng.standard_normal(6).astype("float32") for _ in range(2))
    model = quadratic(k, loc)
    layer = model.network.layers[-1]
    end, by_k, by_loc = last_step(k, loc, start, step, 0.2, noise)
    own = np.zeros((6, 3), bool)
    own[0, np.abs(end[0] - others[:, 0]).argmin()] = True
    objective = objectives.ImprovedContrastiveDivergence(10, kl_weight=0.8, entropy_weight=0.3, neighbours=3)
    sampler = samplers.Langevin.of_noise(1, step, 0.2)
    draws = samplers.Noise(lambda index, x: tf.constant(noise[:, None]), None)
    energy = model.energy_of(model.network)
    with tf.GradientTape(persistent=True) as tape:
        ends = sampler.differentiable(energy, tf.constant(start[:, None]), draws, 1)
        values, terms = objective.of_chains(energy, ends, tf.constant(others), tf.constant(own))
        total = tf.reduce_sum(values)
    distances = np.where(own, np.inf, np.abs(end[:, None] - others[:, 0]))
    nearest = others[distances.argmin(1), 0]
    np.testing.assert_allclose(terms["log_distance"], np.log(np.abs(end - nearest)), atol=1e-4)
    expected = 0.8 * 0.5 * k * (end - loc) ** 2 - 0.3 * np.log(np.abs(end - nearest))
    np.testing.assert_allclose(values, expected, atol=1e-4)
    pull = 0.8 * k * (end - loc) - 0.3 / (end - nearest)
    assert float(tape.gradient(total, layer.k.value)) == pytest.approx((pull * by_k).sum(), rel=1e-4)
    assert float(tape.gradient(total, layer.m.value)) == pytest.approx((pull * by_loc).sum(), rel=1e-4)


@pytest.mark.parametrize("last_steps", [1, 3, 5])
def test_gradients_flow_through_as_many_steps_as_asked_for(last_steps):
    """Of a chain without noise, x <- (1 - a k) x, the derivative of the last n steps by k is a closed form."""
    k, step, steps = 1.5, 0.1, 5
    model, start = quadratic(k), np.float32([[2.0], [-1.0]])
    sampler, silent = samplers.Langevin(steps, step, 0.0), samplers.Noise(lambda index, x: tf.zeros_like(x), None)
    energy = model.energy_of(model.network)
    with tf.GradientTape() as tape:
        ends = sampler.differentiable(energy, tf.constant(start), silent, last_steps)
        total = tf.reduce_sum(ends)
    np.testing.assert_allclose(ends, sampler(energy, tf.constant(start), silent).x, rtol=1e-6)
    expected = -last_steps * step * (1 - step * k) ** (steps - 1) * start.sum()
    assert float(tape.gradient(total, model.network.layers[-1].k.value)) == pytest.approx(expected, rel=1e-4)
