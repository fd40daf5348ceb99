"""By what a search compares trials: what a recipe offers, and the callbacks that measure it."""

from typing import NamedTuple

import keras
import keras_tuner as kt

from apps import evaluation, sample_quality
from apps.cli import UserError, user_errors
from apps.scans import Scans
from keras_dl import objectives, runtime
from keras_dl.callbacks import SampleMetrics

BY_FEATURES = ("kid", "fid", "precision", "recall", "density", "coverage", "inception_score")
BY_MODES = ("modes", "good_samples")
#: What would change the meaning of an objective, and not how good a model is: it is not searched for it.
MEANING = {
    "elbo": ("likelihood",),
    "log_prob": ("likelihood",),
    "loss": ("likelihood", "beta", "warm_up_epochs", "num_samples"),
}
MOST_SAMPLES = 2000
MEASUREMENTS = 10


class Goal(NamedTuple):
    """What a search is after.

    Attributes:
        name: the metric, such as `"kid"`.
        objective: the `keras_tuner.Objective` of its held-out value.
        unsearched: names of hyperparameters that would change what the metric means.
    """

    name: str
    objective: kt.Objective
    unsearched: tuple

    @classmethod
    def choose(cls, name, offers):
        """The objective of that name, or the first that is offered; another is refused.

        Args:
            name: a text from the command line, or None.
            offers: list of names; see `offered`.
        """
        known = offers[0] if name is None else canonical(name)
        if known not in offers:
            raise UserError(f"{name!r} is no objective of this recipe on these data; there are: {', '.join(offers)}")
        return cls(known, runtime.objective(known), MEANING.get(known, ()))


def canonical(name):
    """The name that a metric is logged by, without `val_`; of one that is not known, the name itself."""
    try:
        return runtime.objective(name, held_out=False).name
    except ValueError:
        return name


def offered(model, data, options, features=None):
    """The metrics by which a recipe's trials can be compared, the best known first.

    Args:
        model: a model that the recipe built.
        data: `apps.data.Data`.
        options: the recipe's `fit_options`.
        features: a file of features that was given, or None.
    """
    if hasattr(model, "log_prob"):
        importance = isinstance(model.objective, objectives.IWAE)
        # The importance-weighted bound grows with its number of samples, and the ELBO is not what trains it.
        bounds = ["log_prob", "elbo", "loss"] if importance else ["elbo", "log_prob", "loss"]
        return bounds + _of_samples(data, features)
    if hasattr(model, "sample"):
        return _of_samples(data, features)
    found = model.evaluate(*data.glance(options), verbose=0, return_dict=True)
    return sorted(filter(_has_direction, found), key=lambda name: name == "loss")


def measures(goal, data, folder, arguments, epochs, options):
    """The callbacks that put the objective into the logs of an epoch, where validation does not.

    Args:
        goal: `Goal`.
        data: `apps.data.Data`.
        folder: folder in which features are kept, once trained.
        arguments: the command line's, of which `features` is read.
        epochs: the largest number of epochs of a trial, in which it is measured about ten times, and at its end.
        options: the recipe's `fit_options`.
    """
    every = -(-epochs // MEASUREMENTS)
    if goal.name == "log_prob":
        return [LogProb(data, options, every)]
    if isinstance(data, Scans) or goal.name not in _of_samples(data, features=True):
        return []
    images = len(data.spec.shape) == 3
    features = sample_quality.features_for(data, folder, arguments) if goal.name in BY_FEATURES else None
    chosen = sample_quality.image_metrics(features) if images else sample_quality.point_metrics(data.name)
    found = [metric for metric in chosen if goal.name in metric.titles]
    if not found:
        raise UserError(f"{goal.name} needs features with class probabilities")
    count = min(len(data.x_test), MOST_SAMPLES)
    condition = data.y_test[:count] if data.conditional else None
    with user_errors(ValueError):
        return [SampleMetrics(found, data.x_test[:count], count, condition, every)]


class LogProb(keras.callbacks.Callback):
    """Logs log p(x) of the held-out data, by importance sampling, as `val_log_prob`.

    Args:
        data: `apps.data.Data`.
        options: the recipe's `fit_options`.
        every: after every so many epochs, and after the last one.
    """

    def __init__(self, data, options, every=1):
        super().__init__()
        self.data, self.every = data, every
        self.held_out = data.pipelines({**options, "batch_size": evaluation.ROWS}, seed=0)[1]

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every == 0 or epoch + 1 == self.params["epochs"]:
            logs["val_log_prob"] = evaluation.log_prob(self.model, self.data, self.held_out, evaluation.LATENTS)[0]


def _of_samples(data, features):
    """Names of the metrics of samples that can be measured on these data."""
    if len(data.spec.shape) == 3:
        return [*(BY_FEATURES if features or data.y is not None else ()), "sliced_wasserstein"]
    keys = [key for metric in sample_quality.point_metrics(data.name) for key in metric.titles]
    return sorted(keys, key=lambda key: key in BY_MODES)


def _has_direction(name):
    try:
        return bool(runtime.objective(name).direction)
    except ValueError:
        return False
