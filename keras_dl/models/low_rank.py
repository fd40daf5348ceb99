r"""Covariances of low rank and noise, $W W^\top + \Psi$: of mixtures of PPCAs and of factor analysers.

A maximisation step of a mixture takes each component's weighted covariance $S$: in closed form where
$\Psi = \sigma^2 I$ (Tipping & Bishop 1999, "Mixtures of probabilistic principal component analyzers"), by iterations of
factor analysis where $\Psi$ is diagonal (Ghahramani & Hinton 1996), which never lower the likelihood either.
"""

import numpy as np

KINDS = ("ppca", "factors")
#: Iterations of factor analysis per maximisation step.
INNER = 5


def num_parameters(kind, size, rank):
    """How many free parameters one covariance has; loadings are free up to a rotation."""
    return size * rank - rank * (rank - 1) // 2 + (1 if kind == "ppca" else size)


def principal(covariance, rank):
    """Loadings `(size, rank)` and the noise variance of most likelihood, of a covariance of full rank."""
    values, vectors = np.linalg.eigh(covariance)
    noise = values[:-rank].mean()
    loadings = vectors[:, -rank:] * np.sqrt(np.maximum(values[-rank:] - noise, 0.0))
    return loadings, noise


def factors(covariance, loadings, noise, iterations=INNER):
    """Loadings and noise variances `(size,)` after iterations of factor analysis from given ones.

    Args:
        covariance: $S$, shape `(size, size)`.
        loadings: $W$, shape `(size, rank)`.
        noise: The diagonal of $\\Psi$, shape `(size,)`.
        iterations: How many.
    """
    rank = loadings.shape[1]
    for _ in range(iterations):
        scaled = loadings / noise[:, None]
        gain = np.linalg.solve(np.eye(rank) + loadings.T @ scaled, scaled.T)  # W'(W W' + Psi)^-1
        cross = covariance @ gain.T
        moments = np.eye(rank) - gain @ loadings + gain @ cross
        loadings = np.linalg.solve(moments, cross.T).T
        noise = np.diag(covariance) - np.sum(loadings * cross, 1)
    return loadings, noise


def constrain(covariances, kind, rank, floor, before):
    """The covariances of low rank and noise that a maximisation step leads to, float64.

    Args:
        covariances: Weighted covariances $S_k$, shape `(components, size, size)`.
        kind: `"ppca"` or `"factors"`.
        rank: Columns of the loadings.
        floor: What is added to variances, and the least noise.
        before: `(loadings, noise)` of the iteration before, from which those of factor analysis go on; `None` at the
            start.

    Returns:
        `(covariances, loadings, noise)`, of shapes `(components, size, size)`, `(components, size, rank)` and
        `(components, size)`.
    """
    size = covariances.shape[-1]
    loadings, noise = np.zeros((len(covariances), size, rank)), np.zeros((len(covariances), size))
    for k, covariance in enumerate(covariances + floor * np.eye(size)):
        if kind == "ppca" or before is None:
            loadings[k], noise[k] = principal(covariance, rank)
        else:
            loadings[k], noise[k] = before[0][k], before[1][k]
        noise[k] = np.maximum(noise[k], floor)
        if kind == "factors":
            loadings[k], noise[k] = factors(covariance, loadings[k], noise[k])
            noise[k] = np.maximum(noise[k], floor)
    diagonal = noise[:, :, None] * np.eye(size)
    return loadings @ np.swapaxes(loadings, 1, 2) + diagonal, loadings, noise
