import numpy as np
import pytest

from keras_dl.metrics import roc_auc


def test_is_the_share_of_pairs_in_order():
    random = np.random.default_rng(0)
    normal, anomalous = random.normal(size=40).round(1), random.normal(0.7, 1.0, 25).round(1)
    pairs = anomalous[:, None] - normal
    expected = np.mean((pairs > 0) + 0.5 * (pairs == 0))
    assert roc_auc(normal, anomalous).value == pytest.approx(expected)


def test_standard_error_is_the_spread_over_samples():
    random = np.random.default_rng(0)
    found = [roc_auc(random.normal(size=80), random.normal(1.0, 1.0, 50)) for _ in range(400)]
    spread = np.std([estimate.value for estimate in found])
    assert np.mean([estimate.standard_error for estimate in found]) == pytest.approx(spread, rel=0.15)


@pytest.mark.parametrize("scores", [([], [1.0]), ([[1.0]], [1.0]), ([np.nan], [1.0]), (["a"], [1.0])])
def test_bad_scores_are_refused(scores):
    with pytest.raises(ValueError, match="Received: "):
        roc_auc(*scores)


def test_labels_beside_scores_are_refused():
    scores, labels = np.array([0.1, 0.9, 0.4, 2.0]), np.array([0, 1, 0, 1])
    others = labels == 1, labels.astype("float64"), 2 * labels - 1
    for arguments in ((scores, labels), (labels, scores), *((scores, other) for other in others)):
        with pytest.raises(ValueError, match=r"(?s)should both be scores: roc_auc\(scores\[labels == 0\].*Received"):
            roc_auc(*arguments)
    assert roc_auc(scores[labels == 0], scores[labels == 1]).value == 1.0
    assert roc_auc(normal=[0, 1, 1], anomalous=[1, 1, 0]).value == 0.5  # scores of two values, in both
    assert roc_auc([0, 1, 0], [0.5, 0.7]).value == pytest.approx(2 / 3)  # labels would be as many as scores
    assert roc_auc([0.0, 0.0], [0.5, 0.7]).value == 1.0
