"""Two-stage sampling: a mixture on the latents of a trained model, in place of its prior."""

import keras
import numpy as np
import pytest

from keras_dl import tasks
from keras_dl.tasks import Generation
from tests.models.builders import SHAPE, images, small_vae

X = images()


def test_the_mixture_follows_the_posteriors_of_data_and_not_the_prior():
    model = small_vae()
    first = model.encoder.layers[-1]
    kernel, bias = first.get_weights()
    first.set_weights([kernel, np.array([3.0, -2.0, -3.0, -3.0])])  # far from the prior, and narrow
    sampler = tasks.TwoStage(model, components=2).fit(X, epochs=3)
    means = np.asarray(model.encode(X))
    drawn = np.asarray(sampler.mixture.sample(2000, seed=0))
    np.testing.assert_allclose(drawn.mean(0), means.mean(0), atol=0.1)
    expected = np.cov(means.T) + np.exp(-6.0) * np.eye(2)
    np.testing.assert_allclose(np.cov(drawn.T), expected, atol=0.2 * expected.max())
    samples = sampler.sample(3, seed=1)
    assert samples.shape == (3, *SHAPE)
    np.testing.assert_array_equal(samples, sampler.sample(3, seed=1))
    np.testing.assert_array_equal(samples, model.decode(sampler.mixture.sample(3, seed=1)))


def test_a_conditional_model_decodes_under_its_condition():
    model = small_vae(num_classes=3)
    sampler = tasks.TwoStage(model, components=2).fit(X, np.arange(64) % 3, epochs=1)
    latents = sampler.mixture.sample(2, seed=1)
    np.testing.assert_array_equal(sampler.sample(2, condition=[0, 2], seed=1), model.decode(latents, [0, 2]))


def test_refusals():
    with pytest.raises(ValueError, match="positive integer"):
        tasks.TwoStage(small_vae(), components=0)
    with pytest.raises(ValueError, match="should be fitted before it samples"):
        tasks.TwoStage(small_vae(), components=2).sample(3)
    with pytest.raises(ValueError, match="at least 99 rows"):
        tasks.TwoStage(small_vae(), components=99).fit(X)
    with pytest.raises(ValueError, match="should be fitted for a VAE"):
        Generation().two_stage(keras.Model(), None, 2, {})
