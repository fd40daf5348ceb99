"""The base of metrics of generated samples, which compare two sets, by features or as they are."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_dl.checks import refusal
from keras_dl.metrics.estimate import Estimate
from keras_dl.metrics.features import Features
from keras_dl.types import Tensor


class SampleMetric:
    """Base of metrics that compare generated samples with real ones.

    Called with two sets, a metric returns a dict of `Estimate`s by key (`"kid"`). It is also fed batch by batch, as a
    Keras metric is: `update_state`, `result`, `reset_state`. `keras_dl.callbacks.SampleMetrics` logs a list of them
    during `fit` and `evaluate`; `measure` compares two sets by a list of them and extracts shared features once.

    A metric defines `compare`, and declares `titles` and `direction`.

    Args:
        features: `keras_dl.metrics.Features`, or `None` to compare samples as they are.
    """

    #: Names of the results in tables, one for every key that `compare` returns; the features' name is added.
    titles = {}
    #: Whether larger (`"max"`) or smaller (`"min"`) results are better, for searches and for tables.
    direction: str | None = None

    def __init__(self, features: Features | None = None):
        if features is not None and not hasattr(features, "extract"):
            raise refusal(
                "`features` should be a keras_dl.metrics.Features, or None", features=features, error=TypeError
            )
        self.features = features
        self.reset_state()

    def represent(self, x: Tensor) -> Any:
        """Returns what is compared: an `Extracted` of the features, or the samples as an array."""
        return np.asarray(x) if self.features is None else self.features.extract(x)

    def compare(self, real: Any, generated: Any) -> dict[str, Estimate]:
        """Compares what `represent` makes of two sets; returns a dict of `Estimate`s by key."""
        raise NotImplementedError(f"{type(self).__name__} should define compare(real, generated).")

    def title(self, key: str) -> str:
        """The name of a result with that of its features: `"KID[lenet-mnist]"`."""
        title = self.titles[key]
        return title if self.features is None else f"{title}[{self.features.name}]"

    def __call__(self, x_real: Tensor, x_generated: Tensor) -> dict[str, Estimate]:
        """Compares two sets of samples.

        Args:
            x_real: Array of shape `(num_real, *shape)`.
            x_generated: Array of shape `(num_generated, *shape)`.

        Returns:
            A dict of `Estimate(value, standard_error)` by key.

        Raises:
            ValueError: If the sets are of another shape, too small, or hold NaN.
        """
        return self.compare(self.represent(x_real), self.represent(x_generated))

    def reset_state(self) -> None:
        """Forgets what `update_state` took."""
        self._taken = {"real": [], "generated": []}

    def update_state(self, x_real: Tensor | None = None, x_generated: Tensor | None = None) -> None:
        """Takes batches of real samples, of generated ones, or of both."""
        for name, x in (("real", x_real), ("generated", x_generated)):
            if x is not None:
                self._taken[name].append(self.represent(x))

    def result(self) -> dict[str, Estimate]:
        """Compares all that `update_state` took; returns a dict of `Estimate`s by key."""
        missing = [name for name, parts in self._taken.items() if not parts]
        if missing:
            raise refusal("there should be real and generated samples", f"no {' and no '.join(missing)} ones")
        return self.compare(*map(_joined, self._taken.values()))


def represent(metrics: Sequence[SampleMetric], x: Tensor) -> dict:
    """Returns what metrics compare of samples, a dict with one entry for every network of features among them."""
    return {features: metric.represent(x) for features, metric in {m.features: m for m in metrics}.items()}


def compare(metrics: Sequence[SampleMetric], real: Mapping, generated: Mapping) -> dict[str, Estimate]:
    """Compares what `represent` made of two sets by every metric; returns a dict of `Estimate`s by key."""
    estimates = {}
    for metric in metrics:
        estimates |= metric.compare(real[metric.features], generated[metric.features])
    return estimates


def measure(metrics: SampleMetric | Sequence[SampleMetric], x_real: Tensor, x_generated: Tensor) -> dict[str, Estimate]:
    """Compares two sets of samples by several metrics, extracting features that they share once.

    Args:
        metrics: `SampleMetric`, or a list of them.
        x_real: Array of shape `(num_real, *shape)`.
        x_generated: Array of shape `(num_generated, *shape)`.

    Returns:
        A dict of `Estimate(value, standard_error)` by key.

    Raises:
        ValueError: If the sets are of another shape, too small, or hold NaN.

    Example:

    >>> rng = np.random.default_rng(0)
    >>> metrics = [keras_dl.metrics.PrecisionRecall(), keras_dl.metrics.SlicedWasserstein()]
    >>> sorted(measure(metrics, rng.random((50, 2)), rng.random((60, 2))))
    ['precision', 'recall', 'sliced_wasserstein']
    """
    metrics = check_metrics(metrics)
    return compare(metrics, represent(metrics, x_real), represent(metrics, x_generated))


def check_metrics(metrics):
    """Returns metrics, one or several, as a list, or refuses them if two give results of one key."""
    metrics = list(metrics) if isinstance(metrics, (list, tuple)) else [metrics]
    strangers = [metric for metric in metrics if not isinstance(metric, SampleMetric)]
    if strangers or not metrics:
        raise refusal("metrics should be SampleMetric objects", f"{strangers or metrics}", error=TypeError)
    keys = [key for metric in metrics for key in metric.titles]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise refusal("results of metrics should have names of their own", f"twice {', '.join(twice)}")
    return metrics


def vectors(represented):
    """The vectors of an `Extracted`, or samples as vectors."""
    if hasattr(represented, "vectors"):
        return represented.vectors
    return represented.reshape(len(represented), -1) if represented.ndim > 1 else represented


def _joined(parts):
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)
    fields = []
    for arrays in zip(*parts, strict=True):
        fields.append(None if arrays[0] is None else np.concatenate(arrays))
    return type(parts[0])(*fields)
