"""Data: named sets as arrays, files that stay on disk, and the pipeline that feeds training."""

from keras_dl.data import augment, images, segmentation
from keras_dl.data.coordinates import pixels
from keras_dl.data.datasets import NAMES, load
from keras_dl.data.disk import DataError
from keras_dl.data.disk.opening import open
from keras_dl.data.pipeline import pipeline
from keras_dl.data.points import centres, sample_points
from keras_dl.data.spec import DataSpec

__all__ = [
    "NAMES", "DataError", "DataSpec", "augment", "centres", "images", "load", "open", "pipeline", "pixels",
    "sample_points", "segmentation",
]  # fmt: skip
