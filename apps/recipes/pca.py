"""Principal component analysis: orthogonal projection onto the directions of most variance (Pearson 1901).

    python -m apps.train pca --out runs/pca
    python -m apps.train pca --dataset mnist --set num_components=50 --out runs/mnist
    python -m apps.train pca --dataset moons --set num_components=2 --out runs/moons

A few seconds on digits. Pictures, measures and passes are those of the recipe `ppca`: log p(x) is that of the
probabilistic model with the same components. `--set whiten=true` scales latents to variance 1.
"""

import math

import keras_dl
from apps.recipes import ppca
from keras_dl.runs import Name

DATASET = "digits"


def build(hp, data_spec):
    """Returns compiled principal components of samples of `data_spec.shape`."""
    count = ppca.num_components(hp, min(math.prod(data_spec.shape), data_spec.num_samples))
    whiten = hp.Boolean(Name("whiten", "whether latents are divided by their standard deviations"), default=False)
    return ppca.compiled(keras_dl.models.PCA(data_spec.shape, count, whiten, method=ppca.method(hp)), hp)


def fit_options(hp):
    """Returns the batch size and the number of epochs."""
    return ppca.fit_options(hp)


TASK = keras_dl.tasks.Components()
