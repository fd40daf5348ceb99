"""Scores of anomalies: what they are made of."""

import numpy as np
import pytest

from tests.models.builders import images, small_vae


def test_scores():
    vae, x = small_vae(), images(3)
    np.testing.assert_allclose(vae.anomaly_score(x, num_samples=8), -vae.log_prob(x, num_samples=8), rtol=1e-6)
    errors = np.square(x - vae.reconstruct(x).numpy()).sum((1, 2, 3))
    np.testing.assert_allclose(vae.anomaly_score(x, score="reconstruction"), errors, rtol=1e-5)
    with pytest.raises(ValueError, match="(?s)`score` should be.*Received: score='elbo'"):
        vae.anomaly_score(x, score="elbo")
