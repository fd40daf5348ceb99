"""How good a model's samples are, beside held-out data: the metrics that `apps.evaluate` prints for generators."""

import warnings
from pathlib import Path

import keras
import numpy as np
from rich.markup import escape

from apps import progress
from apps.cli import UserError, user_errors
from keras_dl import metrics, networks
from keras_dl.callbacks import draw_samples
from keras_dl.callbacks.sample_metrics import as_logs
from keras_dl.data import centres

NUM_SAMPLES = 10_000
DEVIATION = 0.05  # of the modes of keras_dl.data's mixtures
LARGEST_TRANSPORT = 2000
INCEPTION = "inception_v3"


def sample_quality(model, data, folder, arguments):
    """Draws samples and compares them with held-out data.

    Returns:
        Two dicts: what is written, numbers and texts by key, and what is shown, texts by title.
    """
    count = NUM_SAMPLES if arguments.num_samples is None else arguments.num_samples
    found, features = {"num_samples": count}, None
    if len(data.spec.shape) == 3:
        features = features_for(data, folder, arguments)
        chosen = image_metrics(features)
    else:
        chosen = point_metrics(data.name)
    if features is not None:
        found |= _describe(features, data)
    condition = np.resize(data.y_test, count) if data.conditional else None
    samples = draw_samples(model, count, condition, seed=0)
    with warnings.catch_warnings(record=True) as notes, user_errors(ValueError, ImportError):
        warnings.simplefilter("always", UserWarning)
        estimates = metrics.measure(chosen, data.x_test, samples)
    for note in notes:
        progress.console.print(f"[dim]{note.message}[/dim]")
    titles = {key: escape(metric.title(key)) for metric in chosen for key in metric.titles}
    shown = {titles[key]: f"{value:.4f} ± {error:.4f}" for key, (value, error) in estimates.items()}
    return found | as_logs(estimates), shown


def image_metrics(features):
    compared = [metrics.SlicedWasserstein()]
    if features is None:
        return compared
    scores = [metrics.InceptionScore(features)] if features.has_probabilities else []
    kinds = (metrics.FID, metrics.KID, metrics.PrecisionRecall, metrics.DensityCoverage)
    return [*(kind(features) for kind in kinds), *scores, *compared]


def point_metrics(name):
    compared = [metrics.Wasserstein2(max_samples=LARGEST_TRANSPORT), metrics.SlicedWasserstein()]
    try:
        return [metrics.ModeCoverage(centres(name), DEVIATION), *compared]
    except ValueError:  # not a mixture
        return compared


def features_for(data, folder, arguments):
    """The features by which images are compared; None where there are none for this data."""
    with user_errors(ValueError, OSError):
        if arguments.features == INCEPTION:
            return metrics.inceptionfeatures_for(data.spec.shape)
        name = f"lenet-{data.name}"
        path = Path(arguments.features or folder.path / f"{name}.keras")
        if data.y is None:
            return _read(path, data, given=arguments.features)
        if not path.is_file():
            progress.console.print(f"training {name}, by whose features samples are compared, once: into {path}")
        keras.utils.set_random_seed(0)
        network = networks.lenet5(data.spec.shape, data.spec.num_classes)
        return metrics.train_features(network, data.x, data.y, name, path)


def _read(path, data, given):
    """Features for images without labels, of which none can be trained."""
    if given is None:
        progress.console.print(f"{data.name} has no labels to train features by: give some as --features")
        return None
    if not path.is_file():
        raise UserError(f"{path} does not exist, and {data.name} has no labels to train features by")
    return metrics.Features.load(path)


def _describe(features, data):
    """What is written about the features, which is also printed."""
    found = {"features": features.name, "features_fingerprint": features.fingerprint}
    text = f"features: {features.name}, weights {features.fingerprint}"
    if features.name != INCEPTION and data.y_test is not None and features.has_probabilities:
        found["features_accuracy"] = features.accuracy(data.x_test, data.y_test)
        text += f", right about {found['features_accuracy']:.2%} of the held-out images"
    progress.console.print(text)
    return found
