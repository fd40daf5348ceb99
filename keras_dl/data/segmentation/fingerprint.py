"""Fingerprint of a data set of scans: its spacings, shapes, intensities and classes."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from keras_dl.checks import refusal
from keras_dl.data.segmentation.case import check_case

SAMPLES_A_CASE = 10_000


class Intensities(NamedTuple):
    """Intensities of one channel on the foreground, over the data set.

    Attributes:
        mean: Their mean.
        std: Their standard deviation.
        low: Their 0.5th percentile.
        high: Their 99.5th percentile.
    """

    mean: float
    std: float
    low: float
    high: float


class Fingerprint(NamedTuple):
    """What `plan` needs to know about a data set (Isensee et al., 2021).

    Attributes:
        spacings: Distances between neighbouring pixels, a tuple of one per axis for each case.
        shapes: Sizes after zeros around the image are cut off, likewise.
        num_classes: Number of classes, the background included.
        modalities: Of each channel: `"ct"`, `"rgb"`, or another name, as `"mri"`.
        intensities: `Intensities` of each channel.
        share_after_crop: Median share of the pixels that is left when zeros around images are cut off.
    """

    spacings: tuple
    shapes: tuple
    num_classes: int
    modalities: tuple = ("mri",)
    intensities: tuple = ()
    share_after_crop: float = 1.0


def fingerprint(
    cases: Iterable, num_classes: int | None = None, modalities: Sequence | None = None, seed: int = 0
) -> Fingerprint:
    """Measures a data set.

    Intensities are taken where the labels are not the background, 10,000 draws per case, so that large cases do not
    weigh more.

    Args:
        cases: Iterable of `Case`s with labels, which are looked at one after another.
        num_classes: Number of classes; by default one more than the largest label.
        modalities: Of each channel, as in `Fingerprint`; `"mri"` for all by default.
        seed: Of the draws.

    Returns:
        A `Fingerprint`.

    Raises:
        ValueError: If there are no cases, one has no labels or is not what `Case` says, a label is no class, or they
            have different numbers of axes or channels.

    Example:

    >>> from keras_dl.data.segmentation import Case
    >>> image, labels = np.zeros((8, 9, 1), "float32"), np.zeros((8, 9), int)
    >>> image[2:6, 1:9], labels[3:5, 2:6] = 1.0, 1
    >>> scans = fingerprint([Case(image, labels, (1.0, 0.5), "a")])
    >>> scans.shapes, scans.spacings, scans.num_classes, scans.intensities[0].mean
    (((4, 8),), ((1.0, 0.5),), 2, 1.0)
    """
    rng = np.random.default_rng(seed)
    spacings, shapes, shares, draws, largest = [], [], [], [], 0
    for case in cases:
        _check(case, draws, spacings)
        box = nonzero_box(case.image)
        image, labels = case.image[box], case.labels[box]
        spacings.append(tuple(float(s) for s in case.spacing))
        shapes.append(image.shape[:-1])
        shares.append(labels.size / case.labels.size)
        largest = max(largest, int(case.labels.max()))
        foreground = image[labels > 0]
        chosen = rng.integers(0, len(foreground), SAMPLES_A_CASE) if len(foreground) else []
        draws.append(foreground[chosen])
    if not shapes:
        raise refusal("there should be at least one case", "none")
    channels = draws[0].shape[-1]
    modalities = ("mri",) * channels if modalities is None else modalities
    modalities = tuple(str(modality).lower() for modality in modalities)
    if len(modalities) != channels:
        raise refusal(f"`modalities` should hold one for each of {channels} channels", f"modalities={modalities}")
    if num_classes is not None and largest >= num_classes:
        raise refusal(f"labels should be from 0 to {num_classes - 1}", largest)
    num_classes = largest + 1 if num_classes is None else num_classes
    intensities = _intensities(np.concatenate(draws))
    return Fingerprint(tuple(spacings), tuple(shapes), num_classes, modalities, intensities, float(np.median(shares)))


def nonzero_box(image):
    """Returns the slices of the smallest box that holds every nonzero pixel of `(*sizes, channels)`.

    All of the image where it is zero everywhere.

    Example:

    >>> nonzero_box(np.array([0.0, 0.0, 3.0, 0.0, 4.0, 0.0])[:, None])
    (slice(2, 5, None),)
    """
    nonzero = (image != 0).any(axis=-1)
    if not nonzero.any():
        return tuple(slice(0, n) for n in nonzero.shape)
    box = []
    for axis in range(nonzero.ndim):
        places = np.flatnonzero(nonzero.any(axis=tuple(a for a in range(nonzero.ndim) if a != axis)))
        box.append(slice(int(places[0]), int(places[-1]) + 1))
    return tuple(box)


def _intensities(draws):
    if not len(draws):
        return tuple(Intensities(0.0, 1.0, 0.0, 1.0) for _ in range(draws.shape[-1]))
    low, high = np.percentile(draws, (0.5, 99.5), axis=0)
    columns = draws.mean(axis=0, dtype="float64"), draws.std(axis=0, dtype="float64"), low, high
    return tuple(Intensities(*map(float, channel)) for channel in zip(*columns, strict=True))


def _check(case, draws, spacings):
    check_case(case)
    if case.labels is None:
        raise refusal("cases should have labels", f"none for {case.name}")
    if draws and (len(case.spacing) != len(spacings[0]) or case.image.shape[-1] != draws[0].shape[-1]):
        raise refusal(
            f"cases should have {len(spacings[0])} axes and {draws[0].shape[-1]} channels",
            f"an image of shape {case.image.shape} in {case.name}",
        )
