"""One contract for likelihoods: exact values, bounds and estimates of each family, against closed forms."""

import math

import keras
import numpy as np
import pytest
from scipy import stats

from keras_dl.likelihoods import Dequantized, LogDensity
from keras_dl.models import GAN
from tests.apps.scratch.logistic import Logistic
from tests.models.builders import images, small_vae
from tests.models.test_vae_mathematics import LATENTS, data, linear_vae, log_likelihood
from tests.tasks.odd_models import gaussian

LOC, SCALE = 0.3, 1.4


def logistic(noise=None):
    """Four pixels of 16 levels, each logistic on the logit scale."""
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(8, use_bias=False)])
    network.layers[0].set_weights([np.repeat([LOC, math.log(SCALE)], 4)[None]])
    model = Logistic(network, Dequantized((4,), 16, alpha=0.05, noise=noise), seed=1)
    model.compile("sgd")
    return model


def log_mass(levels):
    """log P(k): the mass of a logistic between a level's edges."""
    s = 0.05 + 0.9 * np.arange(17) / 16
    edges = stats.logistic.cdf(np.log(s) - np.log1p(-s), LOC, SCALE)
    return np.log(np.diff(edges))[levels].sum(1)


def test_an_exact_density_says_so():
    model, x = gaussian(), images(5, (8, 8, 1))
    density = model.log_density(x)
    assert isinstance(density, LogDensity) and density.kind == model.log_prob_kind == "exact"
    np.testing.assert_array_equal(density.values, model.log_prob(x))
    np.testing.assert_array_equal(density.standard_errors, np.zeros(5))


def test_an_exact_posterior_leaves_no_error_and_no_gap():
    x = data(20)
    for kind in ("bound", "estimate"):
        density = linear_vae().log_density(x, num_samples=3, kind=kind)
        assert density.kind == kind
        np.testing.assert_allclose(density.values, log_likelihood(x), atol=1e-4)
        np.testing.assert_allclose(density.standard_errors, np.zeros(20), atol=1e-3)


def test_errors_of_estimates_cover_the_log_likelihood():
    """Standardised errors of 400 rows are standard normal: a third lies beyond one, in mean and size."""
    x = data(400)
    density = linear_vae(scale_factor=1.2).log_density(x, num_samples=1000)
    z = (density.values - log_likelihood(x)) / density.standard_errors
    assert abs(np.mean(z)) < 0.2 and np.std(z) == pytest.approx(1.0, abs=0.12)


def test_a_bound_lies_below_by_the_divergence_of_the_posteriors():
    """KL(q || p) of normals whose scales differ by c: d (c^2 - 1 - 2 log c) / 2, the same for each row."""
    x, factor = data(400), 1.2
    density = linear_vae(scale_factor=factor).log_density(x, num_samples=500, kind="bound")
    gap = log_likelihood(x) - LATENTS * (factor**2 - 1 - 2 * math.log(factor)) / 2
    z = (density.values - gap) / density.standard_errors
    assert abs(np.mean(z)) < 0.2 and np.std(z) == pytest.approx(1.0, abs=0.12)


def test_one_draw_cannot_tell_its_error():
    density = small_vae().log_density(images(3), num_samples=1)
    assert np.isfinite(density.values).all() and np.isnan(density.standard_errors).all()
    with pytest.raises(ValueError, match="`kind` should be 'bound' or 'estimate'.*Received: kind='exact'"):
        small_vae().log_density(images(3), num_samples=1, kind="exact")


def test_values_are_those_of_log_prob_and_belong_to_the_row():
    vae, x = small_vae(), images(600)
    density = vae.log_density(x, num_samples=70, seed=3)
    np.testing.assert_array_equal(density.values, vae.log_prob(x, num_samples=70, seed=3))
    np.testing.assert_allclose(density.values[:100], vae.log_prob(x[:100], num_samples=70, seed=3), rtol=1e-6)


def test_conditional_densities_take_their_condition():
    vae, x, y = small_vae(num_classes=3), images(4), np.array([0, 1, 2, 0])
    density = vae.log_density(x, condition=y, num_samples=5)
    assert density.kind == "estimate" and density.values.shape == (4,)
    assert np.abs(density.values - vae.log_density(x, condition=(y + 1) % 3, num_samples=5).values).max() > 0


def test_integers_under_a_dequantised_density():
    levels = np.random.default_rng(0).integers(0, 16, (300, 4))
    model, expected = logistic(), log_mass(levels)
    estimate = model.log_density(levels, num_samples=400, kind="estimate")
    z = (estimate.values - expected) / estimate.standard_errors
    assert abs(np.mean(z)) < 0.25 and np.std(z) == pytest.approx(1.0, abs=0.2)
    bound = model.log_density(levels, num_samples=400)
    assert bound.kind == "bound" and np.mean(bound.values) < np.mean(expected)
    assert np.all(bound.values < expected + 4 * bound.standard_errors)
    bits = model.dequantized.bits_per_dim(estimate.values)
    np.testing.assert_allclose(bits, -expected / (4 * math.log(2)), atol=0.03)


def test_variational_noise_estimates_the_same_masses():
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, kernel_initializer="zeros")])
    network.layers[0].set_weights([np.zeros((4, 8)), np.repeat([0.0, 1.0], 4)])  # wide: thin tails would weigh the ends
    levels = np.random.default_rng(0).integers(0, 16, (200, 4))
    estimate = logistic(network).log_density(levels, num_samples=400, kind="estimate")
    z = (estimate.values - log_mass(levels)) / estimate.standard_errors
    assert abs(np.mean(z)) < 0.3 and np.std(z) == pytest.approx(1.0, abs=0.25)


def test_a_family_that_is_not_exact_writes_its_own():
    model = gaussian()
    model.log_prob_kind = "bound"
    with pytest.raises(NotImplementedError, match=r"DiagonalGaussian should define log_density\(x\)"):
        model.log_density(images(2))
    assert GAN.dequantized is None
