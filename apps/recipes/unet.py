"""Images segmented pixel by pixel by a U-Net (Ronneberger et al. 2015).

    python -m apps.train unet --out runs/unet
    python -m apps.train unet --data FOLDER --out runs/mine

Trains on patches of images and masks: by default of made-up blobs, of a named set (--dataset isbi2012), or of a folder
with images/ and masks/ as PNG, TIFF or NIfTI files, in which volumes are cut into slices. A fifth of the cases is held
out (--set fold=0 to 4). At the end the held-out cases are segmented whole, by overlapping windows: `cases.csv` and a
table with the Dice score and the 95th percentile Hausdorff distance of every class, overlays, and the masks as files
like those of the folder. `python -m apps.segment runs/unet --data FOLDER` segments others.

About a minute of processor time. Six held-out images of blobs, seed 0: Dice 0.908 (rim) and 0.980 (core).
"""

import keras

import keras_dl
from apps.recipes import vae
from keras_dl.data import segmentation
from keras_dl.runs import Name

DATASET = "blobs"
PRESETS = {
    "isbi2012": {
        "patch_size": 192,
        "filters": 16,
        "levels": 5,
        "augmentation": "elastic",
        "batch_size": 4,
        "steps": 50,
        "epochs": 20,
    },
}
NORMALIZATIONS = {"none": None, "batch": "batch", "instance": "instance"}


def plan(hp, data_spec):
    """Returns the plan by which images are prepared and cut into patches; volumes become slices."""
    edge = hp.Int(Name("patch_size", "edge of the patches in pixels"), 16, 1024, step=16, default=64)
    layout = segmentation.plan(data_spec.fingerprint, dimensions=2)
    return planned(hp, layout, (edge, edge), fit_options(hp)["batch_size"])


def build(hp, data_spec):
    """Returns a compiled U-Net for patches of the plan."""
    layout = plan(hp, data_spec)
    networks = {"unet": keras_dl.networks.unet, "unet_plus_plus": keras_dl.networks.unet_plus_plus}
    kind = hp.Choice(Name("network", "kind of network"), list(networks))
    options = {"residual": hp.Boolean(Name("residual", "add what convolutions take to what they give"))}
    if kind == "unet":
        options["attention"] = hp.Boolean(Name("attention", "pass skip connections through gates"))
        options["dropout"] = hp.Float(Name("dropout", "share of features dropped in training"), 0.0, 0.8, default=0.0)
    shape = (*layout.patch_size, len(layout.normalizations))
    network = networks[kind](shape, layout.num_classes, layout.filters, normalization=normalization(hp), **options)
    return compiled(hp, network, layout, fit_options(hp))


def fit_options(hp, batch_size=8, epochs=12, steps=25):
    """Returns how patches are drawn, how many, and which fold of the cases is left out."""
    return {
        "batch_size": hp.Int(Name("batch_size", "patches per step"), 1, 256, default=batch_size, sampling="log"),
        "mirroring": hp.Boolean(Name("mirroring", "train and predict with mirror images"), default=True),
        "augmentation": hp.Choice(
            Name("augmentation", "how patches are changed at random"),
            list(segmentation.AUGMENTATIONS),
            default="elastic",
        ),
        "foreground": 1 / 3,
        "deep_supervision": False,
        **schedule(hp, epochs, steps),
    }


def planned(hp, layout, patch_size, batch_size):
    """Returns a plan with other patches, and levels each twice as coarse as the one above."""
    levels = hp.Int(Name("levels", "number of resolutions"), 2, 6, default=4)
    first = hp.Int(Name("filters", "channels at full resolution"), 2, 128, default=16, sampling="log")
    return layout._replace(
        patch_size=patch_size,
        batch_size=batch_size,
        pool_sizes=((2,) * len(patch_size),) * (levels - 1),
        kernel_sizes=((3,) * len(patch_size),) * levels,
        filters=tuple(first * 2**level for level in range(levels)),
    )


def schedule(hp, epochs, steps):
    """Returns the epochs, the steps of each, and the fold, which no search changes."""
    return {
        "epochs": hp.Fixed(Name("epochs", "passes over the training data"), epochs),
        "steps": hp.Fixed(Name("steps", "batches per epoch"), steps),
        "fold": hp.Fixed(Name("fold", "which fold of the cases is held out"), 0),
    }


def normalization(hp):
    """Returns how convolutions are normalised; instances are the same on any number of replicas."""
    name = hp.Choice(
        Name("normalization", "normalisation after convolutions"), list(NORMALIZATIONS), default="instance"
    )
    return NORMALIZATIONS[name]


def compiled(hp, network, layout, options):
    """Returns a model with Dice loss and cross-entropy, trained by Adam along a cosine."""
    model = keras_dl.models.Supervised(network, ema_momentum=vae.ema_momentum(hp))
    rate = hp.Float(Name("learning_rate", "step size at the beginning"), 1e-5, 1e-1, default=2e-3, sampling="log")
    rate = keras.optimizers.schedules.CosineDecay(rate, options["epochs"] * options["steps"])
    model.compile(keras.optimizers.Adam(rate), loss=loss(hp), metrics=[dice(layout)])
    return model


def loss(hp):
    """Returns the sum of Dice loss and cross-entropy with the Dice loss's share of it."""
    share = hp.Float(Name("dice_weight", "share of the Dice loss"), 0.0, 1.0, default=0.5)
    return keras_dl.losses.DiceCrossEntropy(dice_weight=2 * share, cross_entropy_weight=2 * (1 - share))


def dice(layout):
    """Returns the mean Dice score of all classes but the background."""
    return keras_dl.metrics.Dice(layout.num_classes, include_background=False, name="dice")


TASK = keras_dl.tasks.Segmentation(plan)
