"""Features and metrics by which samples are compared: a network trained on the data, or modes and transport."""

import re
import warnings
from pathlib import Path

import keras
import numpy as np

from keras_dl import metrics, networks
from keras_dl.callbacks import draw_samples
from keras_dl.checks import refusal
from keras_dl.data import centres
from keras_dl.tasks.measure import Measure, direction, of_estimate

NUM_SAMPLES = 10_000
DEVIATION = 0.05  # of the modes of keras_dl.data's mixtures
LARGEST_TRANSPORT = 2000
MOST_TRAINED_ON = 60_000  # samples from which features are learned
INCEPTION = "inception_v3"
#: Metrics that compare images by features, those that compare points with modes.
BY_FEATURES = ("kid", "fid", "precision", "recall", "density", "coverage", "inception_score")
BY_MODES = ("modes", "good_samples")


def sample_measures(model, data, context):
    """Draws samples and compares them with held-out data.

    Returns:
        Dict of `Measure`s by name, among them, unseen in tables, what the others rest on.
    """
    count = NUM_SAMPLES if context.num_samples is None else context.num_samples
    measures, features = {"num_samples": Measure(count, title="")}, None
    if len(data.spec.shape) == 3:
        features = features_for(data, context)
        chosen = image_metrics(features)
    else:
        chosen = point_metrics(data.name)
    if features is not None:
        measures |= _described(features, data, context.say)
    condition = np.resize(data.y_test, count) if data.conditional else None
    samples = within(range_of(features), draw_samples(model, count, condition, seed=0), context.say)
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always", UserWarning)
        estimates = metrics.measure(chosen, data.x_test, samples)
    for note in notes:
        context.say(str(note.message))
    titles = {key: metric.title(key) for metric in chosen for key in metric.titles}
    note = f"{count:,} samples beside the held-out ones; ± is one standard error"
    comparison = {key: of_estimate(estimate, direction(key), titles[key], note) for key, estimate in estimates.items()}
    return measures | comparison


def range_of(features):
    """Returns the range of the images that features are of, `(low, high)`, or None."""
    return None if features is None else features.value_range


def within(value_range, samples, say):
    """Returns samples whose values beyond a range are its ends, as pictures show them, and says how many are."""
    if value_range is None:
        return samples
    low, high = value_range
    share = np.mean((samples < low) | (samples > high))
    if share > 0:
        say(f"{share:.1%} of the samples' values lie beyond [{low:g}, {high:g}] and count as its ends")
    return np.clip(samples, low, high)


def image_metrics(features):
    """Returns the metrics of images: by features if there are some, and as they are."""
    plain = [metrics.SlicedWasserstein()]
    if features is None:
        return plain
    scores = [metrics.InceptionScore(features)] if features.has_probabilities else []
    kinds = (metrics.FID, metrics.KID, metrics.PrecisionRecall, metrics.DensityCoverage)
    return [*(kind(features) for kind in kinds), *scores, *plain]


def point_metrics(name):
    """Returns the metrics of points: of a mixture also its modes."""
    plain = [metrics.Wasserstein2(max_samples=LARGEST_TRANSPORT), metrics.SlicedWasserstein()]
    try:
        return [metrics.ModeCoverage(centres(name), DEVIATION), *plain]
    except ValueError:  # not a mixture
        return plain


def metric_names(data, features=None):
    """Returns the names of the metrics of samples that can be measured on data, the best known first.

    Args:
        data: `Arrays`.
        features: a file of features, or None: then images need labels to train some by.
    """
    if len(data.spec.shape) == 3:
        return [*(BY_FEATURES if features or data.y is not None else ()), "sliced_wasserstein"]
    keys = [key for metric in point_metrics(data.name) for key in metric.titles]
    return sorted(keys, key=lambda key: key in BY_MODES)


def metric_of(goal, data, context):
    """Returns the metric of samples that has a goal among its results."""
    if len(data.spec.shape) == 3:
        chosen = image_metrics(features_for(data, context) if goal in BY_FEATURES else None)
    else:
        chosen = point_metrics(data.name)
    matching = [metric for metric in chosen if goal in metric.titles]
    if not matching:
        raise refusal(f"{goal} needs features with class probabilities", f"{context.features!r}")
    return matching[0]


def features_for(data, context):
    """Returns the features by which images are compared; None if there are none for these data."""
    if context.features == INCEPTION:
        return metrics.inception_features(data.spec.shape)
    name = "lenet-" + re.sub("[^A-Za-z0-9_.-]", "_", data.name)  # of a folder, whose name may be anything
    path = context.features or (context.folder and Path(context.folder) / f"{name}.keras")
    path = path and Path(path)
    if data.y is None:
        return _read(path, data, context)
    if path and not path.is_file():
        context.say(f"training {name}, by whose features samples are compared, once: into {path}")
    keras.utils.set_random_seed(0)
    network = networks.lenet5(data.spec.shape, data.spec.num_classes)
    x, y = data.training(MOST_TRAINED_ON)
    return metrics.train_features(network, x, y, name, path)


def _read(path, data, context):
    """Features for images without labels, of which none can be trained."""
    if context.features is None:
        context.say(f"{data.name} has no labels to train features by: give some as --features")
        return None
    if not path.is_file():
        text = f"{path} does not exist, and {data.name} has no labels to train features by"
        raise refusal(text, f"{context.features!r}", error=FileNotFoundError)
    return metrics.Features.load(path)


def _described(features, data, say):
    """What is written about the features, which is also said."""
    measures = {"features": Measure(features.name, title="")}
    measures["features_fingerprint"] = Measure(features.fingerprint, title="")
    text = f"features: {features.name}, weights {features.fingerprint}"
    if features.name != INCEPTION and data.y_test is not None and features.has_probabilities:
        accuracy = features.accuracy(data.x_test, data.y_test)
        measures["features_accuracy"] = Measure(accuracy, title="")
        text += f", right about {accuracy:.2%} of the held-out images"
    say(text)
    return measures
