"""How many principal components data have, and the autoencoder that equals a linear Gaussian model."""

import math
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_dl import likelihoods
from keras_dl.checks import check_count, refusal
from keras_dl.data.checks import check_array
from keras_dl.models import moments

CRITERIA = ("minka", "bic", "held_out")


class Selection(NamedTuple):
    """What `select` returns.

    Attributes:
        num_components: The number with the best score.
        scores: Array, the score of 1, 2, ... components, higher is better: log-evidence, minus half the BIC, or the
            mean log-likelihood of held-out rows, in nats.
        eigenvalues: Array, all variances along principal directions, of the rows that were fitted.
    """

    num_components: int
    scores: Any
    eigenvalues: Any


def select(x, criterion="minka", largest=None):
    """Scores numbers of components of probabilistic principal component analysis.

    Args:
        x: Data, shape `(rows, ...)`.
        criterion: `"minka"`, Laplace's approximation of the evidence (Minka 2000, "Automatic choice of dimensionality
            for PCA"); `"bic"`; or `"held_out"`, the likelihood of every tenth row under the model of the others.
        largest: The largest number; `None` for all that have a density.

    Returns:
        A `Selection`.

    Raises:
        ValueError: If data or arguments cannot be used.
    """
    check_array(x)
    matrix = moments.as_matrix(x)
    if criterion not in CRITERIA:
        raise refusal(f"`criterion` should be one of {CRITERIA}", criterion=criterion)
    held_out = np.arange(len(matrix)) % 10 == 9
    fitted = matrix[~held_out] if criterion == "held_out" else matrix
    rows, size = fitted.shape
    most = min(rows - 1, size) - 1
    if most < 1 or (criterion == "held_out" and not held_out.any()):
        raise refusal("x should have at least three rows and two values per row (ten rows to hold some out)", x.shape)
    mean, covariance = moments.covariance(fitted)
    eigenvalues, components, total = moments.of_covariance(covariance, size)
    most = min(most, int((eigenvalues > 1e-10 * eigenvalues[0]).sum()) - 1)
    if most < 1:
        raise refusal("x should vary in at least two directions", f"variances {eigenvalues[:3].tolist()}")
    largest = most if largest is None else min(most, check_count(largest, "largest"))
    score = {"minka": minka, "bic": negative_bic}.get(criterion)
    if score is None:
        spread = np.square((matrix[held_out].astype("float64") - mean) @ components.T).mean(0)
        scores = [held_out_likelihood(eigenvalues, spread, k) for k in range(1, largest + 1)]
    else:
        scores = [score(eigenvalues, rows, k) for k in range(1, largest + 1)]
    return Selection(int(np.argmax(scores)) + 1, np.array(scores), eigenvalues)


def mean_log_likelihood(eigenvalues, spread, count):
    """The mean log-likelihood of data whose mean squares along the principal directions are `spread`."""
    noise = max(eigenvalues[count:].mean(), 1e-300)
    modelled = np.r_[eigenvalues[:count], np.full(len(eigenvalues) - count, noise)]
    return -0.5 * (np.log(2 * np.pi * modelled) + spread / modelled).sum()


def held_out_likelihood(eigenvalues, spread, count):
    """The mean log-likelihood of held-out rows, in nats."""
    return mean_log_likelihood(eigenvalues, spread, count)


def negative_bic(eigenvalues, rows, count):
    """The log-likelihood less half the number of parameters times the logarithm of the number of rows."""
    size = len(eigenvalues)
    parameters = size * count + 1 - count * (count - 1) / 2 + size
    return rows * mean_log_likelihood(eigenvalues, eigenvalues, count) - 0.5 * parameters * math.log(rows)


def minka(eigenvalues, rows, count):
    """The log-evidence of `count` components, equation 30 of Minka 2000 without constants in the count."""
    size = len(eigenvalues)
    noise = max(eigenvalues[count:].mean(), 1e-300)
    halves = (size - np.arange(count)) / 2
    log_prior = -count * math.log(2) + sum(math.lgamma(half) - half * math.log(math.pi) for half in halves)
    log_likelihood = -0.5 * rows * (np.log(eigenvalues[:count]).sum() + (size - count) * math.log(noise))
    free = size * count - count * (count + 1) / 2
    modelled = np.r_[eigenvalues[:count], np.full(size - count, noise)]
    log_volume = 0.0
    for i in range(count):
        differences = (1 / modelled[i + 1 :] - 1 / modelled[i]) * (eigenvalues[i] - eigenvalues[i + 1 :])
        log_volume += np.log(np.maximum(differences * rows, 1e-300)).sum()
    penalty = 0.5 * (free + count) * math.log(2 * math.pi) - 0.5 * log_volume - 0.5 * count * math.log(rows)
    return log_prior + log_likelihood + penalty


def to_vae(model, **options):
    """Returns the linear `VAE` whose bound is a model's exact log-likelihood; see `PPCA.to_vae`."""
    from keras_dl.models.vae import VAE

    size, latent_size = model.density.size, model.latent_size
    mean, noise = np.asarray(model.density.mean, "float64"), model.noise_variance
    left, values, right = np.linalg.svd(np.asarray(model.density.loadings, "float64"), full_matrices=False)
    left *= np.sign(right[np.arange(latent_size), np.abs(right).argmax(1)])  # latents of the model's own signs
    precision = np.square(values) + noise  # of the rotation that makes the posterior's covariance diagonal
    projection = left * (values / precision)
    x = keras.Input(model.shape)
    parameters = keras.layers.Dense(2 * latent_size, name="posterior")
    encoder = keras.Model(x, parameters(keras.layers.Flatten()(x)), name="encoder")
    log_scale = 0.5 * np.log(noise / precision)
    parameters.set_weights([np.c_[projection, np.zeros_like(projection)], np.r_[-mean @ projection, log_scale]])
    latents, mapped = keras.Input((latent_size,)), keras.layers.Dense(size, name="mean")
    decoder = keras.Model(latents, keras.layers.Reshape(model.shape)(mapped(latents)), name="decoder")
    mapped.set_weights([(left * values).T, mean])
    return VAE(encoder, decoder, likelihoods.Gaussian(scale=math.sqrt(noise)), **options)
