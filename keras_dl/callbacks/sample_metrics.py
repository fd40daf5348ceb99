"""Metrics of generated samples while a model trains and when it is evaluated."""

import math
from typing import Any

import keras
import numpy as np

from keras_dl.checks import check_count, refusal
from keras_dl.metrics.sample_metric import check_metrics, compare, represent
from keras_dl.models.base.offers import declared
from keras_dl.types import Tensor

ROWS = 1000


class SampleMetrics(keras.callbacks.Callback):
    """Compares a model's samples with data, and logs what metrics say, in `fit` and in `evaluate`.

    In `fit`, the results go into the logs of an epoch as `val_kid`, `val_kid_standard_error` and so on; callbacks that
    read them (`StopOnKID`, `keras.callbacks.CSVLogger`) stand behind this one in the list. In `evaluate`, they are
    `kid`, `kid_standard_error` and so on, in what it returns, in `logs`, and in the logs that callbacks behind this one
    see at the end. A standard error that is not known is left out.

    The data's features are extracted once. The same seed draws the same latents every time, so that what changes from
    epoch to epoch is the model. Every worker computes the results, so that all see the same logs.

    Args:
        metrics: a `keras_dl.metrics.SampleMetric` or a list of them.
        x_real: array of data of shape `(num_real, *shape)`, held-out ones best.
        num_samples: integer, samples drawn from the model; None draws as many as there are data.
        condition: array with one condition a sample, or None; passed on to `model.sample`.
        every: integer, in `fit`: after every so many epochs, and after the last one.
        seed: integer that fixes the latents.
        clip: `(low, high)` beyond which values of samples are taken as these, as pictures show them, for models whose
            samples have no bounds; None leaves them.

    Attributes:
        results: dict of the last `Estimate`s by key.
        logs: the same as a dict of floats, `kid` and `kid_standard_error`.

    Raises:
        ValueError: if the model has no `sample` method, two metrics give results of one name, or an argument is out of
            range.

    Example:

    >>> import numpy as np
    >>> import keras_dl
    >>> (x, _), (x_test, _) = keras_dl.data.load("digits")
    >>> gan = keras_dl.models.GAN(
    ...     keras_dl.networks.mlp_generator(2, x.shape[1:], hidden=(16,)),
    ...     keras_dl.networks.mlp_critic(x.shape[1:], hidden=(16,)),
    ... )
    >>> gan.compile(generator_optimizer="adam", critic_optimizer="adam")
    >>> watched = keras_dl.callbacks.SampleMetrics(keras_dl.metrics.KID(), x_test)
    >>> results = gan.evaluate(x_test, callbacks=[watched], verbose=0, return_dict=True)
    >>> results["kid"] > 0 and "critic_loss" in results
    True
    """

    measures = True  # `evaluate` returns `logs`, too

    def __init__(
        self,
        metrics: Any,
        x_real: Tensor,
        num_samples: int | None = None,
        condition: Tensor | None = None,
        every: int = 1,
        seed: int = 0,
        clip: tuple[float, float] | None = None,
    ):
        super().__init__()
        self.clip = check_clip(clip)
        self.sample_metrics = check_metrics(metrics)
        self.num_samples = check_count(len(x_real) if num_samples is None else num_samples, "num_samples")
        self.every = check_count(every, "every")
        self.condition, self.seed = condition, seed
        check_condition(condition, self.num_samples)
        self.results, self.logs = {}, {}
        self._x_real = x_real
        self._real: dict | None = None
        self._fitting = False

    def set_model(self, model: Any) -> None:
        if declared(model, "sample") is None:
            raise refusal("the model should have a `sample` method", f"{type(model).__name__}")
        self._fitting = False
        super().set_model(model)

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._fitting = True

    def on_train_end(self, logs: dict | None = None) -> None:
        self._fitting = False

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if (epoch + 1) % self.every == 0 or epoch + 1 == (self.params or {}).get("epochs"):
            self._log(logs, "val_")

    def on_test_end(self, logs: dict | None = None) -> None:
        if not self._fitting:  # within `fit` it is the end of the epoch that counts, with or without validation
            self._log(logs, "")

    def measure(self) -> dict:
        """Draws samples and compares them with the data; returns a dict of `Estimate`s by key."""
        if self._real is None:
            self._real = represent(self.sample_metrics, self._x_real)
        samples = draw_samples(self.model, self.num_samples, self.condition, self.seed)
        samples = samples if self.clip is None else np.clip(samples, *self.clip)
        self.results = compare(self.sample_metrics, self._real, represent(self.sample_metrics, samples))
        self.logs = as_logs(self.results)
        return self.results

    def _log(self, logs, prefix):
        self.measure()
        if logs is not None:
            logs.update({f"{prefix}{name}": value for name, value in self.logs.items()})


def draw_samples(
    model: Any, num_samples: int, condition: Tensor | None = None, seed: int = 0, batch_size: int = ROWS
) -> np.ndarray:
    """Draws samples in batches, so that many fit into memory; the same seed and batch size draw the same ones.

    Args:
        model: model with a method `sample(num_samples, condition, seed)`.
        num_samples: integer, how many.
        condition: array with one condition a sample, or None.
        seed: integer.
        batch_size: integer, samples per call.

    Returns:
        An array of shape `(num_samples, *shape)`.

    Raises:
        ValueError: if there is not one condition a sample, or a number is out of range.
    """
    num_samples, batch_size = check_count(num_samples, "num_samples"), check_count(batch_size, "batch_size")
    check_condition(condition, num_samples)
    starts = range(0, num_samples, batch_size)
    seeds = np.random.SeedSequence(seed).generate_state(len(starts))
    parts = []
    for start, own in zip(starts, seeds, strict=True):
        rows = slice(start, min(start + batch_size, num_samples))
        conditions = None if condition is None else condition[rows]
        samples = model.sample(rows.stop - start, condition=conditions, seed=int(own))
        parts.append(keras.ops.convert_to_numpy(samples))
    return np.concatenate(parts)


def as_logs(results):
    """`Estimate`s by key as floats: `kid`, and `kid_standard_error` if it is known."""
    logs = {}
    for key, estimate in results.items():
        logs[key] = float(estimate.value)
        if not math.isnan(estimate.standard_error):
            logs[f"{key}_standard_error"] = float(estimate.standard_error)
    return logs


def check_clip(clip):
    """Returns a pair of numbers in their order, or `None`."""
    if clip is not None and (not isinstance(clip, (tuple, list)) or len(clip) != 2 or not clip[0] < clip[1]):
        raise refusal("`clip` should be (low, high) or None", clip=clip)
    return clip


def check_condition(condition, num_samples):
    """Refuses a condition that has not one row per sample."""
    if condition is not None and np.shape(condition)[:1] != (num_samples,):
        mismatch = f"a condition of shape {np.shape(condition)} for {num_samples} samples"
        raise refusal("there should be one condition per sample", mismatch)
