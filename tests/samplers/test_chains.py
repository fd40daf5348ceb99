"""Chains of an energy: stationary moments, Langevin's known bias, detailed balance, ranges, normalisers."""

import math

import numpy as np
import pytest
import tensorflow as tf

from keras_dl import samplers
from keras_dl.samplers import HMC, MALA, AnnealedLangevin, Langevin, Noise, annealed_importance, chains

DEVIATIONS = np.array([0.5, 2.0], "float32")


def noise(stream=0):
    def normal(index, x):
        return tf.random.stateless_normal(tf.shape(x), tf.stack([index, 2 * stream]))

    def uniform(index, x):
        return tf.random.stateless_uniform(tf.shape(x)[:1], tf.stack([index, 2 * stream + 1]), minval=1e-12)

    return Noise(normal, uniform)


def gaussian(x):
    """Energy of a normal of deviations 0.5 and 2 around 1."""
    return 0.5 * tf.reduce_sum(tf.square((x - 1.0) / DEVIATIONS), -1)


def run(sampler, energy=gaussian, rows=3000, **options):
    x = tf.zeros([rows, 2]) if options.get("x") is None else options.pop("x")
    return tf.function(lambda x: sampler(energy, x, noise(), **options), autograph=False)(x)


@pytest.mark.parametrize("temperature", [1.0, 0.25])
def test_langevin_has_its_known_bias(temperature):
    """For a normal of precision k the variance is (T / k) / (1 - a k / 2): an error of the order of the step."""
    for step in (0.2, 0.1):
        sampler = Langevin(60, step, temperature)
        assert sampler.noise_scale**2 / (2 * step) == pytest.approx(temperature)
        x = run(sampler).x.numpy()
        precision = 1.0 / DEVIATIONS[0] ** 2
        expected = temperature / precision / (1 - step * precision / 2)
        assert x[:, 0].var() == pytest.approx(expected, rel=0.1)
        assert x[:, 0].mean() == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("temperature", [1.0, 0.5])
@pytest.mark.parametrize("sampler", [MALA, HMC])
def test_adjusted_chains_have_exact_moments(sampler, temperature):
    options = {"leapfrogs": 5} if sampler is HMC else {}
    steps = 30 if sampler is HMC else 100
    start = 1.0 + 2.0 * tf.random.stateless_normal([2000, 2], (1, 9))
    result = run(sampler(steps, 0.3, temperature=temperature, **options), x=start)
    variances = temperature * np.square(DEVIATIONS)
    error = 4 * variances * math.sqrt(2 / 2000)
    np.testing.assert_allclose(result.x.numpy().mean(0), [1.0, 1.0], atol=0.2)
    assert (np.abs(result.x.numpy().var(0) - variances) < error + 0.02).all()
    target = {MALA: 0.574, HMC: 0.8}[sampler]
    assert float(tf.reduce_mean(result.acceptance)) == pytest.approx(target, abs=0.1)
    assert result.step_size.shape == (2000,) and float(tf.math.reduce_std(result.step_size)) > 0


def test_annealed_chains_end_at_their_temperature():
    """A normal's variance follows v <- (1 - a k)^2 v + 2 a T."""
    sampler, variance = AnnealedLangevin(60, 0.05, 0.5, 20.0), 0.0
    for index in range(60):
        temperature = 20.0 * (0.5 / 20.0) ** (index / 59)
        variance = (1 - 0.05 / 0.25) ** 2 * variance + 2 * 0.05 * temperature
    assert run(sampler, rows=4000).x.numpy()[:, 0].var() == pytest.approx(variance, rel=0.1)
    jumps = [run(s, lambda x: 8 * tf.square(tf.square(x[:, 0]) - 1), x=tf.ones([500, 2])).x.numpy()[:, 0]
             for s in (Langevin(100, 0.005, 0.5), AnnealedLangevin(100, 0.005, 0.5, 30.0))]  # fmt: skip
    assert (jumps[0] < 0).mean() < 0.02 < 0.3 < (jumps[1] < 0).mean()


@pytest.mark.parametrize("sampler", [MALA(1, 0.4, adapt=0.0), HMC(1, 0.4, 3, adapt=0.0)])
def test_detailed_balance(sampler):
    """From the stationary density, as many chains go from one cell to another as back."""
    x = tf.random.stateless_normal([100_000, 1], (3, 1))

    def energy(x):
        return 0.5 * tf.square(x[:, 0])

    result = tf.function(lambda x: sampler(energy, x, noise(5)), autograph=False)(x)
    edges = np.array([-9.0, -1.0, 0.0, 1.0, 9.0])
    start, end = (np.digitize(v.numpy()[:, 0], edges) - 1 for v in (x, result.x))
    flow = np.zeros((4, 4))
    np.add.at(flow, (start, end), 1)
    difference, size = np.abs(flow - flow.T), np.sqrt(flow + flow.T + 1)
    assert (difference < 4.5 * size).all(), flow
    assert (flow > 0).all() or sampler.step_size < 1
    assert 0.5 < float(tf.reduce_mean(result.acceptance)) < 1.0


def test_a_step_too_far_is_refused_and_not_nan():
    def wall(x):
        return tf.where(x[:, 0] > 0.5, math.nan, 0.5 * tf.square(x[:, 0]))

    for sampler in (MALA(10, 0.5), HMC(10, 0.5, 3)):
        x = run(sampler, wall, 200).x.numpy()
        assert np.isfinite(x).all() and x[:, 0].max() <= 0.5


@pytest.mark.parametrize("sampler", [Langevin(80, 0.01), MALA(80, 0.1), HMC(15, 0.2, 5)])
def test_a_range_is_kept_and_its_density_is_right(sampler):
    """An exponential cut off at 0 and 1; reflection and refusal keep its mean."""
    start = tf.random.stateless_uniform([3000, 2], (0, 2))
    x = run(sampler, lambda x: 3.0 * x[:, 0], x=start, value_range=(0.0, 1.0)).x.numpy()
    assert x.min() >= 0.0 and x.max() <= 1.0
    expected = 1 / 3 - np.exp(-3) / (1 - np.exp(-3))
    assert x[:, 0].mean() == pytest.approx(expected, abs=0.03)
    assert x[:, 1].mean() == pytest.approx(0.5, abs=0.02)
    clipped = run(Langevin(20, 0.05, boundary="clip"), x=start, value_range=(0.0, 1.0)).x.numpy()
    assert (clipped == 1.0).any() and clipped.max() <= 1.0


def test_slopes_are_cut():
    sampler = Langevin(1, 0.1, 0.0, max_gradient=0.5)
    np.testing.assert_allclose(run(sampler, rows=1).x, [[0.05, 0.025]], rtol=1e-5)


def test_normalisers_from_below_and_above():
    """Log Z of a normal of other deviations, and of a mixture, with the error that the estimate says."""
    start, base = (lambda x: 0.5 * tf.reduce_sum(tf.square(x), -1)), math.log(2 * math.pi)

    def mixture(x):
        return -tf.reduce_logsumexp(tf.stack([-4.0 * tf.reduce_sum(tf.square(x - m), -1) for m in (-1.0, 1.0)]), 0)

    x = tf.random.stateless_normal([500, 2], (5, 5))
    noises, truth = (noise(1), noise(2)), math.log(2 * math.pi / 4)
    below = tf.function(lambda x: annealed_importance(start, mixture, x, noises, 40, leapfrogs=3))(x)
    assert abs(float(below.value) + base - truth) < 4 * float(below.standard_error) < 0.4
    ends = 1.0 + DEVIATIONS * tf.random.stateless_normal([500, 2], (6, 5))
    options = {"ends": ends, "leapfrogs": 3}
    above = tf.function(lambda x: annealed_importance(start, gaussian, x, noises, 40, **options))(x)
    assert abs(float(above.value)) < 4 * float(above.standard_error) < 0.8


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: run(Langevin(1), lambda x: x), r"An energy should have shape \(batch, 1\) or \(batch,\)"),
        (lambda: run(MALA(1), lambda x: tf.reduce_sum(x)), r"should have shape .* Received: shape \(\)"),
        (lambda: Langevin(0), "`steps` should be a positive integer"),
        (lambda: Langevin(1, 0.0), "`step_size` should be"),
        (lambda: Langevin(1, boundary="wrap"), "`boundary` should be one of"),
        (lambda: MALA(1, temperature=0.0), "`temperature` should be"),
        (lambda: MALA(1, target=1.0), "`target` should be"),
        (lambda: HMC(1, adapt=2.0), "`adapt` should be"),
        (lambda: AnnealedLangevin(1, temperature=2.0, start_temperature=1.0), "`start_temperature` should be"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_energies_of_both_shapes():
    x = tf.ones([3, 2])
    np.testing.assert_array_equal(samplers.energies(lambda x: x[:, :1], x), samplers.energies(lambda x: x[:, 0], x))
    assert samplers.energies_and_slopes(lambda x: tf.zeros([3]), x)[1].shape == (3, 2)
    assert isinstance(HMC(1), chains.MarkovChain) and HMC.adjusted and not Langevin.adjusted
