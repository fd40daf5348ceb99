"""Metrics: what a result is worth."""

from keras_dl.metrics.divergences import Estimate, f_divergence, jensen_shannon_divergence, kl_divergence
from keras_dl.metrics.equivariance import (
    deformation_sensitivity,
    rotation_equivariance_error,
    shift_consistency,
    shift_equivariance_error,
)
from keras_dl.metrics.psnr import PSNR

__all__ = [
    "PSNR",
    "Estimate",
    "deformation_sensitivity",
    "f_divergence",
    "jensen_shannon_divergence",
    "kl_divergence",
    "rotation_equivariance_error",
    "shift_consistency",
    "shift_equivariance_error",
]
