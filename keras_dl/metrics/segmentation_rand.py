"""The foreground-restricted Rand score, by which the ISBI 2012 challenge ranks segmentations into regions."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import ndimage, sparse

from keras_dl import lazy
from keras_dl.checks import refusal
from keras_dl.types import Tensor


class RandScore(NamedTuple):
    """What `rand_score` returns.

    Attributes:
        score: V^Rand, the harmonic mean of the other two; 1 is perfect.
        split: Of two pixels of one true region, the share that the prediction keeps together; low if it splits.
        merge: Of two pixels together in the prediction, the share that belongs together; low if it merges.
    """

    score: float
    split: float
    merge: float


def rand_score(y_true: Tensor, y_pred: Tensor) -> RandScore:
    """Foreground-restricted Rand score of two images of regions (Arganda-Carreras et al., 2015, equation 3).

    With p_ij the share of the pixels in predicted region i and true region j, s_i = sum_j p_ij, t_j = sum_i p_ij:

        split = sum p_ij^2 / sum t_j^2,   merge = sum p_ij^2 / sum s_i^2,   V = 2 sum p_ij^2 / (sum s_i^2 + sum t_j^2)

    Only pixels of true regions count. If the prediction has a border (0) on them, each such pixel is a region of its
    own, as in the challenge's program.

    Args:
        y_true: Array of true regions, positive integers, and 0 for the borders between them.
        y_pred: Array of predicted regions of the same shape, 0 for borders.

    Returns:
        A `RandScore`; NaNs if there is no true region.

    Raises:
        ValueError: If the shapes differ, or a value is not an integer of at least 0.

    Example:

    >>> print(rand_score([1, 1, 0, 2, 2], [1, 1, 1, 1, 1]))  # one region that merges two
    RandScore(score=0.6666666666666666, split=1.0, merge=0.5)
    """
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    if y_true.shape != y_pred.shape:
        raise refusal("images should have the same shape", f"{y_true.shape} and {y_pred.shape}")
    for y in (y_true, y_pred):
        if y.dtype.kind not in "biu" or y.min(initial=0) < 0:
            raise refusal("regions should be integers of at least 0", f"{y.dtype}, least {y.min(initial=0)}")
    foreground = y_true > 0
    true, predicted = y_true[foreground].astype("int64"), y_pred[foreground].astype("int64")
    if not true.size:
        return RandScore(float("nan"), float("nan"), float("nan"))
    borders = predicted == 0
    alone = float(borders.sum())
    joint = sparse.coo_array((np.ones(true.size), (predicted, true))).tocsr()[1:]
    both = float((joint.data**2).sum()) + alone
    of_true = float((np.bincount(true).astype("float64") ** 2).sum())
    of_predicted = float((np.bincount(predicted)[1:].astype("float64") ** 2).sum()) + alone
    return RandScore(2 * both / (of_true + of_predicted), both / of_true, both / of_predicted)


def foreground_rand_score(y_true: Tensor, y_pred: Tensor, threshold: float = 0.5, thin: bool = True) -> RandScore:
    """`rand_score` of the regions of masks, after the predicted borders are thinned, as in the ISBI 2012 challenge.

    Regions are the parts of the mask that hang together through faces (4 neighbours in the plane). Thinning lets the
    predicted regions grow into the borders between them until these are one pixel wide, so that the score depends on
    which regions are apart and not on how wide the borders were drawn (Arganda-Carreras et al., 2015).

    Args:
        y_true: Mask of the true foreground (the cells' inside), nonzero inside; the borders are 0. `(*sizes)`.
        y_pred: Predicted mask, or probability of the foreground, of the same shape.
        threshold: Predictions above it are foreground.
        thin: Whether to thin the predicted borders.

    Returns:
        A `RandScore`.

    Raises:
        ValueError: If the shapes differ.

    Example:

    >>> y_true = np.array([[1, 1, 1, 0, 1, 1]] * 4)
    >>> wide = np.array([[1, 1, 0, 0, 0, 1]] * 4)
    >>> foreground_rand_score(y_true, wide).score, foreground_rand_score(y_true, wide, thin=False).score < 1
    (1.0, True)
    """
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    regions = ndimage.label(y_pred > threshold)[0]
    if thin and regions.any():
        regions = grown(regions)
    return rand_score(ndimage.label(y_true > 0)[0], regions)


def maximal_rand_score(
    y_true: Tensor, y_pred: Tensor, thresholds: Sequence[float] | None = None, thin: bool = True
) -> tuple[float, float]:
    """Largest mean of `foreground_rand_score` over the images of a stack, at one threshold for all of them.

    Args:
        y_true: Masks of the true foreground, `(num_images, *sizes)`.
        y_pred: Probabilities of the foreground, of the same shape.
        thresholds: The thresholds to try; 0, 0.1 ... 0.9 by default, as in the challenge.
        thin: Whether to thin the predicted borders.

    Returns:
        `(score, threshold)`: the mean V^Rand, over the images that have a region, and where it is reached; NaNs if
        none has.

    Raises:
        ValueError: If the shapes differ or there is no image.

    Example:

    >>> probabilities = np.array([[[0.9, 0.9, 0.35, 0.8]]])
    >>> maximal_rand_score(np.array([[[1, 1, 0, 1]]]), probabilities)
    (1.0, 0.4)
    """
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    if y_true.shape != y_pred.shape or not len(y_true):
        raise refusal("stacks of images should have one shape", f"{y_true.shape} and {y_pred.shape}")
    thresholds = np.round(np.arange(0, 1, 0.1), 1) if thresholds is None else thresholds
    pairs = [(true, predicted) for true, predicted in zip(y_true, y_pred, strict=True) if np.any(true > 0)]
    if not pairs:
        return float("nan"), float("nan")
    means = [np.mean([foreground_rand_score(*pair, one, thin).score for pair in pairs]) for one in thresholds]
    best = int(np.argmax(means))
    return float(means[best]), float(thresholds[best])


def grown(regions):
    """Returns regions grown, at equal speed, until the borders between them are one pixel wide."""
    segmentation = lazy.need("skimage.segmentation", "The rand score of regions")
    return segmentation.watershed(
        ndimage.distance_transform_edt(regions == 0), regions, connectivity=1, watershed_line=True
    )
