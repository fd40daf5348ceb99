"""Mixture of Gaussians by expectation maximisation (Dempster et al. 1977).

    python -m apps.train gmm --out runs/gmm
    python -m apps.train gmm --dataset eight_gaussians --out runs/points
    python -m apps.train gmm --dataset fashion_mnist --set covariance=tied --out runs/fashion
    python -m apps.train gmm --set covariance=ppca --set rank=8 --out runs/ppcas

A few seconds on digits; an epoch is an iteration. `clusters.png` shows the means as images, each before the held-out
images that belong to it most; of points in the plane, `ellipses.png` shows covariances and responsibilities and
`density.png` the density. Where the data have labels, evaluation compares the clusters with them.
"""

import math

import keras_dl
from keras_dl.runs import Name

DATASET = "digits"


def build(hp, data_spec):
    """Returns a compiled mixture for samples of `data_spec.shape`."""
    in_plane = tuple(data_spec.shape) == (2,)
    most = max(1, min(512, data_spec.num_samples))
    default = min(8 if in_plane else 10, most)
    count = hp.Int(Name("num_components", "number of Gaussians"), 1, most, default=default, sampling="log")
    kinds = [*keras_dl.models.mixture_shapes.COVARIANCES, *keras_dl.models.low_rank.KINDS]
    covariance = hp.Choice(Name("covariance", "kind of covariances"), kinds, default="full" if in_plane else "diag")
    default = 1e-4 if in_plane else 1e-2  # pixels that never change have no variance of their own
    floor = hp.Float(Name("floor", "what is added to variances"), 1e-9, 1.0, default=default, sampling="log")
    starts = hp.Int(Name("starts", "starts of k-means, of which the best is taken"), 1, 64, default=4)
    options = {}
    if covariance in keras_dl.models.low_rank.KINDS:
        most = math.prod(data_spec.shape) - 1
        rank = hp.Int(
            Name("rank", "columns of the loadings"), 1, min(128, most), default=min(4, most), sampling="log"
        )
        options = {"rank": rank}
    elif hp.Boolean(Name("mini_batch", "whether every step is an iteration, of means that forget"), default=False):
        options = {"method": "mini_batch"}
    model = keras_dl.models.GaussianMixture(data_spec.shape, count, covariance, floor, starts, **options)
    model.compile()
    return model


def fit_options(hp):
    """Returns the batch size and the number of epochs."""
    batch_size = hp.Int(Name("batch_size", "samples per step"), 16, 8192, default=1024, sampling="log")
    return {
        "batch_size": max(batch_size, hp.values["num_components"]),  # the first batch starts every component
        "epochs": hp.Fixed(Name("epochs", "iterations over the training data"), 40),
    }


TASK = keras_dl.tasks.Clusters()
