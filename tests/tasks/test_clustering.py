"""Clusters by the components of a mixture as prior: scores and the picture."""

from types import SimpleNamespace

import numpy as np
import pytest

from keras_dl import likelihoods, models, networks
from keras_dl.tasks import clustering


def vae(prior):
    encoder = networks.mlp_encoder((4, 4, 1), 2, hidden=(4,))
    decoder = networks.mlp_decoder(2, (4, 4, 1), hidden=(4,))
    return models.VAE(encoder, decoder, "bernoulli", prior=prior, kl="monte_carlo" if prior else "analytic", seed=0)


def test_components_of_the_prior_are_clusters_that_are_scored():
    model = vae(likelihoods.MixturePrior(2))
    x = np.random.default_rng(0).random((30, 4, 4, 1)).astype("float32")
    means = np.asarray(model.encode(x))
    model.prior.loc.assign([means.mean(0) - [1, 0], means.mean(0) + [1, 0]])
    expected = (means[:, 0] > means[:, 0].mean()).astype(int)
    np.testing.assert_array_equal(clustering.of_latents(model, x), expected)
    data = SimpleNamespace(x_test=x, y_test=1 - expected, spec=SimpleNamespace(num_classes=2), conditional=False)
    assert clustering.has_clusters(model, data) and not clustering.has_clusters(vae(None), data)
    found = clustering.scores(data, lambda x: clustering.of_latents(model, x))
    assert [measure.value for measure in found.values()] == pytest.approx([1.0, 1.0]) and len(found) == 2
    assert clustering.scores(SimpleNamespace(y_test=None), None) == {}
