"""Nearest-neighbour accuracy of embeddings: how often their nearest neighbours have their class."""

import numpy as np

from keras_dl.checks import check_count, refusal
from keras_dl.metrics.estimate import Estimate, check_pair
from keras_dl.types import Tensor


def knn_accuracy(
    embeddings: Tensor, labels: Tensor, test_embeddings: Tensor, test_labels: Tensor, k: int = 5
) -> Estimate:
    """Share of embeddings whose class most of their `k` nearest neighbours have.

    Args:
        embeddings: Array of shape `(num_samples, size)`, among which the neighbours are.
        labels: Their classes, integers of shape `(num_samples,)`.
        test_embeddings: Array of shape `(num_test, size)`.
        test_labels: Their classes, integers of shape `(num_test,)`.
        k: Int, how many neighbours vote, by Euclidean distance.

    Returns:
        `Estimate(value, standard_error)`, the error that of a share of `num_test`.

    Raises:
        ValueError: If the shapes do not match, there are fewer than `k` neighbours, or embeddings are not finite.

    Example:

    >>> knn_accuracy([[0.0], [1.0], [8.0], [9.0]], [0, 0, 1, 1], [[0.5], [7.0]], [0, 1], k=1).value
    np.float64(1.0)
    """
    from sklearn.neighbors import KNeighborsClassifier

    k = check_count(k, "k")
    embeddings, test_embeddings = check_pair(embeddings, test_embeddings, least=1)
    if len(embeddings) < k:
        raise refusal(f"`k` should be at most the number of embeddings, {len(embeddings)}", f"k={k}")
    labels, test_labels = _labels(labels, embeddings, "labels"), _labels(test_labels, test_embeddings, "test_labels")
    right = KNeighborsClassifier(k).fit(embeddings, labels).predict(test_embeddings) == test_labels
    return Estimate(right.mean(), np.sqrt(right.mean() * (1 - right.mean()) / len(right)))


def _labels(labels, embeddings, name):
    labels = np.asarray(labels)
    if labels.shape != (len(embeddings),) or labels.dtype.kind not in "iub":
        raise refusal(
            f"`{name}` should be {len(embeddings)} integers", f"{name} of shape {labels.shape}, {labels.dtype}"
        )
    return labels
