"""Segmentation data: folders of scans, plans by nnU-Net's rules, patches to train on, and whole cases predicted."""

from keras_dl.data.segmentation.augmentations import AUGMENTATIONS, augmentation
from keras_dl.data.segmentation.case import Case
from keras_dl.data.segmentation.file_names import taken
from keras_dl.data.segmentation.fingerprint import Fingerprint, Intensities, fingerprint
from keras_dl.data.segmentation.folder import Folder, open_folder
from keras_dl.data.segmentation.folds import count_folds, divide, fold, read_groups
from keras_dl.data.segmentation.labels import IGNORED
from keras_dl.data.segmentation.named import NAMES, load
from keras_dl.data.segmentation.patches import Patches, at_stride
from keras_dl.data.segmentation.plan import Plan, plan
from keras_dl.data.segmentation.prediction import segment
from keras_dl.data.segmentation.preprocessing import Prepared, prepare, restore
from keras_dl.data.segmentation.resampling import resample, resample_labels
from keras_dl.data.segmentation.sliding_window import sliding_window
from keras_dl.data.segmentation.store import Store

__all__ = [
    "AUGMENTATIONS",
    "IGNORED",
    "NAMES",
    "Case",
    "Fingerprint",
    "Folder",
    "Intensities",
    "Patches",
    "Plan",
    "Prepared",
    "Store",
    "at_stride",
    "augmentation",
    "count_folds",
    "divide",
    "fingerprint",
    "fold",
    "load",
    "open_folder",
    "plan",
    "prepare",
    "read_groups",
    "resample",
    "resample_labels",
    "restore",
    "segment",
    "sliding_window",
    "taken",
]
