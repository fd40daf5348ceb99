"""Divergences beside closed forms and numerical integrals; standard errors beside the spread they promise."""

import math

import numpy as np
import pytest
import tensorflow_probability as tfp
from scipy import integrate, stats

from keras_dl import metrics
from keras_dl.metrics.divergences import GENERATORS

tfd = tfp.distributions


def numerical(name, p, q):
    """Integral of q f(p / q) over the line, for scipy's normals."""
    f = GENERATORS[name]
    return integrate.quad(lambda x: q.pdf(x) * f(np.exp(p.logpdf(x) - q.logpdf(x))), -12, 12, points=[0, 1], limit=200)[
        0
    ]


def test_closed_form_of_kl():
    """Normals: log(s2 / s1) + (s1^2 + (m1 - m2)^2) / (2 s2^2) - 1 / 2."""
    estimate = metrics.kl_divergence(tfd.Normal([0.0, 1.0], 1.0), tfd.Normal(0.5, 2.0))
    expected = math.log(2) + (1 + np.array([0.5, 0.5]) ** 2) / 8 - 0.5
    np.testing.assert_allclose(estimate.value, expected, rtol=1e-6)
    np.testing.assert_array_equal(estimate.standard_error, [0.0, 0.0])


def test_monte_carlo_kl_agrees_with_the_closed_form():
    p, q = tfd.MultivariateNormalDiag([0.0, 1.0]), tfd.MultivariateNormalDiag([0.5, 0.5], [1.5, 0.8])
    exact = metrics.kl_divergence(p, q)
    estimate = metrics.kl_divergence(p, q, num_samples=20_000, seed=0)
    assert 0 < estimate.standard_error < 0.01
    assert abs(estimate.value - exact.value) < 4 * estimate.standard_error


def test_kl_without_a_closed_form_is_sampled():
    mixture = tfd.MixtureSameFamily(tfd.Categorical(probs=[0.5, 0.5]), tfd.Normal([-1.0, 1.0], 0.5))
    estimate = metrics.kl_divergence(mixture, tfd.Normal(0.0, 1.0), seed=0)

    def density(x):
        return 0.5 * (stats.norm.pdf(x, -1, 0.5) + stats.norm.pdf(x, 1, 0.5))

    exact = integrate.quad(lambda x: density(x) * (np.log(density(x)) - stats.norm.logpdf(x)), -8, 8)[0]
    assert estimate.standard_error > 0
    assert abs(estimate.value - exact) < 4 * estimate.standard_error


@pytest.mark.parametrize("name", GENERATORS)
def test_f_divergences_agree_with_integrals(name):
    p, q = stats.norm(0.0, 1.0), stats.norm(1.0, 1.3)
    estimate = metrics.f_divergence(name, tfd.Normal(0.0, 1.0), tfd.Normal(1.0, 1.3), num_samples=50_000, seed=1)
    assert estimate.standard_error < 0.02
    assert abs(estimate.value - numerical(name, p, q)) < 4 * estimate.standard_error


def test_known_values():
    """Total variation of unit normals: erf(d / (2 sqrt 2)); their squared Hellinger distance: 1 - exp(-d^2 / 8)."""
    p, q = tfd.Normal(0.0, 1.0), tfd.Normal([1.0, 2.0], 1.0)
    for name, expected in (
        ("total_variation", [math.erf(d / math.sqrt(8)) for d in (1, 2)]),
        ("squared_hellinger", [1 - math.exp(-(d**2) / 8) for d in (1, 2)]),
    ):
        estimate = metrics.f_divergence(name, p, q, seed=0)
        assert estimate.value.shape == (2,)
        assert np.all(np.abs(estimate.value - expected) < 4 * estimate.standard_error)


def test_standard_errors_are_the_spread_of_repeated_estimates():
    p, q = tfd.Normal(0.0, 1.0), tfd.Normal(1.0, 1.0)
    estimates = [metrics.jensen_shannon_divergence(p, q, num_samples=500, seed=s) for s in range(100)]
    spread = np.std([e.value for e in estimates], ddof=1)
    assert 0.8 < spread / np.mean([e.standard_error for e in estimates]) < 1.25


def test_jensen_shannon_lies_between_zero_and_log_two():
    same = metrics.jensen_shannon_divergence(tfd.Normal(0.0, 1.0), tfd.Normal(0.0, 1.0), seed=0)
    apart = metrics.jensen_shannon_divergence(tfd.Uniform(0.0, 1.0), tfd.Uniform(2.0, 3.0), seed=0)
    assert same.value == 0
    np.testing.assert_allclose(apart.value, math.log(2), rtol=1e-6)


@pytest.mark.parametrize("distribution", [tfd.Categorical, tfd.OneHotCategorical])
def test_finite_distributions_are_summed(distribution):
    p, q = np.array([0.2, 0.5, 0.3]), np.array([0.1, 0.1, 0.8])
    m = (p + q) / 2
    estimate = metrics.jensen_shannon_divergence(distribution(probs=p), distribution(probs=q))
    expected = 0.5 * (p * np.log(p / m)).sum() + 0.5 * (q * np.log(q / m)).sum()
    np.testing.assert_allclose(estimate.value, expected, rtol=1e-6)
    assert estimate.standard_error == 0


def test_finite_distributions_with_impossible_values():
    p, q = tfd.Bernoulli(probs=[0.0, 0.0]), tfd.Bernoulli(probs=[0.0, 0.5])
    estimate = metrics.f_divergence("total_variation", p, q)
    np.testing.assert_allclose(estimate.value, [0.0, 0.5], atol=1e-9)


def test_a_function_of_ones_own():
    """|t - 1|^3 has no name."""
    p, q = stats.norm(0.0, 1.0), stats.norm(0.3, 1.1)
    estimate = metrics.f_divergence(
        lambda t: np.abs(t - 1) ** 3, tfd.Normal(0.0, 1.0), tfd.Normal(0.3, 1.1), num_samples=50_000, seed=0
    )
    exact = integrate.quad(lambda x: q.pdf(x) * np.abs(p.pdf(x) / q.pdf(x) - 1) ** 3, -8, 8, limit=200)[0]
    assert abs(estimate.value - exact) < 4 * estimate.standard_error


@pytest.mark.parametrize(
    "call",
    [
        lambda p: metrics.f_divergence("hellinger", p, p),
        lambda p: metrics.f_divergence(lambda t: t, p, p),
        lambda p: metrics.kl_divergence(p, tfd.MultivariateNormalDiag([0.0, 0.0])),
        lambda p: metrics.kl_divergence(p, p, num_samples=1),
    ],
)
def test_bad_arguments_are_refused(call):
    with pytest.raises(ValueError, match="Received: "):
        call(tfd.Normal(0.0, 1.0))
