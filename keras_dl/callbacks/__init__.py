"""Callbacks: what to look at, and what to change, while a model trains."""

from keras_dl.callbacks.pictures import LatentInterpolation, SampleGrid, save_image_grid, save_samples
from keras_dl.callbacks.sample_metrics import SampleMetrics, draw_samples
from keras_dl.callbacks.sheets import image_grid, save_points
from keras_dl.callbacks.stop_on_kid import StopOnKID
from keras_dl.callbacks.training import CriticBalance, KLAnnealing, NanGuard, SwapAverages

__all__ = [
    "CriticBalance",
    "KLAnnealing",
    "LatentInterpolation",
    "NanGuard",
    "SampleGrid",
    "SampleMetrics",
    "StopOnKID",
    "SwapAverages",
    "draw_samples",
    "image_grid",
    "save_image_grid",
    "save_points",
    "save_samples",
]
