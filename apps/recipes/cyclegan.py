"""Images translated between two domains without pairs (CycleGAN; Zhu et al. 2017).

    python -m apps.train cyclegan --out runs/cyclegan
    python -m apps.train cyclegan --data FOLDER --out runs/mine

Trains two translators against two critics, with cycles there and back: by default between digits by day, dark on a warm
ground, and other digits by night, light on a dark one; or between the two folders a and b of a folder. Held-out images
of both, translated and back, are drawn in `translations.png`.
"""

import keras_dl
from apps.recipes import pix2pix
from keras_dl.runs import Name

DATASET = "digits"
PRESETS = {}


def build(hp, data_spec):
    """Returns a compiled model between images of the data's two shapes."""
    a, b = data_spec.shape, data_spec.target_shape
    filters = hp.Int(Name("filters", "channels of the translators"), 4, 128, default=16, sampling="log")
    small = min(*a[:2], *b[:2]) < 32
    options = {
        "filters": filters,
        "num_blocks": hp.Int(Name("blocks", "residual blocks"), 1, 9, default=2 if small else 6),
        "downsamplings": 1 if small else 2,
        "output_activation": "sigmoid",
    }
    translators = [keras_dl.networks.resnet_translator(x, y[-1], **options) for x, y in ((a, b), (b, a))]
    critics = [pix2pix.patch_critic(hp, shape) for shape in (a, b)]
    identity = hp.Float(Name("identity_weight", "weight of what stays as it is, beside cycles"), 0.0, 1.0, default=0.0)
    cycle = hp.Float(Name("cycle_weight", "weight of cycles"), 0.0, 100.0, default=10.0)
    pool = hp.Int(Name("pool_size", "images of each critic's pool"), 0, 1000, default=50)
    weights = {"cycle_weight": cycle, "identity_weight": identity, "pool_size": pool}
    model = keras_dl.models.CycleGAN(*translators, *critics, **weights)
    model.compile(**pix2pix.optimizers(hp, 5e-4))
    return model


def fit_options(hp):
    """Returns the batch size and the number of epochs."""
    return {
        "batch_size": hp.Int(Name("batch_size", "images of each domain per step"), 1, 256, default=8, sampling="log"),
        "epochs": hp.Fixed(Name("epochs", "passes over the larger domain"), 10),
    }


TASK = keras_dl.tasks.Translation(paired=False)
