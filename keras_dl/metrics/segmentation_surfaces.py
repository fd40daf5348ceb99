"""Distances between the surfaces of masks: Hausdorff, and its percentiles."""

import numpy as np
from scipy import ndimage


def hausdorff_distance(y_true, y_pred, spacing=1.0, percentile=100.0):
    """Hausdorff distance between the surfaces of two masks, in the units of `spacing`.

    `max(h(A, B), h(B, A))`, h(A, B) being the largest distance, or a percentile of the distances, from a surface pixel
    of A to the nearest one of B (Hausdorff, 1914; percentiles as in Maier-Hein et al., "Metrics reloaded", 2024). A
    pixel of a mask is on its surface if a neighbour across a face is not in the mask, or is beyond the border.

    Args:
        y_true: Boolean mask, `(*sizes)`.
        y_pred: Boolean mask of the same shape.
        spacing: Distance between neighbours, a number or one an axis.
        percentile: From 0 to 100; 95 is the usual robust one.

    Returns:
        Float; infinity where one mask is empty, and NaN where both are, which have no surfaces to compare.

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
        raise ValueError(f"`percentile` must be from 0 to 100. Received: percentile={percentile!r}")
    if not all(mask.any() for mask in masks):
        return float("inf") if any(mask.any() for mask in masks) else float("nan")
    forth, back = surface_distances(*masks, spacing)
    return float(max(np.percentile(forth, percentile), np.percentile(back, percentile)))


def hausdorff_95(y_true, y_pred, spacing=1.0, num_classes=None):
    """95th percentile Hausdorff distance of each class of two label images; see `hausdorff_distance`.

    Args:
        y_true: Array of class indices, `(*sizes)`.
        y_pred: Array of predicted class indices of that shape.
        spacing: Distance between neighbours, a number or one an axis.
        num_classes: Number of classes; by default one more than the largest index.

    Returns:
        Float64 array of shape `(num_classes,)`, class 0 (the background) included: infinity where a class is in one
        array only, NaN where it is in neither.

    Raises:
        ValueError: If the shapes differ, an index is not a class, or `spacing` is out of range.

    Example:

    >>> hausdorff_95([[0, 1, 0, 0]], [[0, 0, 0, 1]], num_classes=3).round(2).tolist()
    [0.9, 2.0, nan]
    """
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    for y in (y_true, y_pred):
        if y.dtype.kind not in "biu":
            raise ValueError(f"Expected class indices, integers or booleans. Received: dtype {y.dtype}")
    ends = [int(y.max(initial=0)) for y in (y_true, y_pred)] + [int(y.min(initial=0)) for y in (y_true, y_pred)]
    num_classes = max(ends) + 1 if num_classes is None else num_classes
    if min(ends) < 0 or max(ends) >= num_classes:
        raise ValueError(
            f"Expected class indices from 0 to {num_classes - 1}. Received: values from {min(ends)} to {max(ends)}"
        )
    return np.array([hausdorff_distance(y_true == c, y_pred == c, spacing, 95.0) for c in range(num_classes)])


def surface_distances(a, b, spacing=1.0):
    """Returns the distances from each surface pixel of `a` to the surface of `b`, and from `b` to `a`.

    Args:
        a: Boolean mask with at least one pixel.
        b: Boolean mask of the same shape with at least one pixel.
        spacing: Distance between neighbours, a number or one an axis.

    Example:

    >>> a = np.array([[0, 1, 0, 0, 1]], bool)
    >>> [d.tolist() for d in surface_distances(a, np.array([[0, 0, 1, 0, 0]], bool))]
    [[1.0, 2.0], [1.0]]
    """
    (box,) = ndimage.find_objects((a | b).astype("uint8"))
    a, b = (surface(mask[box]) for mask in (a, b))
    spacing = np.broadcast_to(np.asarray(spacing, "float64"), (a.ndim,))
    return [ndimage.distance_transform_edt(~to, sampling=spacing)[of] for of, to in ((a, b), (b, a))]


def surface(mask):
    """Returns the pixels of a mask with a neighbour across a face that is not in it, or is beyond the border."""
    return mask & ~ndimage.binary_erosion(mask)


def _checked(y_true, y_pred, spacing):
    masks = [np.asarray(y_true).astype(bool), np.asarray(y_pred).astype(bool)]
    if masks[0].shape != masks[1].shape or not masks[0].ndim:
        raise ValueError(f"Expected masks of the same shape. Received: {masks[0].shape} and {masks[1].shape}")
    distances = np.asarray(spacing, "float64")
    if distances.shape not in ((), (masks[0].ndim,)) or not (np.isfinite(distances).all() and (distances > 0).all()):
        raise ValueError(f"`spacing` must be a positive number, or one an axis. Received: spacing={spacing!r}")
    return masks, distances
