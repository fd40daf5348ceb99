"""Directions of metrics: every metric's, and that a better prediction gets the better value."""

import inspect

import keras
import numpy as np
import pytest

from keras_dl import metrics
from keras_dl.metrics import direction, directions

BASES = {"Mean", "MeanMetricWrapper", "Metric", "Sum"}  # what these are worth is for others to say
HELPERS = {"deserialize", "get", "serialize"}


def public(module):
    return {name: part for name, part in vars(module).items() if callable(part) and name not in HELPERS}


KERAS_METRICS = public(keras.metrics)
KERAS_LOSSES = public(keras.losses)
ARGUMENTS = {
    "BinaryIoU": {},
    "IoU": {"num_classes": 2, "target_class_ids": [0, 1]},
    "MeanIoU": {"num_classes": 2},
    "OneHotIoU": {"num_classes": 2, "target_class_ids": [0, 1]},
    "OneHotMeanIoU": {"num_classes": 2},
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.9},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
    "TopKCategoricalAccuracy": {"k": 1},
    "SparseTopKCategoricalAccuracy": {"k": 1},
    "F1Score": {"average": "macro", "threshold": 0.5},
    "FBetaScore": {"average": "macro", "threshold": 0.5},
}


@pytest.mark.parametrize("name", sorted(KERAS_METRICS))
def test_every_metric_of_keras_has_a_direction_or_is_refused(name):
    part = KERAS_METRICS[name]
    if name in BASES:
        with pytest.raises(ValueError, match=r"larger or smaller.*keras_tuner.Objective\(name, direction\).*Received"):
            direction(part)
        return
    assert direction(name) == direction(part) in ("max", "min")
    if inspect.isclass(part):
        metric = part(**ARGUMENTS.get(name, {}))
        assert direction(metric) == direction(metric.name) == direction(part)
        known = {"up": "max", "down": "min"}.get(getattr(metric, "_direction", None))
        assert known in (None, direction(metric))  # what Keras' callbacks take it for


@pytest.mark.parametrize("name", sorted(KERAS_LOSSES))
def test_every_loss_of_keras_is_better_if_smaller(name):
    assert direction(KERAS_LOSSES[name]) == "min"
    if inspect.isclass(KERAS_LOSSES[name]) and name != "Loss":
        assert direction(KERAS_LOSSES[name]()) == "min"
    metric_of_that_name = {"cosine_similarity", "CosineSimilarity", "dice", "Dice"}
    assert name == "Loss" or direction(name) == ("max" if name in metric_of_that_name else "min")


BINARY = np.array([[0.0], [1.0], [1.0], [0.0], [1.0], [0.0]])
ONE_HOT = np.concatenate([1 - BINARY, BINARY], -1)
CERTAIN, WRONG = np.float32([0.1, 0.9, 0.8, 0.2, 0.7, 0.3]), np.float32([0.9, 0.4, 0.8, 0.2, 0.3, 0.7])
SPARSE = [name for name in KERAS_METRICS if name.startswith("Sparse")]
OF_CLASSES = {"CategoricalAccuracy", "CategoricalCrossentropy", "CategoricalHinge", "TopKCategoricalAccuracy"}
OF_CLASSES |= {"OneHotIoU", "OneHotMeanIoU", "F1Score", "FBetaScore", "CosineSimilarity", "KLDivergence"}
OF_ROWS = {"ConcordanceCorrelation", "PearsonCorrelation"}
OF_LABELS = {"Accuracy", "IoU", "MeanIoU"}


def predicted(name, values):
    """Targets and predictions of the form that a metric takes."""
    two = np.stack([1 - values, values], -1)
    if name in OF_CLASSES:
        return ONE_HOT, two
    if name in OF_ROWS:
        return BINARY.T, values[None]
    if name in SPARSE:
        return BINARY, two
    if name in OF_LABELS:
        return BINARY, np.rint(values)[:, None]
    return BINARY, values[:, None]


@pytest.mark.parametrize("name", sorted(set(KERAS_METRICS) - BASES - {n for n in KERAS_METRICS if n[0].islower()}))
def test_a_better_prediction_has_the_better_value(name):
    found = []
    for values in (CERTAIN, WRONG):
        metric = KERAS_METRICS[name](**ARGUMENTS.get(name, {}))
        metric.update_state(*predicted(name, values))
        found.append(float(metric.result()))
    assert found[0] != found[1]
    assert (found[0] > found[1]) == (direction(name) == "max"), found


def test_the_loss_and_the_metric_of_one_name_are_told_apart():
    y = np.float32([[1.0, 0.0]])
    assert float(keras.losses.CosineSimilarity()(y, y)) == -1.0
    assert direction(keras.losses.CosineSimilarity()) == direction(keras.losses.cosine_similarity) == "min"
    assert direction(keras.metrics.MeanMetricWrapper(keras.losses.cosine_similarity)) == "min"
    assert direction(keras.metrics.CosineSimilarity()) == direction("cosine_similarity") == "max"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *((name, "max") for name in ("f1_score", "val_f1_score", "r2_score", "mean_io_u", "mean_iou", "acc", "auc_1")),
        *((name, "max") for name in ("binary_io_u", "pearson_correlation", "concordance_correlation", "elbo", "dice")),
        *((name, "max") for name in ("weighted_accuracy", "val_precision_2", "knn_accuracy", "roc_auc", "psnr")),
        *((name, "min") for name in ("rate", "distortion", "loss", "mse", "val_mae", "weighted_mse", "logcosh", "w2")),
        *((name, "min") for name in ("wasserstein2", "bits_per_dimension", "fid", "hausdorff_95", "pixel_error")),
    ],
)  # fmt: skip
def test_names_are_known(name, expected):
    assert direction(name) == expected


@pytest.mark.parametrize("name", ["val_kidd", "loss_of_it", "real", "hit_rate", "", "_1"])
def test_other_names_are_refused(name):
    with pytest.raises(ValueError, match="should be one of which is known whether larger or smaller"):
        direction(name)


def ours():
    parts = [getattr(metrics, name) for name in metrics.__all__]
    kinds = [part for part in parts if inspect.isclass(part)]
    return [kind for kind in kinds if issubclass(kind, (metrics.SampleMetric, keras.metrics.Metric))]


def test_every_metric_of_ours_declares_its_direction():
    kinds = [kind for kind in ours() if kind is not metrics.SampleMetric]
    assert set(kinds) == {*directions.SAMPLE_METRICS, *directions.COMPILED_METRICS}
    for kind in kinds:
        assert kind.direction in ("max", "min")
        names = kind.titles if issubclass(kind, metrics.SampleMetric) else [kind.__name__.lower()]
        assert names and all(direction(name) == kind.direction for name in names)
        if issubclass(kind, keras.metrics.Metric):
            metric = kind() if kind is metrics.PSNR else kind(2)
            assert metric._direction == {"max": "up", "min": "down"}[kind.direction]


def test_a_metric_of_ones_own_says_its_direction():
    class Hits(keras.metrics.Mean):
        direction = "max"

    class Unsaid(keras.metrics.MeanSquaredError):
        """Of a subclass, which may have turned the value over, nothing is taken for granted."""

    assert direction(Hits()) == direction(Hits) == "max"
    with pytest.raises(ValueError, match="attribute `direction`"):
        direction(Unsaid())


def test_early_stopping_knows_the_direction_of_compiled_metrics():
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    network.compile("sgd", "mse", metrics=[metrics.IoU(2)])
    stop = keras.callbacks.EarlyStopping("iou")
    network.fit(np.zeros((4, 3)), np.zeros((4, 2)), verbose=0, epochs=1, callbacks=[stop])
    assert bool(stop.monitor_op(2.0, 1.0))
