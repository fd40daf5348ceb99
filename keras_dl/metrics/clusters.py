"""Scores of clusterings, by scikit-learn: against known classes, and of the clusters alone."""

import numpy as np

from keras_dl.checks import refusal
from keras_dl.metrics.estimate import check_vectors
from keras_dl.types import Tensor


def adjusted_rand_index(labels: Tensor, clusters: Tensor) -> float:
    """Adjusted Rand index (Hubert & Arabie 1985): agreement on pairs, 1 if equal up to names, 0 on average by chance.

    Args:
        labels: Known classes, integers of shape `(rows,)`.
        clusters: Clusters, integers of shape `(rows,)`, by any names.

    Returns:
        A number of at most 1.

    Raises:
        ValueError: If the labels are not two vectors of integers of the same length.

    Example:

    >>> adjusted_rand_index([0, 0, 1, 1], [1, 1, 0, 0])
    1.0
    """
    from sklearn.metrics import adjusted_rand_score

    return float(adjusted_rand_score(*_pair(labels, clusters)))


def normalized_mutual_information(labels: Tensor, clusters: Tensor) -> float:
    r"""Mutual information over the mean of the entropies, $2 I(Y; C) / (H(Y) + H(C))$: from 0 to 1.

    Args:
        labels: Known classes, integers of shape `(rows,)`.
        clusters: Clusters, integers of shape `(rows,)`, by any names.

    Returns:
        A number from 0 to 1.

    Raises:
        ValueError: If the labels are not two vectors of integers of the same length.

    Example:

    >>> round(normalized_mutual_information([0, 0, 1, 1], [0, 1, 0, 1]), 6)
    0.0
    """
    from sklearn.metrics import normalized_mutual_info_score

    return float(normalized_mutual_info_score(*_pair(labels, clusters)))


def silhouette(x: Tensor, clusters: Tensor) -> float:
    """Mean silhouette (Rousseeuw 1987): `(b - a) / max(a, b)` per sample, from -1 to 1.

    `a` is the mean distance from the other samples of the same cluster, `b` that from the samples of the nearest other.

    Args:
        x: Samples, shape `(rows, ...)`.
        clusters: Clusters, integers of shape `(rows,)`: at least 2, and fewer than rows.

    Returns:
        A number.

    Raises:
        ValueError: If samples and clusters do not go together, or there are too few or too many clusters.

    Example:

    >>> round(silhouette([[0.0], [0.1], [5.0], [5.1]], [0, 0, 1, 1]), 2)
    0.98
    """
    from sklearn.metrics import silhouette_score

    x, clusters = np.asarray(x), _integers(clusters, "clusters")
    x = check_vectors(x.reshape(len(x), -1) if x.ndim else x, "x")
    if len(x) != len(clusters):
        raise refusal("`x` and `clusters` should have as many rows", f"{len(x)} and {len(clusters)} rows")
    number = len(np.unique(clusters))
    if not 2 <= number < len(x):
        raise refusal(f"`clusters` should name 2 to {len(x) - 1} clusters", f"{number}")
    return float(silhouette_score(x, clusters))


def _pair(labels, clusters):
    labels, clusters = _integers(labels, "labels"), _integers(clusters, "clusters")
    if len(labels) != len(clusters):
        text = f"{len(labels)} and {len(clusters)} rows"
        raise refusal("`labels` and `clusters` should have as many rows", text)
    return labels, clusters


def _integers(values, name):
    values = np.asarray(values)
    if values.ndim != 1 or not len(values) or values.dtype.kind not in "biu":
        raise refusal(f"`{name}` should be integers of shape (rows,)", f"shape {values.shape}, dtype {values.dtype}")
    return values
