"""A linear-Gaussian VAE, of which everything is known in closed form.

z ~ N(0, I), x | z ~ N(W z + b, s^2 I): then x ~ N(b, W W^T + s^2 I), and the posterior is N(M^-1 W^T (x - b), s^2 M^-1)
with M = W^T W + s^2 I (Tipping & Bishop 1999, "Probabilistic principal component analysis"). With orthogonal columns
of W, M is diagonal, and a linear encoder with constant scales is exact.
"""

import keras
import numpy as np
import pytest
from scipy import stats

from keras_dl import likelihoods, models, objectives

SIZE, LATENTS, SCALE = 5, 2, 0.6


def parameters():
    rng = np.random.default_rng(0)
    columns = np.linalg.qr(rng.normal(size=(SIZE, LATENTS)))[0] * [1.5, 0.7]
    return columns, rng.normal(size=SIZE)


def log_likelihood(x):
    w, b = parameters()
    return stats.multivariate_normal(b, w @ w.T + SCALE**2 * np.eye(SIZE)).logpdf(x)


def data(rows=40):
    w, b = parameters()
    rng = np.random.default_rng(1)
    return (rng.normal(size=(rows, LATENTS)) @ w.T + b + SCALE * rng.normal(size=(rows, SIZE))).astype(np.float32)


def linear_vae(scale_factor=1.0, shift=0.0, **options):
    """The VAE whose posterior is exact, but for a factor on its scales and a shift of its means."""
    w, b = parameters()
    precision = np.diag(w.T @ w) + SCALE**2
    gain = w / precision
    log_scale = np.log(SCALE / np.sqrt(precision) * scale_factor)
    encoder = keras.Sequential([keras.Input((SIZE,)), keras.layers.Dense(2 * LATENTS)])
    encoder.layers[0].set_weights(
        [np.concatenate([gain, 0 * gain], 1), np.concatenate([shift - b @ gain, log_scale])]
    )
    decoder = keras.Sequential([keras.Input((LATENTS,)), keras.layers.Dense(SIZE)])
    decoder.layers[0].set_weights([w.T, b])
    vae = models.VAE(encoder, decoder, likelihoods.Gaussian(scale=SCALE), seed=2, **options)
    vae.compile(optimizer="sgd", jit_compile=False)
    return vae


def test_the_exact_posterior_makes_every_draw_the_log_likelihood():
    x = data()
    found = linear_vae(kl="monte_carlo").evaluate(x, batch_size=len(x), verbose=0, return_dict=True)
    assert found["elbo"] == pytest.approx(log_likelihood(x).mean(), abs=1e-4)
    for samples in (1, 3):  # the weights of importance sampling are constant: no noise is left
        np.testing.assert_allclose(linear_vae().log_prob(x, num_samples=samples), log_likelihood(x), atol=1e-4)


def test_another_posterior_gives_a_lower_bound_which_importance_sampling_tightens():
    x = data()
    vae = linear_vae(scale_factor=1.4, shift=0.2)
    truth = log_likelihood(x).mean()
    elbo = vae.evaluate(np.repeat(x, 50, 0), batch_size=2000, verbose=0, return_dict=True)["elbo"]
    assert elbo < truth - 0.05
    assert np.mean(vae.log_prob(x, num_samples=5000)) == pytest.approx(truth, abs=0.02)
    assert elbo < np.mean(vae.log_prob(x, num_samples=10)) < truth + 0.01


def test_the_gap_of_the_bound_is_the_divergence_of_the_posteriors():
    x = np.repeat(data(20), 400, 0)
    w, _ = parameters()
    exact = SCALE / np.sqrt(np.diag(w.T @ w) + SCALE**2)
    ratio, shift = 1.4, 0.2
    divergence = np.sum(-np.log(ratio) + (ratio**2 + (shift / exact) ** 2 - 1) / 2)
    elbo = linear_vae(ratio, shift).evaluate(x, batch_size=len(x), verbose=0, return_dict=True)["elbo"]
    assert elbo == pytest.approx(log_likelihood(x).mean() - divergence, abs=0.05)


def test_analytic_and_monte_carlo_divergences_agree_in_the_mean():
    x = np.repeat(data(20), 500, 0)
    rates = [
        linear_vae(1.3, 0.1, kl=kl).evaluate(x, batch_size=len(x), verbose=0, return_dict=True)["rate"]
        for kl in ("analytic", "monte_carlo")
    ]
    assert rates[0] == pytest.approx(rates[1], abs=0.05)
    # E[log q - log p] has a standard error below 0.015 here
    w, b = parameters()
    precision = np.diag(w.T @ w) + SCALE**2
    mean, scale = (x - b) @ (w / precision) + 0.1, 1.3 * SCALE / np.sqrt(precision)
    closed = 0.5 * (mean**2 + scale**2 - 1 - 2 * np.log(scale)).sum(1).mean()
    assert rates[0] == pytest.approx(closed, rel=1e-4)


def test_beta_and_free_bits_change_the_loss_and_not_the_elbo():
    x = data()
    plain, heavy, free = (
        linear_vae(1.3, **options).evaluate(x, batch_size=len(x), verbose=0, return_dict=True)
        for options in ({}, {"beta": 4.0}, {"free_bits": 100.0})
    )
    assert plain["elbo"] == pytest.approx(heavy["elbo"]) == pytest.approx(free["elbo"])
    assert plain["loss"] == pytest.approx(-plain["elbo"], rel=1e-5)
    assert heavy["loss"] == pytest.approx(plain["distortion"] + 4 * plain["rate"], rel=1e-5)
    assert free["loss"] == pytest.approx(plain["distortion"] + 100.0 * LATENTS, rel=1e-5)


def test_iwae_is_the_importance_weighted_bound():
    x = np.repeat(data(20), 100, 0)
    losses = {
        k: linear_vae(1.4, 0.2, objective=objectives.IWAE(k)).evaluate(x, batch_size=500, verbose=0, return_dict=True)
        for k in (1, 20)
    }
    assert losses[1]["loss"] == pytest.approx(-losses[1]["elbo"], rel=1e-5)
    truth = -log_likelihood(x).mean()
    assert truth - 0.02 < losses[20]["loss"] < losses[1]["loss"] - 0.05


def test_more_samples_change_the_variance_of_the_elbo_and_not_its_mean():
    x = np.repeat(data(20), 200, 0)
    one, many = (
        linear_vae(1.4, num_samples=k).evaluate(x, batch_size=1000, verbose=0, return_dict=True)["elbo"] for k in (1, 8)
    )
    assert one == pytest.approx(many, abs=0.1)


def test_samples_follow_the_decoder():
    vae = linear_vae()
    w, b = parameters()
    samples = vae.sample(20000, seed=1).numpy()
    np.testing.assert_allclose(samples.mean(0), b, atol=0.05)
    np.testing.assert_allclose(np.cov(samples.T), w @ w.T, atol=0.06)


def test_chunks_do_not_change_the_bound():
    x, vae = data(7), linear_vae(1.4, 0.3)
    whole = vae.log_prob(x, num_samples=130, seed=4).numpy()
    assert whole.shape == (7,)
    np.testing.assert_array_equal(whole, vae.log_prob(x, num_samples=130, seed=4))
    assert (whole != vae.log_prob(x, num_samples=130, seed=5).numpy()).any()
