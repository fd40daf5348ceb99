"""Metrics: what a result is worth."""

from keras_dl.metrics.divergences import f_divergence, jensen_shannon_divergence, kl_divergence
from keras_dl.metrics.equivariance import (
    deformation_sensitivity,
    rotation_equivariance_error,
    shift_consistency,
    shift_equivariance_error,
)
from keras_dl.metrics.estimate import Estimate
from keras_dl.metrics.feature_networks import inception_features, train_features
from keras_dl.metrics.features import Features, with_features
from keras_dl.metrics.frechet import FID, frechet_distance
from keras_dl.metrics.inception_score import InceptionScore, inception_score
from keras_dl.metrics.kernel import KID, kernel_distance
from keras_dl.metrics.modes import ModeCoverage, mode_coverage
from keras_dl.metrics.nearest_neighbours import knn_accuracy
from keras_dl.metrics.neighbours import DensityCoverage, PrecisionRecall, density_coverage, precision_recall
from keras_dl.metrics.psnr import PSNR
from keras_dl.metrics.sample_metric import SampleMetric, compare, measure, represent
from keras_dl.metrics.wasserstein import SlicedWasserstein, Wasserstein2, sliced_wasserstein, wasserstein_2

__all__ = [
    "FID",
    "KID",
    "PSNR",
    "DensityCoverage",
    "Estimate",
    "Features",
    "InceptionScore",
    "ModeCoverage",
    "PrecisionRecall",
    "SampleMetric",
    "SlicedWasserstein",
    "Wasserstein2",
    "compare",
    "deformation_sensitivity",
    "density_coverage",
    "f_divergence",
    "frechet_distance",
    "inception_features",
    "inception_score",
    "jensen_shannon_divergence",
    "kernel_distance",
    "kl_divergence",
    "knn_accuracy",
    "measure",
    "mode_coverage",
    "precision_recall",
    "represent",
    "rotation_equivariance_error",
    "shift_consistency",
    "shift_equivariance_error",
    "sliced_wasserstein",
    "train_features",
    "wasserstein_2",
    "with_features",
]
