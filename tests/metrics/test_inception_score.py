"""The inception score by hand."""

import math

import keras
import numpy as np
import pytest

from keras_dl import metrics, networks


def test_by_hand():
    """Two sure samples and one that is not: p(y) = (1/2, 1/2), KL = log 2, log 2 and 0."""
    score = metrics.inception_score([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]], splits=1)
    assert score.value == pytest.approx(2 ** (2 / 3))
    assert math.isnan(score.standard_error)


def test_bounds():
    sure = np.eye(10)[np.arange(1000) % 10]
    assert metrics.inception_score(sure, splits=1).value == pytest.approx(10)
    assert metrics.inception_score(np.tile(sure[:1], (100, 1))).value == pytest.approx(1)
    assert metrics.inception_score(np.full((100, 10), 0.1)).value == pytest.approx(1)


def test_splits_are_averaged_and_do_not_follow_the_order():
    """Sorted by class or in turn, each split still finds most classes."""
    rng = np.random.default_rng(0)
    sure = np.eye(10)[np.arange(2000) % 10]
    for p in (sure, sure[np.argsort(sure.argmax(1))]):
        assert metrics.inception_score(p).value > 9
    p = rng.dirichlet(np.full(5, 0.3), 4000)
    score, whole = metrics.inception_score(p), metrics.inception_score(p, splits=1)
    assert abs(score.value - whole.value) < 5 * score.standard_error < 0.2


def test_the_metric_reads_the_classifier():
    network = metrics.with_features(networks.lenet5((8, 8, 1), 4))
    features = metrics.Features(network, "random")
    x = np.random.default_rng(0).random((30, 8, 8, 1), dtype="float32")
    expected = metrics.inception_score(keras.ops.convert_to_numpy(network(x)[1]), splits=3)
    found = metrics.InceptionScore(features, splits=3)(x[:2], x)["inception_score"]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    with pytest.raises(ValueError, match="class probabilities. Received: 'plain'"):
        metrics.InceptionScore(metrics.Features(networks.lenet5((8, 8, 1), 4), "plain"))


@pytest.mark.parametrize("p", [[[0.5, 0.6]], [[1.5, -0.5]], [[np.nan, 1.0]], [0.5, 0.5]])
def test_what_is_no_probability_is_refused(p):
    with pytest.raises(ValueError, match="`probabilities`.*Received"):
        metrics.inception_score(p, splits=1)


def test_more_splits_than_samples_are_refused():
    with pytest.raises(ValueError, match="at least 10 rows.*Received"):
        metrics.inception_score(np.eye(4))
