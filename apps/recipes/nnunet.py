"""A U-Net that plans itself from the scans that it is given (nnU-Net; Isensee et al. 2021).

    python -m apps.train nnunet --out runs/nnunet
    python -m apps.train nnunet --data FOLDER --out runs/mine
    python -m apps.segment runs/mine --data OTHER --out predictions

From spacings, sizes, intensities and classes of the scans follow spacing, patch, batch, depth, kernels and channels
(`fit.plan` in config.json). Training follows the publication: Dice loss and cross-entropy at several resolutions,
Nesterov momentum 0.99, a rate that falls by `(1 - t)^0.9`, a third of the patches on foreground, nnU-Net's
augmentation. A fold of five is held out, segmented whole at the end and compared; --folds trains all five, one after
another, and apps.segment takes them as an ensemble.

About a minute of processor time. Four held-out volumes of blobs, seed 0: Dice 0.871 (rim) and 0.841 (core).

    python -m apps.train nnunet --dataset msd_hippocampus --preset laptop --out runs/hippocampus

2,500 steps of two patches, a hundredth of the published training (1,000 epochs of 250 steps of nine), with half the
channels and without mirroring, which would make front and back alike: half an hour on two busy cores. The 52 cases of
fold 0, seed 0: Dice 0.881 (0.891 anterior, 0.872 posterior), 95th percentile Hausdorff distance 1.43 mm. The run before
it, 3,000 steps with mirroring, had 0.871 on the same cases, by which mirroring was left out. nnU-Net's authors report
0.89 to 0.90. Figures: benchmarks/results/hippocampus.json.
"""

import keras

import keras_dl
from apps.recipes import unet
from keras_dl.data import segmentation
from keras_dl.runs import Name

DATASET = "blobs3d"
PRESETS = {
    "published": {"epochs": 1000, "steps": 250, "filters": 32, "batch_size": 0, "memory_budget": 8.0},
    "laptop": {"epochs": 25, "steps": 100, "filters": 16, "batch_size": 2, "memory_budget": 8.0, "mirroring": False},
}


def plan(hp, data_spec):
    """Returns nnU-Net's plan within a budget of memory, with channels as asked for and a batch if one is given."""
    budget = hp.Float(Name("memory_budget", "GB of memory to plan for"), 0.05, 80.0, default=8.0, sampling="log")
    dimensions = "all"
    if len(data_spec.shape) == 4:
        dimensions = hp.Choice(Name("dimensions", "volumes as they are, or slice by slice"), ["all", "slices"])
    layout = segmentation.plan(data_spec.fingerprint, budget, dimensions=2 if dimensions == "slices" else None)
    first = hp.Int(Name("filters", "channels at full resolution"), 4, 64, default=16, sampling="log")
    channels = tuple(width * first // layout.filters[0] for width in layout.filters)
    return layout._replace(filters=channels, batch_size=fit_options(hp)["batch_size"] or layout.batch_size)


def build(hp, data_spec):
    """Returns a compiled network for the plan, which predicts at several resolutions."""
    layout = plan(hp, data_spec)
    model = keras_dl.models.Supervised(keras_dl.networks.create(**layout.network))
    rate = hp.Float(Name("learning_rate", "step size at the beginning"), 1e-4, 1.0, default=1e-2, sampling="log")
    options = fit_options(hp)
    rate = keras.optimizers.schedules.PolynomialDecay(rate, options["epochs"] * options["steps"], 0.0, power=0.9)
    momentum = hp.Float(Name("momentum", "decay of SGD's summed gradient"), 0.0, 0.999, default=0.99)
    weights, metrics = list(layout.loss_weights), [unet.dice(layout)]
    model.compile(
        keras.optimizers.SGD(rate, momentum, nesterov=True, weight_decay=3e-5, global_clipnorm=12.0),
        loss=unet.loss(hp) if len(weights) == 1 else [unet.loss(hp) for _ in weights],
        loss_weights=None if len(weights) == 1 else weights,
        metrics=metrics if len(weights) == 1 else [metrics, *[[]] * (len(weights) - 1)],
    )
    return model


def fit_options(hp):
    """Returns how patches are drawn, how many, and which fold of the cases is left out; a batch of 0 is the plan's."""
    return {
        "batch_size": hp.Int(Name("batch_size", "patches per step; 0 for the plan's number"), 0, 64, default=0),
        "mirroring": hp.Boolean(Name("mirroring", "train and predict with mirror images"), default=True),
        "augmentation": hp.Choice(
            Name("augmentation", "how patches are changed at random"),
            list(segmentation.AUGMENTATIONS),
            default="nnunet",
        ),
        "foreground": 1 / 3,
        "deep_supervision": True,
        **unet.schedule(hp, epochs=8, steps=25),
    }


TASK = keras_dl.tasks.Segmentation(plan)
