"""Places of pixels that patches are drawn on, found block by block in labels that may be memory maps."""

import numpy as np

from keras_dl.data.segmentation.labels import IGNORED

BLOCK = 2**22  # pixels at once


def of_classes(labels, most, rng):
    """Returns flat indices of pixels of each class besides the background, at most so many of each, chosen at random.

    Args:
        labels: Integer array.
        most: How many of a class.
        rng: NumPy generator.

    Example:

    >>> of_classes(np.array([[0, 2], [-100, 2]]), 5, np.random.default_rng(0))
    [array([1, 3])]
    """
    counts = _counts(labels)
    return [_drawn(labels, label, counts[label], most, rng) for label in sorted(counts) if label > 0]


def annotated(labels, most, rng):
    """Returns flat indices of pixels that are not ignored, or `None` if no pixel is ignored.

    Example:

    >>> annotated(np.array([[0, 2], [-100, 2]]), 5, np.random.default_rng(0))
    array([0, 1, 3])
    """
    ignored = _counts(labels).get(IGNORED, 0)
    return _drawn(labels, None, labels.size - ignored, most, rng) if ignored else None


def _counts(labels):
    counts = {}
    for _, block in _blocks(labels):
        for label, count in zip(*np.unique(block, return_counts=True), strict=True):
            counts[int(label)] = counts.get(int(label), 0) + int(count)
    return counts


def _drawn(labels, label, count, most, rng):
    """Flat indices of a class, of `None` those that are not ignored."""
    ranks = np.arange(count) if count <= most else rng.choice(count, most, replace=False)
    order, places, seen = np.argsort(ranks), np.empty(len(ranks), "int64"), 0
    for first, block in _blocks(labels):
        found = np.flatnonzero(block != IGNORED if label is None else block == label)
        low, high = np.searchsorted(ranks, (seen, seen + len(found)), sorter=order)
        here = order[low:high]
        places[here] = first + found[ranks[here] - seen]
        seen += len(found)
    return places


def _blocks(labels):
    """Pairs of the first flat index of a block, and its labels."""
    flat = labels.reshape(-1)
    return ((first, flat[first : first + BLOCK]) for first in range(0, len(flat), BLOCK))
