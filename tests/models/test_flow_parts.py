"""Flows inside a variational autoencoder: prior and posterior."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import bijectors, likelihoods, models, networks, objectives
from tests.models.builders import images

X = images(32, shape=(4, 4, 1))


def vae(prior=None, posterior=None, **options):
    keras.utils.set_random_seed(0)
    per_latent = 2 if posterior is None else 3
    encoder = networks.mlp_encoder(X.shape[1:], 2, hidden=(8,), parameters_per_latent=per_latent)
    decoder = networks.mlp_decoder(2, X.shape[1:], hidden=(8,))
    return models.VAE(encoder, decoder, prior=prior, posterior=posterior, seed=0, **options)


def iaf():
    return models.FlowPosterior(2, bijectors.Autoregressive(hidden=(6,)))


def chain():
    return bijectors.Chain([bijectors.AffineCoupling(hidden=(6,), swap=swap) for swap in (False, True)])


def moved(layer, spread=0.5):
    rng = np.random.default_rng(0)
    for weight in layer.trainable_weights:
        weight.assign(weight + spread * rng.standard_normal(weight.shape))
    return layer


@pytest.mark.grid("objective0")
@pytest.mark.parametrize("objective", [objectives.ELBO(kl="monte_carlo"), objectives.IWAE(3)])
def test_a_vae_trains_its_flows_and_resumes(objective, tmp_path):
    model = vae(models.FlowPrior(2, chain()), iaf(), objective=objective)
    first = [np.asarray(weight) for weight in (*model.prior.weights, *model.posterior.weights)]
    model.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
    model.fit(X, batch_size=8, epochs=2, verbose=0)
    model.save(tmp_path / "vae.keras")
    loaded = keras.saving.load_model(tmp_path / "vae.keras")
    for one in (model, loaded):
        one.fit(X, batch_size=8, verbose=0)
    for ours, theirs in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    last = (*model.prior.weights, *model.posterior.weights)
    assert sum(np.abs(np.asarray(after) - before).max() > 0 for before, after in zip(first, last, strict=True)) > 10
    assert model.sample(3, seed=0).shape == (3, 4, 4, 1) and model.encode(X[:2]).shape == (2, 2)
    assert np.isfinite(model.log_prob(X[:4], num_samples=8)).all()


def test_densities_of_a_posterior_are_those_of_its_inverse():
    posterior = moved(iaf())
    q = posterior(tf.constant(np.random.default_rng(1).standard_normal((3, 6)), tf.float32))
    z = posterior.reparameterize(q, tf.constant(np.random.default_rng(2).standard_normal((5, 3, 2)), tf.float32))
    np.testing.assert_allclose(q.log_prob(z), q.log_prob(tf.identity(z)), atol=1e-4)


def test_a_flow_prior_integrates_to_one_and_draws_from_itself():
    prior = moved(models.FlowPrior(2, chain(), likelihoods.NormalMixture(2, 3)), 0.1)
    line = np.linspace(-15, 15, 301, dtype="float32")
    grid = np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)
    mass = np.exp(np.asarray(prior().log_prob(grid), "float64")) * 0.01
    assert mass.sum() == pytest.approx(1.0, abs=2e-3)
    draw = models.base.Draw.for_sampling(tf.constant(1, tf.int64), tf.constant(0, tf.int64), tf.constant(4000))
    z = prior.draw_latents(draw).numpy()
    np.testing.assert_allclose(z.mean(0), (mass[:, None] * grid).sum(0), atol=0.1)


@pytest.mark.parametrize("prior", [likelihoods.LearnedNormal(2), likelihoods.NormalMixture(2, 3)])
def test_draws_of_priors_follow_their_density(prior):
    prior = moved(prior)
    draw = models.base.Draw.for_sampling(tf.constant(1, tf.int64), tf.constant(0, tf.int64), tf.constant(5000))
    z, peer = prior.draw_latents(draw).numpy(), prior().sample(5000, seed=(1, 2)).numpy()
    np.testing.assert_allclose(z.mean(0), peer.mean(0), atol=0.15)
    np.testing.assert_allclose(np.cov(z.T), np.cov(peer.T), atol=0.3)
    again = type(prior).from_config(prior.get_config())
    assert again.get_config() == prior.get_config()
    cold = prior.draw_latents(models.base.Draw.for_sampling(1, 0, 5000), 0.0).numpy()
    assert len(np.unique(cold.round(4), axis=0)) == (3 if "Mixture" in type(prior).__name__ else 1)


@pytest.mark.parametrize("parts", [{"prior": models.FlowPrior(2, chain())}, {"posterior": iaf()}])
def test_an_analytic_divergence_is_refused(parts):
    model = vae(**parts)
    model.compile("adam", jit_compile=False)
    with pytest.raises(ValueError, match="monte_carlo"):
        model.fit(X, batch_size=8, verbose=0)


@pytest.mark.parametrize("part", [models.FlowPrior, models.FlowPosterior])
@pytest.mark.parametrize("bijector", ["flow", None, keras.layers.Dense(2)])
def test_what_is_no_bijector_is_refused(part, bijector):
    with pytest.raises(TypeError, match="`bijector` should be a keras_dl.bijectors.Bijector. Received: "):
        part(2, bijector)


def test_a_prior_is_refused_on_what_is_no_prior():
    with pytest.raises(TypeError, match="`base` should be a prior"):
        models.FlowPrior(2, bijectors.ActNorm(), base="normal")


def test_a_posterior_is_refused_a_bijector_of_another_condition():
    flow = bijectors.Autoregressive(hidden=(6,))
    flow.build((None, 2))
    with pytest.raises(ValueError, match=r"built for conditions of shape \(2,\)"):
        models.FlowPosterior(2, flow)
