"""Data: named sets as arrays, and the pipeline that feeds training."""

from keras_dl.data import augment, segmentation
from keras_dl.data.coordinates import pixels
from keras_dl.data.datasets import NAMES, load
from keras_dl.data.pipeline import pipeline
from keras_dl.data.points import centres, sample_points
from keras_dl.data.spec import DataSpec

__all__ = ["NAMES", "DataSpec", "augment", "centres", "load", "pipeline", "pixels", "sample_points", "segmentation"]
