"""How unlike the training data samples are, for models that have a likelihood."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from keras_dl import samplers
from keras_dl.checks import refusal
from keras_dl.types import Tensor


class AnomalyScores:
    """The part of a model that scores samples by `log_prob` and, where it names that, by `reconstruct`."""

    #: What `anomaly_score` knows.
    anomaly_scores: tuple[str, ...] = ("likelihood",)

    # Of the model.
    log_prob: Callable
    reconstruct: Callable

    def anomaly_score(
        self, x: Tensor, condition: Tensor | None = None, score: str = "likelihood", **options: Any
    ) -> Tensor:
        r"""Returns how unlike the training data each sample is: higher for anomalies; see `keras_dl.metrics.roc_auc`.

        Args:
            x: Data, shape `(batch, *data_shape)`.
            condition: Their conditions, where the model is conditional.
            score: One of `anomaly_scores`: `"likelihood"`, $-\log p(x)$ in nats as `log_prob` gives it; or
                `"reconstruction"`, $|x - \hat x|^2$, the squared error of `reconstruct`.
            **options: Those of `log_prob`.

        Returns:
            Tensor of shape `(batch,)`.

        Raises:
            ValueError: If there is no such score.
        """
        check_score(self, score)
        if score == "likelihood":
            return -self.log_prob(x, condition, **options)
        return squared_error(x, self.reconstruct(x, condition))


def check_score(model, score):
    """Refuses a score that a model does not know."""
    if score not in model.anomaly_scores:
        raise refusal(f"`score` should be one of {model.anomaly_scores}", score=score)


def squared_error(x, reconstruction):
    """Squared differences of samples from their reconstructions, summed over a sample, shape `(batch,)`."""
    return samplers.chains.sum_per_row(tf.square(reconstruction - tf.cast(x, tf.float32)))
