"""Scores of anomalies: what they are made of."""

import numpy as np
import pytest

from keras_dl import models
from tests.models.builders import images, small_vae
from tests.models.flow_builders import POINTS
from tests.models.hierarchical_builders import X, small


def test_scores():
    vae, x = small_vae(), images(3)
    np.testing.assert_allclose(vae.anomaly_score(x, num_samples=8), -vae.log_prob(x, num_samples=8), rtol=1e-6)
    errors = np.square(x - vae.reconstruct(x).numpy()).sum((1, 2, 3))
    np.testing.assert_allclose(vae.anomaly_score(x, score="reconstruction"), errors, rtol=1e-5)
    with pytest.raises(ValueError, match="(?s)`score` should be.*Received: score='elbo'"):
        vae.anomaly_score(x, score="elbo")


def test_hierarchies_and_flows_have_scores_too():
    model = small()
    np.testing.assert_allclose(model.anomaly_score(X, num_samples=4), -model.log_prob(X, num_samples=4), rtol=1e-6)
    errors = np.square(X - model.reconstruct(X).numpy()).sum((1, 2, 3))
    np.testing.assert_allclose(model.anomaly_score(X, score="reconstruction"), errors, rtol=1e-5)
    flow = models.RealNVP((3,), 2, (4,), seed=0)
    np.testing.assert_allclose(flow.anomaly_score(POINTS, score="likelihood"), -flow.log_prob(POINTS), rtol=1e-6)
    for one, x in ((model, X), (flow, POINTS)):
        with pytest.raises(ValueError, match="`score` should be one of .*Received: score='energy'"):
            one.anomaly_score(x, score="energy")
