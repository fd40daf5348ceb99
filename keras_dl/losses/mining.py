"""Triplets found inside a batch of labelled embeddings. Private to the package."""

from keras import ops

from keras_dl.checks import refusal
from keras_dl.losses import tensors
from keras_dl.losses.distances import norm, smaller

MININGS = ("all", "semi-hard", "hard")


def mined_triplets(labels, embeddings, margin, p, swap, eps, mining):
    """Values and weights (1 for a triplet that counts, 0 otherwise) of the triplets of a batch.

    Args:
        labels: Class of each row, shape (batch,) or (batch, 1).
        embeddings: Tensor of shape (batch, features).
        margin, p, swap, eps: As in `triplet_margin`.
        mining: One of `MININGS`.

    Returns:
        Two tensors of shape (batch, batch, batch), [anchor, positive, negative]; for `"hard"` of shape (batch,).
        If an embedding is not finite or a label is NaN, all values are NaN.
    """
    embeddings = tensors.as_float(embeddings)
    if len(embeddings.shape) != 2:
        raise refusal("embeddings should have the shape (batch, features)", f"shape {tuple(embeddings.shape)}")
    labels, known = _labels(labels, embeddings)
    same = ops.equal(labels[:, None], labels[None, :])
    rows = ops.arange(ops.shape(embeddings)[0])
    positive = ops.logical_and(same, rows[:, None] != rows[None, :])
    negative = ops.logical_not(same)
    distance = norm(embeddings[:, None, :] - embeddings[None, :, :] + eps, p)  # [i, j]: from i to j
    if mining == "hard":
        values, weights = _hardest(distance, positive, negative, margin, swap)
    else:
        values, weights = _every(distance, positive, negative, margin, swap, only_semi_hard=mining == "semi-hard")
    return _marked(values, weights, ops.logical_and(known, ops.all(ops.isfinite(embeddings))))


def _labels(labels, embeddings):
    """Labels, one a row of the embeddings, and whether all are labels: NaN equals nothing, not even itself."""
    labels = ops.convert_to_tensor(labels)
    shape = tuple(labels.shape)
    if len(shape) not in (1, 2) or (len(shape) == 2 and shape[1] not in (1, None)):
        raise refusal(
            "labels should have the shape (batch,) or (batch, 1), one class per row; of one-hot labels, their argmax",
            f"labels of shape {shape}",
        )
    rows = embeddings.shape[0]
    if shape[0] is not None and rows is not None and shape[0] != rows:
        raise refusal(f"there should be a label for each of {rows} embeddings", f"labels of shape {shape}")
    labels = ops.reshape(labels, (-1,))
    return labels, ops.all(ops.equal(labels, labels))


def _every(distance, positive, negative, margin, swap, only_semi_hard):
    to_positive, to_negative = distance[:, :, None], distance[:, None, :]
    counts = ops.logical_and(positive[:, :, None], negative[:, None, :])
    if only_semi_hard:
        counts = ops.logical_and(counts, to_negative > to_positive)
        counts = ops.logical_and(counts, to_negative < to_positive + margin)
    if swap:
        to_negative = smaller(to_negative, distance[None, :, :])
    return _hinge(to_positive - to_negative + margin, counts)


def _hardest(distance, positive, negative, margin, swap):
    infinity = ops.full_like(distance, float("inf"))
    farthest = ops.argmax(ops.where(positive, distance, -infinity), axis=1)
    nearest = ops.argmin(ops.where(negative, distance, infinity), axis=1)
    to_positive = _pick(distance, farthest)
    to_negative = _pick(distance, nearest)
    if swap:
        to_negative = smaller(to_negative, _pick(ops.take(distance, farthest, axis=0), nearest))
    counts = ops.logical_and(ops.any(positive, axis=1), ops.any(negative, axis=1))
    return _hinge(to_positive - to_negative + margin, counts)


def _marked(values, weights, finite):
    # No comparison with NaN holds: such triplets would not count, and the loss of nothing is 0.
    return ops.where(finite, values, float("nan")), ops.where(finite, weights, ops.ones_like(weights))


def _pick(matrix, columns):
    return ops.squeeze(ops.take_along_axis(matrix, columns[:, None], axis=1), 1)


def _hinge(difference, counts):
    weights = ops.cast(counts, difference.dtype)
    return ops.maximum(difference, 0.0) * weights, weights
