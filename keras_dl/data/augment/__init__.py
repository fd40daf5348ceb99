"""Random changes of images and volumes, and of their masks with them, that a seed decides.

    transforms = [augment.Flip(), augment.Affine(rotation=15, scale=0.1), augment.Noise(0.05)]
    dataset = augment.augmented(keras_dl.data.pipeline(x, y, batch_size=32), transforms, seed=0)

Images are `(batch, height, width, channels)`, volumes `(batch, depth, height, width, channels)`. What a batch becomes
is a function of seed, epoch and place, so that a resumed run sees what it would have seen. Keras' own augmentation
layers, which have random states of their own, become such functions in `KerasLayer`.
"""

from keras_dl.data.augment.apply import augment, augmented
from keras_dl.data.augment.base import Transform
from keras_dl.data.augment.compression import JPEG
from keras_dl.data.augment.geometry import Affine, CropAndPad, Flip
from keras_dl.data.augment.intensity import Contrast, Gamma, Intensity, Noise
from keras_dl.data.augment.keras_layer import KerasLayer
from keras_dl.data.augment.resolution import Blur, LowResolution
from keras_dl.data.augment.warping import Elastic, Perspective

__all__ = [
    "JPEG",
    "Affine",
    "Blur",
    "Contrast",
    "CropAndPad",
    "Elastic",
    "Flip",
    "Gamma",
    "Intensity",
    "KerasLayer",
    "LowResolution",
    "Noise",
    "Perspective",
    "Transform",
    "augment",
    "augmented",
]
