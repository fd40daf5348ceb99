"""Mixtures as priors of variational autoencoders: densities, draws, training, files and refusals."""

import keras
import numpy as np
import pytest
import scipy.special
import scipy.stats
import tensorflow as tf

from keras_dl import bijectors, likelihoods, models, networks, objectives
from tests.models.builders import SHAPE, images, largest_difference, small_vae

X = images()


def vae(prior, **options):
    return small_vae(prior=prior, kl="monte_carlo", **options)


def vamp(components=5, **options):
    return likelihoods.VampPrior(components, spread=0.5, loc=0.5, **options)


def compiled(model):
    model.compile(keras.optimizers.SGD(0.05), jit_compile=False)
    return model


def parameters(model, x, *labels):
    """Means and standard deviations of the posteriors of data, float64."""
    encoded = np.asarray(model.encoder({"x": x, "condition": labels[0]} if labels else x), "float64")
    size = model.latent_size
    return encoded[:, :size], np.exp(encoded[:, size:])


def test_the_density_is_the_mean_of_the_posteriors_of_pseudo_inputs():
    model = vae(vamp(bounds=None))
    loc, scale = parameters(model, np.asarray(model.prior.pseudo_inputs))
    z = np.random.default_rng(0).normal(size=(3, 4, 2))
    logs = scipy.stats.norm.logpdf(z[..., None, :], loc, scale).sum(-1)
    expected = scipy.special.logsumexp(logs, -1) - np.log(5)
    prior = model.prior_beside(model.encoder)()
    np.testing.assert_allclose(prior.log_prob(tf.constant(z, tf.float32)), expected, rtol=1e-5, atol=1e-5)
    draw = models.base.Draw.for_sampling(1, 0, 8000)
    drawn = np.asarray(prior.draw_latents(draw), "float64")
    np.testing.assert_allclose(drawn.mean(0), loc.mean(0), atol=0.05)
    variance = (np.square(scale) + np.square(loc)).mean(0) - np.square(loc.mean(0))
    np.testing.assert_allclose(drawn.var(0), variance, rtol=0.06)


def test_a_conditional_encoder_reads_pseudo_inputs_with_all_labels_in_turn():
    model = vae(vamp(), num_classes=3)
    loc, scale = parameters(model, np.asarray(model.prior.clipped()), np.array([0, 1, 2, 0, 1]))
    z = np.zeros((1, 2), "float32")
    logs = scipy.stats.norm.logpdf(z[:, None], loc, scale).sum(-1)
    prior = model.prior_beside(model.encoder)()
    np.testing.assert_allclose(prior.log_prob(z), scipy.special.logsumexp(logs, -1) - np.log(5), rtol=1e-5)


def test_the_rate_is_the_difference_of_log_densities_at_the_draws():
    """Of the same draws, whatever the prior: with a mixture that is the standard normal, the standard normal's rate."""
    prior = likelihoods.MixturePrior(4, spread=0.0)
    model, peer = compiled(vae(prior)), compiled(vae(None))
    assert model.evaluate(X, verbose=0) == pytest.approx(peer.evaluate(X, verbose=0), rel=1e-5)
    np.testing.assert_allclose(model.log_prob(X[:5], num_samples=8), peer.log_prob(X[:5], num_samples=8), rtol=1e-5)


def test_responsibilities_are_bayes_rule():
    prior = likelihoods.MixturePrior(3, latent_size=2)
    prior.set_weights([np.arange(6.0).reshape(3, 2), np.full((3, 2), 0.3), np.array([0.0, 1.0, -1.0])])
    z = np.random.default_rng(0).normal(size=(7, 2))
    logs = scipy.stats.norm.logpdf(z[:, None], np.arange(6.0).reshape(3, 2), np.exp(0.3)).sum(-1) + [0, 1, -1]
    np.testing.assert_allclose(prior.responsibilities(z.astype("float32")), scipy.special.softmax(logs, -1), atol=1e-5)
    mixture = np.exp(scipy.special.logsumexp(logs, -1)) / np.exp([0, 1, -1]).sum()
    np.testing.assert_allclose(np.exp(prior().log_prob(z.astype("float32"))), mixture, rtol=1e-4)


@pytest.mark.grid("vamp")
@pytest.mark.parametrize("kind", [vamp, likelihoods.MixturePrior])
def test_training_moves_the_prior_and_goes_on_from_a_file(kind, tmp_path):
    model = compiled(vae(kind(6), ema_momentum=0.5))
    first = [np.array(weight) for weight in model.prior.weights]
    loss = model.fit(X, batch_size=16, epochs=2, verbose=0).history["loss"]
    assert loss[1] < loss[0]
    assert all(np.abs(weight - start).max() > 1e-6 for weight, start in zip(model.prior.weights, first, strict=True))
    model.save(tmp_path / "vae.keras")
    again = keras.saving.load_model(tmp_path / "vae.keras")
    np.testing.assert_array_equal(again.sample(3, seed=1), model.sample(3, seed=1))
    np.testing.assert_array_equal(again.log_prob(X[:3], num_samples=4), model.log_prob(X[:3], num_samples=4))
    for one in (model, again):
        one.fit(X, batch_size=16, epochs=3, initial_epoch=2, verbose=0)
    assert largest_difference(model, again) == 0.0
    model.export(str(tmp_path / "served"), verbose=False)
    served = tf.saved_model.load(str(tmp_path / "served"))
    sampled = served.signatures["sample"](num_samples=tf.constant(3), seed=tf.constant(1, tf.int64))
    np.testing.assert_allclose(sampled["x"], model.sample(3, seed=1), rtol=1e-5)
    log_prob = served.signatures["log_prob"](x=tf.constant(X[:3]))["log_prob"]
    np.testing.assert_allclose(log_prob, model.log_prob(X[:3], num_samples=128), rtol=1e-5)


def test_any_posterior_and_bound_take_the_prior():
    posterior = models.FlowPosterior(2, bijectors.Autoregressive(hidden=(4,)))
    encoder = networks.mlp_encoder(SHAPE, 2, hidden=(8,), parameters_per_latent=3)
    decoder = networks.mlp_decoder(2, SHAPE, hidden=(8,))
    options = {"posterior": posterior, "prior": vamp(), "objective": objectives.IWAE(2), "seed": 0}
    model = models.VAE(encoder, decoder, **options)
    model.compile(keras.optimizers.SGD(0.01), jit_compile=False)
    assert np.isfinite(model.fit(X, batch_size=32, verbose=0).history["loss"]).all()
    assert model.sample(2, seed=0).shape == (2, *SHAPE)


def test_pseudo_inputs_start_from_data_and_stay_within_bounds():
    model = vae(likelihoods.VampPrior(70))
    model.prior.start_from(X)
    started = np.asarray(model.prior.pseudo_inputs)
    assert len(np.unique(started, axis=0)) == len(X)
    model.prior.pseudo_inputs.assign(started * 4 - 2)
    clipped = np.asarray(model.prior.clipped())
    assert clipped.min() == 0.0 and clipped.max() == 1.0
    copy = likelihoods.VampPrior.from_config(model.prior.get_config())
    assert copy.get_config() == model.prior.get_config() and copy.pseudo_inputs.shape == (70, *SHAPE)


def test_a_flow_takes_a_mixture_of_its_own_size():
    prior = models.FlowPrior(2, bijectors.AffineCoupling(hidden=(4,)), likelihoods.MixturePrior(3))
    assert prior.base.latent_size == 2 and np.isfinite(prior().log_prob(np.zeros((3, 2), "float32"))).all()


@pytest.mark.parametrize(
    ("build", "match"),
    [
        (lambda: likelihoods.MixturePrior(0), "positive integer"),
        (lambda: likelihoods.MixturePrior(2, spread=-1.0), "spread"),
        (lambda: likelihoods.VampPrior(2.5), "positive integer"),
        (lambda: likelihoods.VampPrior(2, bounds=(1, 0)), "`bounds` should be"),
        (lambda: likelihoods.VampPrior(2, 2, SHAPE)(), "beside an encoder"),
        (lambda: vae(likelihoods.MixturePrior(2, latent_size=3)), "should be over 2 latents"),
        (lambda: vae(likelihoods.VampPrior(2, shape=(3,))), "pseudo-inputs of `prior` should have"),
        (lambda: vae(vamp()).prior.start_from(np.zeros((3, 2))), "x should have shape"),
        (lambda: vae(vamp()).prior.start_from(np.full((3, *SHAPE), np.nan)), "x should be finite"),
        (lambda: vae(vamp()).prior.start_from(np.full((3, *SHAPE), 255)), "within `bounds`, .0.0, 1.0."),
        (lambda: compiled(small_vae(prior=likelihoods.MixturePrior(2))).fit(X, verbose=0), "monte_carlo"),
        (lambda: compiled(small_vae(prior=vamp())).fit(X, verbose=0), "monte_carlo"),
        (lambda: compiled(vae(likelihoods.MixturePrior(2), free_bits=0.1)).fit(X, verbose=0), "free_bits"),
    ],
)
def test_refusals(build, match):
    with pytest.raises(ValueError, match=match):
        build()
