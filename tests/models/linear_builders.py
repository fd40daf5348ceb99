"""Small linear and mixture models, and data for them."""

import numpy as np

from keras_dl import models

POINTS = np.random.default_rng(0).normal(size=(10, 5)).astype("float32")


def low_rank(rows=300, size=8, rank=3, noise=0.3, offset=0.0, seed=0):
    """Data of a linear Gaussian model, float32."""
    random = np.random.default_rng(seed)
    loadings = random.normal(size=(rank, size)) * np.linspace(3.0, 1.5, rank)[:, None]
    x = random.normal(size=(rows, rank)) @ loadings + noise * random.normal(size=(rows, size))
    return (x + offset).astype("float32")


def ppca(**options):
    return models.PPCA((5,), 2, seed=0, **options)
