"""Anomalies found by a model that has not seen their class (An & Cho 2015; Du & Mordatch 2019).

    python -m apps.train anomaly --set anomaly_class=4 --out runs/anomaly
    python -m apps.evaluate runs/anomaly

Trains the VAE of the recipe `vae` on all classes but one. `apps.evaluate` scores the held-out images of every class by
their likelihood (-log p(x)) and by the squared error of their reconstruction, and prints for both the chance that an
anomaly scores above a normal image (ROC-AUC). `scores.png` shows both scores of that class and of the others.

Half a minute on two cores. Each class of the digits left out in turn, seed 0: 0.44 (class 1) to 0.99 (class 2) by
likelihood, 0.77 to 0.99 by reconstruction (python -m benchmarks.anomaly, benchmarks/results/anomaly.json). A one is a
simple image, likely under any model of digits, though no one was ever seen (Nalisnick et al. 2019).

    python -m apps.train anomaly --set model=energy --set anomaly_class=4 --out runs/anomaly_energy

Trains the energy model of the recipe `ebm` instead, which scores images by their energy and by the length of its slope.
"""

import keras_dl
from apps.recipes import ebm, vae
from keras_dl.checks import refusal
from keras_dl.runs import Name

DATASET = "digits"
PRESETS = {}


def build(hp, data_spec):
    """Returns a compiled model for images of `data_spec.shape`."""
    if not data_spec.num_classes:
        raise refusal("anomaly expects images with labels, to leave one class out", "no labels")
    return ebm.build(hp, data_spec) if by_energy(hp) else vae.build(hp, data_spec)


def fit_options(hp):
    """Returns the options of the model's own recipe, and the class that training does not see."""
    left_out = hp.Int(Name("anomaly_class", "class that training does not see"), 0, 9, default=1)
    options = ebm.fit_options(hp) if by_energy(hp) else vae.fit_options(hp)
    return {**options, "anomaly_class": left_out}


def by_energy(hp):
    """Returns whether the model is an energy."""
    return hp.Choice(Name("model", "a VAE, or an energy with persistent chains"), ["vae", "energy"]) == "energy"


TASK = keras_dl.tasks.AnomalyDetection()
