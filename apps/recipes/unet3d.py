"""Volumes segmented voxel by voxel by a 3D U-Net (Cicek et al. 2016).

    python -m apps.train unet3d --out runs/unet3d
    python -m apps.train unet3d --dataset msd_hippocampus --preset msd_hippocampus --out runs/hippocampus

As `unet`, but patches, convolutions and windows have three axes: by default of made-up blobs, of a named set, or of a
folder of NIfTI files (--data FOLDER). `nnunet` chooses by itself what here is given.

About a minute of processor time. Four held-out volumes of blobs, seed 0: Dice 0.891 (rim) and 0.910 (core).
"""

import keras_dl
from apps.recipes import unet
from keras_dl.checks import refusal
from keras_dl.data import segmentation
from keras_dl.runs import Name

DATASET = "blobs3d"
PRESETS = {
    "msd_hippocampus": {"patch_size": 48, "filters": 16, "batch_size": 2, "steps": 100, "epochs": 20},
}


def plan(hp, data_spec):
    """Returns the plan by which volumes are prepared and cut into cubes, no larger than they are."""
    layout = segmentation.plan(data_spec.fingerprint)
    if len(layout.patch_size) != 3:
        raise refusal("unet3d expects volumes", f"images of shape {data_spec.shape}")
    edge = hp.Int(Name("patch_size", "edge of the patches in pixels"), 8, 256, step=8, default=24)
    multiples = [8 * -(-size // 8) for size in layout.median_shape]
    patch_size = tuple(min(edge, multiple) for multiple in multiples)
    return unet.planned(hp, layout, patch_size, fit_options(hp)["batch_size"])


def build(hp, data_spec):
    """Returns a compiled 3D U-Net for patches of the plan."""
    layout = plan(hp, data_spec)
    shape = (*layout.patch_size, len(layout.normalizations))
    network = keras_dl.networks.unet3d(shape, layout.num_classes, layout.filters, normalization=unet.normalization(hp))
    return unet.compiled(hp, network, layout, fit_options(hp))


def fit_options(hp):
    """Returns how patches are drawn, how many, and which fold of the cases is left out."""
    return unet.fit_options(hp, batch_size=2, epochs=8)


TASK = keras_dl.tasks.Segmentation(plan)
