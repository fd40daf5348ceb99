"""Restricted Boltzmann machine by contrastive divergence (Hinton 2002; Tieleman 2008).

    python -m apps.train rbm --out runs/rbm
    python -m apps.train rbm --dataset binarized_mnist --set num_hidden=500 --epochs 20 --out runs/rbm_mnist

Seconds on digits, whose pixels are drawn as zeros and ones afresh in each epoch. With at most 16 hidden units log p(x)
is exact, else an estimate by annealed importance sampling. `filters.png` shows the weights of each hidden unit.
"""

import keras
import numpy as np

import keras_dl
from keras_dl.callbacks.sheets import Block, save_sheet
from keras_dl.objectives import ContrastiveDivergence, PersistentContrastiveDivergence
from keras_dl.runs import Name
from keras_dl.tasks import drawing

DATASET = "digits"


def build(hp, data_spec):
    """Returns a compiled machine for images of `data_spec.shape`."""
    data_spec.check_images()
    options = fit_options(hp)
    num_hidden = hp.Int(Name("num_hidden", "hidden units"), 1, 2048, default=64, sampling="log")
    steps = hp.Int(Name("gibbs_steps", "steps of block Gibbs sampling per training step"), 1, 100, default=5)
    persistent = hp.Boolean(Name("persistent", "chains go on from step to step"), default=True)
    capacity = max(2000, options["batch_size"])
    objective = PersistentContrastiveDivergence(capacity, 0.0) if persistent else ContrastiveDivergence()
    model = keras_dl.models.RBM(data_spec.shape, num_hidden, objective, steps)
    rate = hp.Float(Name("learning_rate", "step size"), 1e-5, 1.0, default=3e-3, sampling="log")
    model.compile(keras.optimizers.Adam(rate))
    return model


def fit_options(hp):
    """Returns the batch size, the number of epochs and how pixels become zeros and ones."""
    return {
        "batch_size": hp.Int(Name("batch_size", "samples per step"), 16, 1024, default=64, sampling="log"),
        "epochs": hp.Fixed(Name("epochs", "passes over the training data"), 60),
        "binarize": hp.Fixed(Name("binarize", "how grey pixels become zeros and ones"), "stochastic"),
    }


class Machine(keras_dl.tasks.Density):
    """The density of a machine, and the weights of its hidden units."""

    progress = ("reconstruction_error", "loss")
    card_pictures = ("samples_epoch_*.png", "filters.png")

    def pictures(self, model, data, folder, context=None):
        context = context or keras_dl.tasks.Context()
        weights = keras.ops.convert_to_numpy(model.averaged("layer").w).T[:96].reshape(-1, *model.shape)
        scaled = 0.5 + 0.5 * weights / np.abs(weights).max()
        save_sheet(
            folder / "filters.png",
            drawing.title("Weights of hidden units", model, data, context),
            [Block(scaled, columns=12)],
        )
        pictures = {folder / "filters.png": "weights of hidden units: white excites, black inhibits"}
        return super().pictures(model, data, folder, context) | pictures


TASK = Machine()
