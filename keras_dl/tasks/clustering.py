"""Clusters that a model finds, beside the classes of labelled data; those of a mixture as prior of an autoencoder."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_dl import metrics
from keras_dl.likelihoods import MixturePrior
from keras_dl.tasks.log_density import as_array
from keras_dl.tasks.measure import ROWS, Measure

#: Metrics of clusterings, and what they say.
SCORES = {
    "adjusted_rand_index": "adjusted Rand index of clusters and classes",
    "normalized_mutual_information": "normalized mutual information of clusters and classes",
}


def scores(data: Any, clusters: Callable) -> dict[str, Measure]:
    """How well clusters of the held-out data agree with their classes, as `Measure`s by name; none without classes.

    Args:
        data: What the task's `load` returned.
        clusters: Function of samples that returns the cluster of each.
    """
    if data.y_test is None or data.spec.num_classes is None:
        return {}
    found = clusters(np.asarray(data.x_test))
    values = {name: getattr(metrics, name)(data.y_test, found) for name in SCORES}
    return {name: Measure(value, None, metrics.direction(name), SCORES[name]) for name, value in values.items()}


def has_clusters(model: keras.Model, data: Any) -> bool:
    """Whether a model's prior is a mixture whose components are clusters of data without conditions."""
    priors = [network for network in model.networks if isinstance(network, MixturePrior)]
    return not data.conditional and len(priors) == 1 and "prior" in model.network_names and priors[0].components > 1


def responsibilities(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """Which component of its prior each sample belongs to, by its posterior's mean: an array `(rows, components)`."""
    blocks = (x[start : start + ROWS] for start in range(0, len(x), ROWS))
    return np.concatenate([as_array(model.prior.responsibilities(model.encode(block))) for block in blocks])


def of_latents(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """The likeliest component of every sample, an integer vector."""
    return responsibilities(model, x).argmax(1)
