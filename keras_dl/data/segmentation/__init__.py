"""Segmentation data: fingerprints of data sets, plans by nnU-Net's rules, and windows over large images."""

from keras_dl.data.segmentation.case import Case
from keras_dl.data.segmentation.fingerprint import Fingerprint, Intensities, fingerprint
from keras_dl.data.segmentation.folder import Folder, open_folder
from keras_dl.data.segmentation.plan import Plan, plan
from keras_dl.data.segmentation.sliding_window import sliding_window

__all__ = [
    "Case",
    "Fingerprint",
    "Folder",
    "Intensities",
    "Plan",
    "fingerprint",
    "open_folder",
    "plan",
    "sliding_window",
]
