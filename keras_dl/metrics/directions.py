"""Directions of metrics: whether larger or smaller values are better."""

import difflib
import inspect
import re
from typing import Any

import keras

from keras_dl.checks import refusal
from keras_dl.metrics.frechet import FID
from keras_dl.metrics.inception_score import InceptionScore
from keras_dl.metrics.kernel import KID
from keras_dl.metrics.modes import ModeCoverage
from keras_dl.metrics.neighbours import DensityCoverage, PrecisionRecall
from keras_dl.metrics.psnr import PSNR
from keras_dl.metrics.segmentation import Dice, IoU
from keras_dl.metrics.wasserstein import SlicedWasserstein, Wasserstein2

SAMPLE_METRICS = (FID, KID, InceptionScore, ModeCoverage, DensityCoverage, PrecisionRecall, SlicedWasserstein)
SAMPLE_METRICS += (Wasserstein2,)
COMPILED_METRICS = (PSNR, Dice, IoU)
#: Results of our functions, and what models log of themselves.
FUNCTIONS = {
    "max": "knn_accuracy roc_auc dice_score iou_score rand_score foreground_rand_score maximal_rand_score "
    "shift_consistency log_prob elbo adjusted_rand_index normalized_mutual_information silhouette "
    "peak_signal_noise_ratio structural_similarity multiscale_structural_similarity ssim ms_ssim",
    "min": "frechet_distance kernel_distance wasserstein_2 pixel_error hausdorff_distance hausdorff_95 f_divergence "
    "jensen_shannon_divergence shift_equivariance_error rotation_equivariance_error deformation_sensitivity "
    "bits_per_dimension loss rate distortion feature_distance generator_l1",
}
#: Keras' metrics, and those of its losses that may be logged as metrics, by the names of their classes and functions.
KERAS = {
    "max": "Accuracy AUC BinaryAccuracy BinaryIoU CategoricalAccuracy ConcordanceCorrelation CosineSimilarity F1Score "
    "FBetaScore IoU MeanIoU OneHotIoU OneHotMeanIoU PearsonCorrelation Precision PrecisionAtRecall R2Score Recall "
    "RecallAtPrecision SensitivityAtSpecificity SparseCategoricalAccuracy SparseTopKCategoricalAccuracy "
    "SpecificityAtSensitivity TopKCategoricalAccuracy TrueNegatives TruePositives",
    "min": "BinaryCrossentropy BinaryFocalCrossentropy CategoricalCrossentropy CategoricalFocalCrossentropy "
    "CategoricalGeneralizedCrossEntropy CategoricalHinge Circle CTC FalseNegatives FalsePositives Hinge Huber "
    "KLDivergence LogCosh LogCoshError MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredError "
    "MeanSquaredLogarithmicError Poisson RootMeanSquaredError SparseCategoricalCrossentropy SquaredHinge Tversky",
}
SHORT = {"max": "acc", "min": "bce ce crossentropy kld mae mape mse msle"}
#: Other names of metrics.
ALIASES = {"mode_coverage": "modes", "wasserstein2": "w2"}


def direction(metric: Any) -> str:
    """Says whether larger or smaller values of a metric are better.

    A metric says so itself, by its attribute `direction`, `"max"` or `"min"`; Keras' own metrics and those that have
    only a name are looked up. A name is that of a metric: `"cosine_similarity"` is Keras' metric, which grows with the
    similarity, not the loss, which is its negative. Every loss is better if it is smaller, also that of one update or
    output, `"critic_loss"`.

    Args:
        metric: Name of a metric (a `val_` before it and a `_1` after it change nothing), a metric or a loss of Keras or
            of `keras_dl`, or the class of one.

    Returns:
        `"max"` or `"min"`.

    Raises:
        ValueError: If the metric is not known and has no attribute `direction`.

    Example:

    >>> direction("val_f1_score"), direction("kid"), direction(keras.losses.CosineSimilarity())
    ('max', 'min', 'min')
    """
    known = _of_name(metric) if isinstance(metric, str) else _of_object(metric)
    if known is None:
        raise refusal(
            "`metric` should be one of which is known whether larger or smaller values are better, such as "
            f"{', '.join(_near(metric))}; a metric says so itself by an attribute `direction`, and a search takes "
            "keras_tuner.Objective(name, direction) too",
            metric=metric,
        )
    return known


def logged_name(name):
    """The name by which `fit` logs a metric, without `val_`: `"f1_score"` for `"F1Score"`, `"modes"` for an alias."""
    name = str(name).removeprefix("val_")
    is_class = name != name.lower() and name != name.upper()
    return ALIASES.get(name, _snake_case(name) if is_class else name)


def _of_name(name):
    name = logged_name(name).removeprefix("weighted_")
    table, unnumbered = _table(), re.sub(r"_\d+$", "", name)
    loss_of_a_part = "min" if unnumbered.endswith("_loss") else None  # of an update, or of an output
    return table.get(_key(name)) or table.get(_key(unnumbered)) or loss_of_a_part


def _of_object(metric):
    """What a metric declares, or what is known of Keras' own classes and functions: a subclass may have turned it."""
    if getattr(metric, "direction", None) is not None:
        return metric.direction
    if type(metric) is keras.metrics.MeanMetricWrapper:
        metric = metric._fn
    part = metric if inspect.isclass(metric) or inspect.isfunction(metric) else type(metric)
    if inspect.isclass(part) and issubclass(part, keras.losses.Loss):
        return "min"
    package = part.__module__
    if package.startswith("keras.src.losses"):
        return "min"
    return _table().get(_key(part.__name__)) if package.startswith("keras.") else None


def _table():
    """Directions by `_key` of a name; ours come last, so that a metric of ours has its name to itself."""
    table = {}
    for names in (KERAS, SHORT, FUNCTIONS):
        for which, words in names.items():
            table |= {_key(name): which for name in words.split()}
    table |= {_key(name): kind.direction for kind in SAMPLE_METRICS for name in kind.titles}
    return table | {_key(kind.__name__): kind.direction for kind in COMPILED_METRICS}


def _key(name):
    """Names as they are compared: `MeanIoU`, `mean_io_u` and `mean_iou` are one."""
    return name.lower().replace("_", "")


def _snake_case(name):
    """A class's name as Keras makes it the name of its metrics."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()


def _near(metric):
    name = metric if isinstance(metric, str) else getattr(metric, "name", type(metric).__name__)
    names = [name for words in (*KERAS.values(), *FUNCTIONS.values()) for name in words.split()]
    names = [*map(_snake_case, names), *(name for kind in SAMPLE_METRICS for name in kind.titles), "psnr", "dice"]
    return difflib.get_close_matches(logged_name(name), names, n=3) or ["accuracy", "elbo", "kid", "loss"]
