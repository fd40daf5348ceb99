import numpy as np
import pytest
from scipy.spatial.distance import cdist

from keras_dl.metrics import knn_accuracy


def test_equals_a_count_by_hand():
    random = np.random.default_rng(0)
    x, test = random.normal(size=(60, 3)), random.normal(size=(25, 3))
    y, y_test = random.integers(0, 2, 60), random.integers(0, 2, 25)
    nearest = np.argsort(cdist(test, x), axis=1)[:, :3]
    right = (y[nearest].mean(1) > 0.5) == y_test
    found = knn_accuracy(x, y, test, y_test, k=3)
    assert found.value == right.mean()
    assert found.standard_error == pytest.approx(right.std() / 5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[0.0]], [0], [[0.0]], [0], 2), "`k` should be at most the number of embeddings, 1. Received: k=2"),
        (([[0.0]], [0], [[0.0]], [0], 0), "`k` should be a positive integer"),
        (([[0.0]], [0, 1], [[0.0]], [0], 1), "`labels` should be 1 integers. Received"),
        (([[0.0]], [0], [[0.0]], [0.5], 1), "`test_labels` should be 1 integers. Received"),
        (([[np.nan]], [0], [[0.0]], [0], 1), "should be finite"),
        (([[0.0, 1.0]], [0], [[0.0]], [0], 1), "vectors should have one size"),
    ],
)
def test_bad_input_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        knn_accuracy(*arguments)
