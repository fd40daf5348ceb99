"""Images translated by pairs (pix2pix; Isola et al. 2017).

    python -m apps.train pix2pix --out runs/pix2pix
    python -m apps.train pix2pix --data FOLDER --out runs/mine

Trains a U-Net against a critic of patches: by default from the edges of digits (Sobel's gradient) to the digits, of
another named set in grey likewise, of one in colour from its grey version to its colours, or of a folder of pairs:
pictures of source and target side by side, or two folders, source and target, each grey or in colour. Held-out
translations are measured at the end and drawn in `translations.png`.

    KERAS_DL_DATA=DATA python -m apps.train pix2pix --dataset fashion_mnist --epochs 5 --out runs/fashion
    KERAS_DL_DATA=DATA python -m apps.train pix2pix --dataset cifar10_subset --set dropout=0.2 --out runs/colours
"""

import keras

import keras_dl
from keras_dl.runs import Name

DATASET = "digits"
PRESETS = {}


def build(hp, data_spec):
    """Returns a compiled model from sources to targets of the data's shapes."""
    halvings = min((side & -side).bit_length() - 1 for side in data_spec.shape[:2])
    levels = hp.Int(Name("levels", "halvings of the U-Net"), 2, 8, default=min(8, max(2, halvings)))
    filters = hp.Int(Name("filters", "channels of the finest level"), 4, 128, default=16, sampling="log")
    generator = keras_dl.networks.pix2pix_generator(
        data_spec.shape,
        data_spec.target_shape[-1],
        filters,
        levels,
        "instance",
        hp.Float(Name("dropout", "share of activations dropped: the noise"), 0.0, 0.8, default=0.0),
        "sigmoid",
    )
    critic = patch_critic(hp, data_spec.target_shape, data_spec.shape[-1])
    weights = {
        "l1_weight": hp.Float(Name("l1_weight", "weight of absolute differences"), 0.0, 1000.0, default=100.0),
        "adversarial_weight": hp.Float(Name("adversarial_weight", "weight of the game"), 0.0, 10.0, default=1.0),
    }
    model = keras_dl.models.Pix2Pix(generator, critic, **weights)
    model.compile(**optimizers(hp, 1e-3))
    return model


def fit_options(hp):
    """Returns the batch size and the number of epochs."""
    return {
        "batch_size": hp.Int(Name("batch_size", "pairs per step"), 1, 256, default=16, sampling="log"),
        "epochs": hp.Fixed(Name("epochs", "passes over the training data"), 10),
    }


def patch_critic(hp, shape, source_channels=None):
    """Returns a critic of patches, which has as few layers as small images need."""
    side = min(shape[:2])
    most = min(5, max(1, (side // 3).bit_length() - 1))  # beyond which no patch is left to judge
    meaning = "halvings of the critic; more for larger images"
    layers = hp.Int(Name("critic_layers", meaning), 1, most, default=1 if side < 32 else 3)
    filters = hp.Int(Name("critic_filters", "channels of the critic"), 4, 128, default=16, sampling="log")
    return keras_dl.networks.patch_critic(shape, source_channels, filters, layers, "instance")


def optimizers(hp, rate):
    """Returns Adam for generators and critics, with the papers' first momentum."""
    rate = hp.Float(Name("learning_rate", "step size"), 1e-5, 1e-1, default=rate, sampling="log")
    names = ("generator_optimizer", "critic_optimizer")
    return {name: keras.optimizers.Adam(rate, beta_1=0.5) for name in names}


TASK = keras_dl.tasks.Translation()
