"""Diffusion of images by class, with classifier-free guidance (Ho & Salimans 2022).

    python -m apps.train cddpm --out runs/cddpm
    python -m apps.train cddpm --dataset mnist --epochs 10 --set network=dit --out runs/dit

One network models images with their class and, as a tenth of the labels is hidden in training, without: guidance goes
from one to the other, and beyond. `classes.png` shows a row per class, `guidance.png` the same noise led to each class
with more and more guidance. The network is `ddpm`'s U-Net or a diffusion transformer (Peebles & Xie 2023).
"""

import numpy as np

import keras_dl
from apps.recipes import ddpm
from keras_dl.callbacks.sheets import Block, save_sheet
from keras_dl.runs import Name
from keras_dl.tasks import drawing

DATASET = "digits"
GUIDANCE = (0.0, 1.0, 2.0, 4.0, 8.0)

fit_options = ddpm.fit_options


def build(hp, data_spec):
    """Returns a compiled diffusion model for images of `data_spec.shape` of `data_spec.num_classes` classes."""
    options = {"ema_momentum": ddpm.ema_momentum(hp), **ddpm.sampling(hp)}
    dropout = hp.Float(Name("condition_dropout", "share of labels hidden in training"), 0.01, 0.9, default=0.1)
    model = keras_dl.models.Diffusion(
        ddpm.network(hp, data_spec, data_spec.num_classes), condition_dropout=dropout, **options
    )
    return ddpm.compiled(model, hp, data_spec, fit_options(hp))


class Guided(keras_dl.tasks.Generation):
    """Generation of images by class, with a picture of guidance."""

    card_pictures = ("classes.png", "guidance.png")
    progress = ("loss",)

    def __init__(self):
        super().__init__("labels")

    def views(self, model, options=None):
        return keras_dl.tasks.trajectory(model)

    def pictures(self, model, data, folder, context=None):
        context = context or keras_dl.tasks.Context()
        title = drawing.title("Samples with more guidance", model, data, context)
        draw_guidance(folder / "guidance.png", model, data.spec.num_classes, title)
        pictures = {folder / "guidance.png": "samples from the same noise with more and more guidance"}
        return super().pictures(model, data, folder, context) | pictures


def draw_guidance(path, model, num_classes, title):
    """Draws a row per strength of guidance, of two samples per class."""
    labels = np.repeat(np.arange(num_classes, dtype="int32"), 2)
    rows = [np.asarray(model.sample(len(labels), labels, seed=0, guidance=guidance)) for guidance in GUIDANCE]
    marks = tuple(f"guidance {guidance:g}" for guidance in GUIDANCE)
    save_sheet(path, title, [Block(np.concatenate(rows), columns=len(labels), marks=marks)])


TASK = Guided()
