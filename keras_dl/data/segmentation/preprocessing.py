"""Cases cropped, normalised and resampled as a plan says, and predictions brought back."""

import math
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from keras_dl.checks import refusal
from keras_dl.data.segmentation.case import Case, check_case
from keras_dl.data.segmentation.colours import BYTE, check_colours
from keras_dl.data.segmentation.fingerprint import nonzero_box
from keras_dl.data.segmentation.plan import Plan
from keras_dl.data.segmentation.resampling import coarse_axis, largest, resample, resample_labels
from keras_dl.types import Tensor


class Prepared(NamedTuple):
    """A case as the network sees it, and the way back; in a plan for slices, the axis that is cut is first.

    Attributes:
        image: Float32 array `(*sizes, channels)`.
        labels: Int32 array `(*sizes)`, or `None`.
        name: The case's name.
        shape: Sizes of the case.
        box: Slices of the case that were kept.
        slice_axis: The axis of the case that was brought to the front, or `None`.
        coarse_axis: The axis along which the nearest slice was taken, after that, or `None`.
        source: The case's.
    """

    image: np.ndarray
    labels: np.ndarray | None
    name: str
    shape: tuple
    box: tuple
    slice_axis: int | None
    coarse_axis: int | None
    source: object


def prepare(case: Case, plan: Plan) -> Prepared:
    """Cuts zeros off a case, normalises its intensities and resamples it to the plan's spacing.

    Images are interpolated by cubic splines, labels linearly, mask by mask; along an axis that is more than three times
    as coarse as the others, the nearest slice is taken. Slices of a plan for slices keep their distance.

    Args:
        case: A `Case`.
        plan: A `Plan`.

    Returns:
        A `Prepared`.

    Raises:
        ValueError: If the case is not what `Case` says, or has other numbers of channels or axes than the plan, or a
            label that is no class.

    Example:

    >>> from keras_dl.data.segmentation import Case, Fingerprint, plan
    >>> case = Case(np.ones((8, 8, 1), "float32"), None, (2.0, 1.0), "a")
    >>> prepare(case, plan(Fingerprint(((1.0, 1.0),), ((16, 8),), num_classes=2))).image.shape
    (16, 8, 1)
    """
    _check(case, plan)
    box = nonzero_box(case.image)
    white = BYTE if case.source is None else case.source.white
    image = normalize(case.image[box], plan, white)
    labels = None if case.labels is None else case.labels[box].astype("int32", copy=False)
    spacing, target = tuple(case.spacing), plan.spacing
    if plan.slice_axis is not None:
        image = np.moveaxis(image, plan.slice_axis, 0)
        labels = None if labels is None else np.moveaxis(labels, plan.slice_axis, 0)
        spacing = (spacing[plan.slice_axis], *(s for axis, s in enumerate(spacing) if axis != plan.slice_axis))
        target = (spacing[0], *target[1:])
    coarse = 0 if plan.slice_axis is not None else coarse_axis(spacing, target)
    shape = np.maximum(np.round(np.multiply(image.shape[:-1], spacing) / target), 1).astype(int)
    image = resample(image, shape, 3, coarse)
    labels = None if labels is None else resample_labels(labels, tuple(shape), coarse)
    shape = case.image.shape[:-1]
    return Prepared(image, labels, case.name, shape, box, plan.slice_axis, coarse, case.source)


def restore(scores: Tensor, prepared: Prepared) -> np.ndarray:
    """Returns the labels of a case from the scores of its classes on the prepared grid.

    Scores are interpolated linearly to the case's own grid; the class of the highest one is taken, and the background
    where zeros were cut off.

    Args:
        scores: Array `(*sizes, num_classes)`, probabilities or logits on the grid of `prepared.image`.
        prepared: The `Prepared`.

    Returns:
        Int32 array of the case's sizes.

    Example:

    >>> prepared = Prepared(None, None, "a", (3, 4), (slice(1, 3), slice(0, 2)), None, None, None)
    >>> restore(np.array([[[0, 1], [1, 0]]]), prepared).tolist()
    [[0, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0]]
    """
    inside = [places.stop - places.start for places in prepared.box]
    if prepared.slice_axis is not None:
        inside.insert(0, inside.pop(prepared.slice_axis))
    classes = range(scores.shape[-1])
    masks = (resample(scores[..., c : c + 1], inside, 1, prepared.coarse_axis)[..., 0] for c in classes)
    labels = largest(masks, len(classes))
    if prepared.slice_axis is not None:
        labels = np.moveaxis(labels, 0, prepared.slice_axis)
    whole = np.zeros(prepared.shape, "int32")
    whole[prepared.box] = labels
    return whole


def normalize(image, plan, white=BYTE):
    """Returns an image with the intensities that the plan asks for; see `Plan.normalizations`.

    Args:
        image: Float array `(*sizes, channels)`.
        plan: A `Plan`.
        white: Value of white in coloured channels, 255 for colours of eight bits; a number, or one per channel.

    Returns:
        Float32 array of the same shape.
    """
    inside = np.ones(image.shape[:-1], bool)
    if plan.inside_nonzero:
        inside = ndimage.binary_fill_holes((image != 0).any(axis=-1))
    # In place, as a scan may be large.
    image, whites = image.astype("float32"), np.broadcast_to(white, len(plan.normalizations))
    for number, kind in enumerate(plan.normalizations):
        channel = image[..., number]
        if kind == "ct":
            foreground = plan.intensities[number]
            np.clip(channel, foreground.low, foreground.high, out=channel)
            _scale(channel, foreground.mean, foreground.std)
        elif kind == "rgb":
            channel /= whites[number]
        elif kind == "rescale":
            least = channel.min()
            _scale(channel, least, channel.max() - least)
        elif kind == "zscore" and inside.any():
            _scale(channel, *_moments(channel, inside))
            channel[~inside] = 0.0
    return image


def _scale(channel, offset, width):
    """Subtracts and divides in place; if the width is no more than the offset's rounding, all is one value, and 0."""
    offset, width = np.float64(offset), np.float64(width)
    if not width > np.finfo("float32").eps * abs(offset):
        channel[...] = 0.0
        return
    for number in range(len(channel)):  # in double precision, slice by slice
        channel[number] = (channel[number] - offset) / width


def _moments(channel, inside):
    """Mean and standard deviation of chosen pixels in double precision, slice by slice."""
    count = np.count_nonzero(inside)
    parts = list(zip(channel, inside, strict=True))
    mean = sum(part[chosen].sum(dtype="float64") for part, chosen in parts) / count
    squares = (((part[chosen].astype("float64") - mean) ** 2).sum() for part, chosen in parts)
    return mean, math.sqrt(sum(squares) / count)


def _check(case, plan):
    check_case(case)
    expected = len(plan.spacing), len(plan.normalizations)
    axes_and_channels = case.image.ndim - 1, case.image.shape[-1]
    if axes_and_channels != expected:
        raise refusal(
            f"images should have {expected[0]} axes and {expected[1]} channels, as planned",
            f"shape {case.image.shape}, spacing {case.spacing} in {case.name}",
        )
    check_colours(case.image, plan.normalizations, BYTE if case.source is None else case.source.white, case.name)
    if case.labels is None:
        return
    if case.labels.max() >= plan.num_classes:
        raise refusal(f"labels should be from 0 to {plan.num_classes - 1}", f"{case.labels.max()} in {case.name}")
