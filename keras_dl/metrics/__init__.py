"""Metrics: what a result is worth."""

from typing import TYPE_CHECKING

from keras_dl import lazy
from keras_dl.metrics.clusters import adjusted_rand_index, normalized_mutual_information, silhouette
from keras_dl.metrics.directions import direction
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
from keras_dl.metrics.image_quality import (
    feature_distance,
    luma,
    multiscale_structural_similarity,
    peak_signal_noise_ratio,
    structural_similarity,
)
from keras_dl.metrics.inception_score import InceptionScore, inception_score
from keras_dl.metrics.kernel import KID, kernel_distance
from keras_dl.metrics.modes import ModeCoverage, mode_coverage
from keras_dl.metrics.nearest_neighbours import knn_accuracy
from keras_dl.metrics.neighbours import DensityCoverage, PrecisionRecall, density_coverage, precision_recall
from keras_dl.metrics.path_length import perceptual_path_length
from keras_dl.metrics.psnr import PSNR
from keras_dl.metrics.roc import roc_auc
from keras_dl.metrics.sample_metric import SampleMetric, compare, measure, represent
from keras_dl.metrics.segmentation import Dice, IoU
from keras_dl.metrics.segmentation_rand import RandScore, foreground_rand_score, maximal_rand_score, rand_score
from keras_dl.metrics.segmentation_scores import dice_score, iou_score, pixel_error
from keras_dl.metrics.segmentation_surfaces import (
    average_surface_distance,
    hausdorff_95,
    hausdorff_distance,
    surface_dice,
    surface_distances,
)
from keras_dl.metrics.wasserstein import SlicedWasserstein, Wasserstein2, sliced_wasserstein, wasserstein_2

if TYPE_CHECKING:
    from keras_dl.metrics.divergences import f_divergence, jensen_shannon_divergence, kl_divergence

__getattr__, __dir__ = lazy.attributes(  # tfp takes more than a second
    __name__, {"divergences": ("f_divergence", "jensen_shannon_divergence", "kl_divergence")}
)

__all__ = [
    "FID",
    "KID",
    "PSNR",
    "DensityCoverage",
    "Dice",
    "Estimate",
    "Features",
    "InceptionScore",
    "IoU",
    "ModeCoverage",
    "PrecisionRecall",
    "RandScore",
    "SampleMetric",
    "SlicedWasserstein",
    "Wasserstein2",
    "adjusted_rand_index",
    "average_surface_distance",
    "compare",
    "deformation_sensitivity",
    "density_coverage",
    "direction",
    "dice_score",
    "f_divergence",
    "feature_distance",
    "foreground_rand_score",
    "frechet_distance",
    "hausdorff_95",
    "hausdorff_distance",
    "inception_features",
    "inception_score",
    "iou_score",
    "jensen_shannon_divergence",
    "kernel_distance",
    "kl_divergence",
    "knn_accuracy",
    "luma",
    "maximal_rand_score",
    "measure",
    "mode_coverage",
    "multiscale_structural_similarity",
    "normalized_mutual_information",
    "peak_signal_noise_ratio",
    "perceptual_path_length",
    "pixel_error",
    "precision_recall",
    "rand_score",
    "represent",
    "roc_auc",
    "rotation_equivariance_error",
    "shift_consistency",
    "shift_equivariance_error",
    "silhouette",
    "sliced_wasserstein",
    "structural_similarity",
    "surface_dice",
    "surface_distances",
    "train_features",
    "wasserstein_2",
    "with_features",
]
