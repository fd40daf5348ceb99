"""The area under the ROC curve: how well scores tell anomalies from normal samples."""

import numpy as np

from keras_dl.checks import refusal
from keras_dl.metrics.estimate import Estimate, check_vectors
from keras_dl.types import Tensor


def roc_auc(normal: Tensor, anomalous: Tensor) -> Estimate:
    """Area under the receiver operating characteristic: the chance that an anomaly scores above a normal sample.

    `A = P(s_anomalous > s_normal) + P(equal) / 2` (the Mann-Whitney statistic). The standard error is that of Hanley
    and McNeil (1982): `A (1 - A) + (m - 1)(Q1 - A^2) + (n - 1)(Q2 - A^2)` over `m n`, its root, with
    `Q1 = A / (2 - A)`, `Q2 = 2 A^2 / (1 + A)` for `m` anomalies and `n` normal samples.

    Args:
        normal: Scores of normal samples, shape `(num_normal,)`.
        anomalous: Scores of anomalies, shape `(num_anomalous,)`, which should be higher.

    Returns:
        `Estimate(value, standard_error)`.

    Raises:
        ValueError: If the scores are not such arrays, empty or not finite; or one array holds nothing but 0 and 1 and
            the other something else: the labels that other libraries' functions take beside scores.

    Example:

    >>> roc_auc([0.1, 0.2, 0.3], [0.25, 0.4]).value.round(3)
    np.float64(0.833)
    """
    from sklearn.metrics import roc_auc_score

    normal, anomalous = _scores(normal, "normal"), _scores(anomalous, "anomalous")
    _check_no_labels(normal, anomalous)
    n, m = len(normal), len(anomalous)
    area = roc_auc_score(np.r_[np.zeros(n), np.ones(m)], np.r_[normal, anomalous])
    of_anomalies, of_normal = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (m - 1) * (of_anomalies - area**2) + (n - 1) * (of_normal - area**2)
    return Estimate(np.float64(area), np.sqrt(max(variance, 0.0) / (m * n)))


def _scores(x, name):
    x = np.asarray(x)
    if x.ndim != 1:
        raise refusal(f"`{name}` should be scores of shape (rows,)", f"{name} of shape {x.shape}")
    return check_vectors(x[:, None], name)[:, 0]


def _check_no_labels(normal, anomalous):
    scores = {"normal": normal, "anomalous": anomalous}
    labels = [name for name, x in scores.items() if set(x) in ({0.0, 1.0}, {-1.0, 1.0})]  # -1 is an outlier's
    if len(labels) == 1 and len(normal) == len(anomalous):
        other = "anomalous" if labels[0] == "normal" else "normal"
        raise refusal(
            "`normal` and `anomalous` should both be scores: roc_auc(scores[labels == 0], scores[labels == 1])",
            f"`{labels[0]}` of {min(scores[labels[0]]):.0f} and 1 alone, beside as many scores in `{other}`",
        )
