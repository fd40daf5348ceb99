"""The inception score of generated samples, by a classifier's probabilities."""

from typing import Any

import numpy as np
from scipy.special import rel_entr

from keras_dl.checks import check_count, refusal
from keras_dl.metrics.estimate import Estimate, check_vectors, mean
from keras_dl.metrics.features import Features
from keras_dl.metrics.sample_metric import SampleMetric
from keras_dl.types import Tensor


def inception_score(probabilities: Tensor, splits: int = 10) -> Estimate:
    r"""Inception score $\exp \mathbb{E}_x \operatorname{KL}(p(y | x) \,\|\, p(y))$ (Salimans et al., 2016).

    It lies between 1 and the number of classes, and is high if a classifier is sure of every sample and finds all
    classes alike often. It knows no real samples, and rises with the size of a split. Samples are divided among splits
    at random, the same way every time, so that an order by class does not spoil it.

    Args:
        probabilities: Array of shape `(num_samples, classes)`, rows of sum 1.
        splits: Int, parts whose scores are averaged.

    Returns:
        An `Estimate(value, standard_error)`: the mean over the splits, and the spread that papers give divided by
        `sqrt(splits)`; NaN for one split.

    Raises:
        ValueError: If the rows are no probabilities, or fewer than splits.

    Example:

    >>> round(float(inception_score(np.tile(np.eye(4), (10, 1)), splits=1).value), 6)
    4.0
    """
    splits = check_count(splits, "splits")
    p = check_vectors(probabilities, "probabilities", least=splits)
    if p.min() < 0 or np.abs(p.sum(1) - 1).max() > 1e-3:
        extent = f"values from {p.min():.4g}, sums from {p.sum(1).min():.4g} to {p.sum(1).max():.4g}"
        raise refusal("`probabilities` should be rows of at least 0 and of sum 1", extent)
    parts = np.array_split(np.random.default_rng(0).permutation(p), splits)
    scores = [np.exp(rel_entr(part, part.mean(0)).sum(1).mean()) for part in parts]
    return mean(np.array(scores)) if splits > 1 else Estimate(float(scores[0]), float("nan"))


class InceptionScore(SampleMetric):
    """Inception score of generated samples; key `"inception_score"`, higher is better.

    See `inception_score`. Only the generated samples count.

    Args:
        features: `keras_dl.metrics.Features` with class probabilities.
        splits: Int, parts whose scores are averaged.

    Raises:
        ValueError: If the features have no class probabilities.

    Example:

    >>> classifier = keras_dl.networks.lenet5((8, 8, 1), num_classes=10)
    >>> features = keras_dl.metrics.Features(keras_dl.metrics.with_features(classifier), "random")
    >>> sorted(InceptionScore(features)(np.zeros((2, 8, 8, 1)), np.zeros((20, 8, 8, 1))))
    ['inception_score']
    """

    titles = {"inception_score": "inception score"}
    direction = "max"

    def __init__(self, features: Features, splits: int = 10):
        if not getattr(features, "has_probabilities", False):
            name = getattr(features, "name", features)
            raise refusal("`features` should have class probabilities", f"{name!r}, which has none")
        super().__init__(features)
        self.splits = check_count(splits, "splits")

    def compare(self, real: Any, generated: Any) -> dict[str, Estimate]:
        return {"inception_score": inception_score(generated.probabilities, self.splits)}
