"""Starts of clusterings: k-means++ and Lloyd's iterations on rows in memory."""

import warnings

import numpy as np

from keras_dl.checks import refusal

#: Rows that are compared at a time.
_BLOCK = 1024


def squared_distances(x, centres):
    """Squared distances of rows from centres, float64, by differences: exact for rows that are equal."""
    return np.stack([np.square(x - centre).sum(1) for centre in centres], 1)


def plus_plus(x, count, random):
    """`count` rows by k-means++ (Arthur & Vassilvitskii 2007): each with probability in proportion to its distance.

    Args:
        x: float64 matrix.
        count: How many.
        random: A `numpy.random.Generator`.
    """
    centres = [x[random.integers(len(x))]]
    nearest = np.square(x - centres[0]).sum(1)
    while len(centres) < count:
        total = nearest.sum()
        if total == 0 and len(np.unique(centres, axis=0)) == len(centres):
            message = f"x has {len(centres)} distinct rows for {count} clusters: the others are empty"
            warnings.warn(message, stacklevel=4)
        index = random.choice(len(x), p=nearest / total) if total > 0 else random.integers(len(x))
        centres.append(x[index])
        nearest = np.minimum(nearest, np.square(x - x[index]).sum(1))
    return np.array(centres)


def check_distinct(x, count=2, name="x"):
    """Refuses data of one distinct row where there should be several clusters."""
    x = np.asarray(x)
    blocks = (x[start : start + _BLOCK] for start in range(0, len(x), _BLOCK))
    if count > 1 and all((block == x[:1]).all() for block in blocks):
        raise refusal(f"{name} should have at least two distinct rows", f"{len(x)} equal rows")


def check_first_batch(x, count):
    """Refuses a stream's first batch of which so many clusters cannot be made."""
    if len(x) < count:
        raise refusal(f"The first batch should have at least {count} rows", f"{len(x)} rows")
    check_distinct(x, count, "The first batch")


def lloyd(x, centres, iterations=20):
    """Centres and labels by k-means from given centres; an empty cluster begins anew at the farthest row."""
    centres, count = np.array(centres, "float64"), len(centres)
    labels = None
    for _ in range(iterations):
        distances = squared_distances(x, centres)
        nearest = distances.argmin(1)
        if labels is not None and (nearest == labels).all():
            break
        labels = nearest
        for k in range(count):
            members = labels == k
            centres[k] = x[members].mean(0) if members.any() else x[distances.min(1).argmax()]
    return centres, squared_distances(x, centres).argmin(1)


def best_of(x, count, seed, starts, iterations=20):
    """The centres and labels of the least inertia of several starts."""
    best = None
    for start in range(starts):
        centres, labels = lloyd(x, plus_plus(x, count, np.random.default_rng((seed, start))), iterations)
        inertia = np.square(x - centres[labels]).sum()
        if best is None or inertia < best[0]:
            best = inertia, centres, labels
    return best[1], best[2]
