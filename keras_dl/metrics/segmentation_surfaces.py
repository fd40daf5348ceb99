"""Distances between the surfaces of masks: Hausdorff and its percentiles, their average, and Dice of surfaces."""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from keras_dl.checks import refusal
from keras_dl.types import Tensor


def hausdorff_distance(
    y_true: Tensor, y_pred: Tensor, spacing: float | Sequence[float] = 1.0, percentile: float = 100.0
) -> float:
    """Hausdorff distance between the surfaces of two masks, in the units of `spacing`.

    `max(h(A, B), h(B, A))`, h(A, B) being the largest distance, or a percentile of the distances, from a surface pixel
    of A to the nearest one of B (Hausdorff, 1914; percentiles as in Maier-Hein et al., "Metrics reloaded", 2024). A
    pixel of a mask is on its surface if a neighbour across a face is not in the mask, or is beyond the border.

    Args:
        y_true: Boolean mask, `(*sizes)`.
        y_pred: Boolean mask of the same shape.
        spacing: Distance between neighbours, a number or one per axis.
        percentile: From 0 to 100; 95 is the usual robust one.

    Returns:
        Float; infinity if one mask is empty, and NaN if both are, which have no surfaces to compare.

    Raises:
        ValueError: If the shapes differ, or `spacing` or `percentile` is out of range.

    Example:

    >>> a, b = np.zeros((2, 8, 8), bool)
    >>> a[2:4, 2:4] = b[2:4, 5:7] = True
    >>> hausdorff_distance(a, b), hausdorff_distance(a, b, spacing=(1.0, 0.5))
    (3.0, 1.5)
    """
    masks, spacing = _checked(y_true, y_pred, spacing)
    if not 0 <= percentile <= 100:
        raise refusal("`percentile` should be from 0 to 100", percentile=percentile)
    drawn = [mask.any() for mask in masks]
    if not all(drawn):
        return float("inf") if any(drawn) else float("nan")
    forth, back = surface_distances(masks[0], masks[1], spacing)
    return float(max(np.percentile(forth, percentile), np.percentile(back, percentile)))


def average_surface_distance(y_true: Tensor, y_pred: Tensor, spacing: float | Sequence[float] = 1.0) -> float:
    """Average distance between the surfaces of two masks, symmetric, in the units of `spacing`.

    `(sum_a d(a, B) + sum_b d(b, A)) / (|A| + |B|)` over the surface pixels a of A and b of B (Heimann et al., 2009).

    Args:
        y_true: Boolean mask, `(*sizes)`.
        y_pred: Boolean mask of the same shape.
        spacing: Distance between neighbours, a number or one per axis.

    Returns:
        Float; infinity if one mask is empty, and NaN if both are.

    Raises:
        ValueError: If the shapes differ, or `spacing` is out of range.

    Example:

    >>> average_surface_distance([0, 1, 0, 0, 0], [0, 0, 0, 1, 0], spacing=1.5)
    3.0
    """
    masks, spacing = _checked(y_true, y_pred, spacing)
    drawn = [mask.any() for mask in masks]
    if not all(drawn):
        return float("inf") if any(drawn) else float("nan")
    return float(np.concatenate(surface_distances(masks[0], masks[1], spacing)).mean())


def surface_dice(y_true: Tensor, y_pred: Tensor, tolerance: float, spacing: float | Sequence[float] = 1.0) -> float:
    """Share of two surfaces that is within a tolerance of the other: `(|A near B| + |B near A|) / (|A| + |B|)`.

    Of the surface pixels, each of which counts the same (Nikolov et al., 2021, who weigh them by their areas).

    Args:
        y_true: Boolean mask, `(*sizes)`.
        y_pred: Boolean mask of the same shape.
        tolerance: Distance of at least 0 in the units of `spacing`.
        spacing: Distance between neighbours, a number or one per axis.

    Returns:
        Float from 0 to 1; 0 if one mask is empty, and NaN if both are.

    Raises:
        ValueError: If the shapes differ, or `tolerance` or `spacing` is out of range.

    Example:

    >>> surface_dice([0, 1, 1, 1, 0], [0, 1, 1, 1, 1], tolerance=0.5), surface_dice([0, 1, 0], [1, 0, 0], tolerance=1)
    (0.5, 1.0)
    """
    masks, spacing = _checked(y_true, y_pred, spacing)
    if np.ndim(tolerance) or not tolerance >= 0:
        raise refusal("`tolerance` should be a number of at least 0", tolerance=tolerance)
    drawn = [mask.any() for mask in masks]
    if not all(drawn):
        return 0.0 if any(drawn) else float("nan")
    distances = np.concatenate(surface_distances(masks[0], masks[1], spacing))
    # Distances are sums of squares of spacings, so those that are meant to be the tolerance may miss it by rounding.
    return float((distances <= tolerance * (1 + 1e-9)).mean())


def hausdorff_95(
    y_true: Tensor,
    y_pred: Tensor,
    spacing: float | Sequence[float] = 1.0,
    num_classes: int | None = None,
    ignore_index: int = -100,
) -> np.ndarray:
    """95th percentile Hausdorff distance of each class of two label images; see `hausdorff_distance`.

    Args:
        y_true: Array of class indices, `(*sizes)`.
        y_pred: Array of predicted class indices of that shape.
        spacing: Distance between neighbours, a number or one per axis.
        num_classes: Number of classes; by default one more than the largest index.
        ignore_index: Label whose pixels are in no mask, true or predicted.

    Returns:
        Float64 array of shape `(num_classes,)`, class 0 (the background) included: infinity if a class is in one
        array only, NaN if it is in neither.

    Raises:
        ValueError: If the shapes differ, an index is not a class, or `spacing` is out of range.

    Example:

    >>> hausdorff_95([[0, 1, 0, 0]], [[0, 0, 0, 1]], num_classes=3).round(2).tolist()
    [0.9, 2.0, nan]
    """
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    for y in (y_true, y_pred):
        if y.dtype.kind not in "biu":
            raise refusal("class indices should be integers or booleans", f"dtype {y.dtype}")
    valid = y_true != ignore_index
    counted = [y_true[valid], y_pred[valid]] if y_true.shape == y_pred.shape else [y_true, y_pred]
    ends = [int(y.max(initial=0)) for y in counted] + [int(y.min(initial=0)) for y in counted]
    num_classes = max(ends) + 1 if num_classes is None else num_classes
    if min(ends) < 0 or max(ends) >= num_classes:
        raise refusal(f"class indices should be from 0 to {num_classes - 1}", f"values from {min(ends)} to {max(ends)}")
    if y_true.shape == y_pred.shape:
        y_true, y_pred = (np.where(valid, y.astype("int64"), -1) for y in (y_true, y_pred))
    return np.array([hausdorff_distance(y_true == c, y_pred == c, spacing, 95.0) for c in range(num_classes)])


def surface_distances(a: Tensor, b: Tensor, spacing: float | Sequence[float] = 1.0) -> list[np.ndarray]:
    """Returns the distances from each surface pixel of `a` to the surface of `b`, and from `b` to `a`.

    Args:
        a: Boolean mask with at least one pixel.
        b: Boolean mask of the same shape with at least one pixel.
        spacing: Distance between neighbours, a number or one per axis.

    Returns:
        List of two float64 arrays, in the units of `spacing`.

    Raises:
        ValueError: If the shapes differ, a mask is empty, or `spacing` is out of range.

    Example:

    >>> a = np.array([[0, 1, 0, 0, 1]], bool)
    >>> [d.tolist() for d in surface_distances(a, np.array([[0, 0, 1, 0, 0]], bool))]
    [[1.0, 2.0], [1.0]]
    """
    (a, b), spacing = _checked(a, b, spacing)
    if not (a.any() and b.any()):
        raise refusal("masks should have pixels", f"{int(a.sum())} and {int(b.sum())} pixels")
    (box,) = ndimage.find_objects((a | b).astype("uint8"))
    a, b = (surface(mask[box]) for mask in (a, b))
    spacing = np.broadcast_to(spacing, (a.ndim,))
    return [ndimage.distance_transform_edt(~to, sampling=spacing)[of] for of, to in ((a, b), (b, a))]


def surface(mask):
    """Returns the pixels of a mask with a neighbour across a face that is not in it, or is beyond the border."""
    return mask & ~ndimage.binary_erosion(mask)


def _checked(y_true, y_pred, spacing):
    masks = [np.asarray(y_true).astype(bool), np.asarray(y_pred).astype(bool)]
    if masks[0].shape != masks[1].shape or not masks[0].ndim:
        raise refusal("masks should have the same shape", f"{masks[0].shape} and {masks[1].shape}")
    distances = np.asarray(spacing, "float64")
    if distances.shape not in ((), (masks[0].ndim,)) or not (np.isfinite(distances).all() and (distances > 0).all()):
        raise refusal("`spacing` should be a positive number, or one per axis", spacing=spacing)
    return masks, distances
