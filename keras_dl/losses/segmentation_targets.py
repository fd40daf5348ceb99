"""Parts shared by the segmentation losses: probabilities, targets and the pixels that count. Private to the package."""

from keras import ops

from keras_dl.checks import refusal
from keras_dl.losses import tensors


def is_binary(y_pred, multilabel):
    """Whether each channel is a yes or no of its own."""
    if len(y_pred.shape) == 0:
        raise refusal("`y_pred` should have the shape (batch, ..., classes)", "a scalar")
    return multilabel or len(y_pred.shape) == 1 or y_pred.shape[-1] == 1


def probabilities_of(y_pred, from_logits, binary):
    if not from_logits:
        return y_pred
    return ops.sigmoid(y_pred) if binary else ops.softmax(y_pred, axis=-1)


def targets_and_valid(y_true, y_pred, binary, ignore_index):
    """What the targets are, which of them count, and which can be.

    Class indices become one-hot; targets of the shape of the predictions are taken as they are.

    Returns:
        `(targets, valid, known)`: targets from 0 to 1 of the shape of `y_pred`; 1 where they count, 0 where ignored;
        and booleans, false where there is no such class or a target is not from 0 to 1, which is 0 among the targets.
        The last two may have a last axis of one.
    """
    if binary:
        y_true = tensors.like_predictions(y_true, y_pred)
        valid = ops.not_equal(y_true, ignore_index)
        shares = tensors.are_shares(y_true)
        targets = ops.where(ops.logical_and(valid, shares), y_true, ops.zeros_like(y_true))
        return targets, ops.cast(valid, y_pred.dtype), ops.logical_or(shares, ops.logical_not(valid))
    indices, probabilities = tensors.class_targets(y_true, y_pred)
    if indices is None:
        tensors.check_no_ignoring(ignore_index)
        targets, known = tensors.shares(probabilities)
        return targets, ops.ones_like(y_pred[..., :1]), known
    valid = ops.not_equal(indices, ignore_index)
    targets = ops.one_hot(ops.where(valid, indices, -1), y_pred.shape[-1], dtype=y_pred.dtype)
    known = ops.logical_and(indices >= 0, indices < y_pred.shape[-1])
    known = ops.expand_dims(ops.logical_or(known, ops.logical_not(valid)), -1)
    return targets, ops.cast(ops.expand_dims(valid, -1), y_pred.dtype), known
