"""Images for super-resolution and translation: folders, patches, pairs, and what makes large images small."""

from keras_dl.data.images import named
from keras_dl.data.images.degradation import Degradation
from keras_dl.data.images.folder import ImageFolder, Images, open_folder
from keras_dl.data.images.patches import ImagePatches
from keras_dl.data.images.resampling import bicubic, cropped, enlarged, reduced
from keras_dl.data.images.translation import open_pairs, open_unpaired, unpaired

__all__ = [
    "Degradation",
    "ImageFolder",
    "ImagePatches",
    "Images",
    "bicubic",
    "cropped",
    "enlarged",
    "named",
    "open_folder",
    "open_pairs",
    "open_unpaired",
    "reduced",
    "unpaired",
]
