"""The network, patch and batch that suit a data set of scans, by nnU-Net's published rules."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import numpy as np

from keras_dl.checks import check_number, refusal
from keras_dl.data.segmentation.fingerprint import Fingerprint, Intensities
from keras_dl.data.segmentation.spacings import ANISOTROPIC, planned_space
from keras_dl.data.segmentation.topology import feature_map_values, topology

SHARE_OF_DATA = 0.05  # of all pixels, at most so many are in one batch
SMALLEST_BATCH = 2
FIRST_FILTERS = 32
REFERENCE_BUDGET = 8.0
# By number of axes: edge of the patch to begin with, most channels, and values of the feature maps of a patch, of which
# a batch of so many fills the reference budget.
FIRST_EDGE = {2: 2048, 3: 256}
MOST_FILTERS = {2: 512, 3: 320}
REFERENCE_VALUES = {2: 85e6, 3: 560e6}
REFERENCE_BATCH = {2: 12, 3: 2}
NORMALIZATIONS = {
    "ct": "ct",
    "rgb": "rgb",
    "rgb_to_0_1": "rgb",
    "rescale_to_0_1": "rescale",
    "none": "none",
    "nonorm": "none",
}


class Plan(NamedTuple):
    """What `plan` decides; `keras_dl.networks.create(**plan.network)` builds its network.

    Attributes:
        spacing: Spacing that images are resampled to, one per axis; in a plan for slices, that across them is first.
        median_shape: Median sizes of the images after that, in the same order.
        patch_size: Sizes of the patches, two for a plan for images or slices, three for volumes.
        batch_size: Patches per batch.
        pool_sizes: How much coarser each level but the first is, on each axis.
        kernel_sizes: Of the convolutions of each level, on each axis.
        filters: Channels of each level.
        num_classes: Number of classes, the background included.
        normalizations: Of each channel: `"ct"` (clipped to the foreground's percentiles, its mean and standard
            deviation), `"rgb"` (divided by the value of white), `"rescale"` (each image's least value to 0, its largest
            to 1), `"none"`, or `"zscore"` (each image's own mean and deviation).
        intensities: `Intensities` of each channel, for `"ct"`.
        inside_nonzero: Whether z-scores are those of the pixels that are not zero, and others stay zero.
        slice_axis: For a plan for slices of volumes: the axis that is cut; else `None`.
        axes_in_plane: Axes that rotations and other deformations turn into one another: all, or in a volume of flat
            patches those but the shortest.
    """

    spacing: tuple
    median_shape: tuple
    patch_size: tuple
    batch_size: int
    pool_sizes: tuple
    kernel_sizes: tuple
    filters: tuple
    num_classes: int
    normalizations: tuple
    intensities: tuple
    inside_nonzero: bool
    slice_axis: int | None
    axes_in_plane: tuple

    @property
    def network(self) -> dict[str, Any]:
        """Arguments of `keras_dl.networks.create` for nnU-Net's plain network."""
        return {
            "name": "unet",
            "input_shape": (*self.patch_size, len(self.normalizations)),
            "num_classes": self.num_classes,
            "filters": self.filters,
            "kernel_size": self.kernel_sizes,
            "pool_size": self.pool_sizes,
            "down": "conv",
            "normalization": "instance",
            "activation": "leaky_relu",
            "use_bias": True,
            "deep_supervision": True,
        }

    @property
    def output_strides(self) -> tuple:
        """How much coarser each of the network's outputs is than the patch, on each axis, the finest first."""
        strides = [(1,) * len(self.patch_size)]
        for pool in self.pool_sizes:
            strides.append(tuple(a * b for a, b in zip(strides[-1], pool, strict=True)))
        return tuple(strides[: max(1, len(strides) - 2)])

    @property
    def loss_weights(self) -> tuple:
        """Weights of the outputs' losses: half as much for each coarser one, with sum 1."""
        weights = [0.5**i for i in range(len(self.output_strides))]
        return tuple(weight / sum(weights) for weight in weights)

    def to_dict(self) -> dict[str, Any]:
        """Returns the plan as dicts, lists and numbers, for JSON."""
        return {**self._asdict(), "intensities": [channel._asdict() for channel in self.intensities]}

    @classmethod
    def from_dict(cls, values: Mapping) -> Self:
        """Returns the plan of a dict that `to_dict` made, perhaps written to JSON in between.

        Raises:
            ValueError: If it lacks something, or holds it as another kind.
        """
        if missing := sorted(set(cls._fields) - set(values)):
            raise refusal(f"a plan should hold {', '.join(missing)}", f"{values!r}")
        for name, kind in cls.__annotations__.items():
            value = values[name]
            if not isinstance(_tuples(value), kind) or (kind is tuple and not all(map(_is_planned, value))):
                raise refusal(f"`{name}` of a plan should be of type {getattr(kind, '__name__', kind)}", f"{value!r}")
        intensities = tuple(Intensities(**channel) for channel in values["intensities"])
        return cls(**{**{name: _tuples(value) for name, value in values.items()}, "intensities": intensities})


def _is_planned(value):
    """Whether a value may stand in one of a plan's tuples."""
    fields = set(Intensities._fields)
    return isinstance(value, (int, float, str, list, tuple)) or (isinstance(value, dict) and set(value) == fields)


def plan(fingerprint: Fingerprint, memory_budget: float = REFERENCE_BUDGET, dimensions: int | None = None) -> Plan:
    """Plans the training of a U-Net from a data set's fingerprint, as nnU-Net does (Isensee et al., 2021).

    A pure function of its arguments. The spacing is the median one, but the tenth percentile on an axis that is more
    than three times as coarse as the others and has less than a third of their pixels. The patch begins with the
    aspect of the physical space, no larger than the median image; while the feature maps of two patches do not fit
    into the budget, it loses what can be cut off of the axis that covers most of the median image. Depth and kernels
    follow from `topology`. What is left of the budget makes the batch larger, up to a twentieth of all pixels.
    (nnU-Net's cascade for large images is not planned.)

    Channels are normalised as nnU-Net does by their names, in any case: `ct` by the foreground of the data set,
    `rgb_to_0_1` (or `rgb`) and `rescale_to_0_1` to 0 to 1, `noNorm` (or `none`) not at all; all others each by itself,
    and only where they are not zero if cutting zeros off takes away more than a quarter of them.

    Args:
        fingerprint: A `Fingerprint`.
        memory_budget: Memory of the accelerator in GB, on nnU-Net's scale: its reference is 8, for which a batch of
            two patches of 128^3 is about the largest.
        dimensions: 2 plans for slices of volumes, across their coarsest axis (the last of equals, in a scan's canonical
            orientation the axial one); `None` for what the images are.

    Returns:
        A `Plan`.

    Raises:
        ValueError: If the fingerprint is empty or not of two or three axes, or no patch fits into the budget.

    Example:

    >>> from keras_dl.data.segmentation import Fingerprint
    >>> scans_plan = plan(Fingerprint(spacings=((1.0, 1.0, 1.0),) * 260, shapes=((36, 50, 35),) * 260, num_classes=3))
    >>> scans_plan.patch_size, scans_plan.batch_size, scans_plan.pool_sizes
    ((40, 56, 40), 9, ((2, 2, 2), (2, 2, 2), (2, 2, 2)))
    """
    _check(fingerprint, memory_budget, dimensions)
    spacing, shape, slice_axis = planned_space(fingerprint, dimensions)
    num_pixels, rank = math.prod(shape) * len(fingerprint.shapes), dimensions or len(spacing)
    reference = REFERENCE_VALUES[rank] * memory_budget / REFERENCE_BUDGET
    network, filters, values = _fitting(spacing[-rank:], shape[-rank:], fingerprint.num_classes, reference)
    most = round(SHARE_OF_DATA * num_pixels / math.prod(network.patch_size))
    batch = max(min(round(reference / values * REFERENCE_BATCH[rank]), most), SMALLEST_BATCH)
    shortest = int(np.argmin(network.patch_size))
    flat = rank == 3 and max(network.patch_size) > ANISOTROPIC * network.patch_size[shortest]
    return Plan(
        spacing=spacing,
        median_shape=shape,
        patch_size=network.patch_size,
        batch_size=batch,
        pool_sizes=network.pool_sizes,
        kernel_sizes=network.kernel_sizes,
        filters=filters,
        num_classes=fingerprint.num_classes,
        normalizations=tuple(_normalization(modality) for modality in fingerprint.modalities),
        intensities=fingerprint.intensities,
        inside_nonzero=fingerprint.share_after_crop < 3 / 4,
        slice_axis=slice_axis,
        axes_in_plane=tuple(axis for axis in range(rank) if not (flat and axis == shortest)),
    )


def _fitting(spacing, shape, num_classes, reference):
    """Returns the topology of the largest patch that fits, its channels, and how many values its feature maps hold."""
    rank = len(spacing)
    # The reference is for a large batch of patches; of patches as large as can be, only the smallest batch must fit.
    limit = reference * REFERENCE_BATCH[rank] / SMALLEST_BATCH
    edges = FIRST_EDGE[rank] * math.prod(spacing) ** (1 / rank) / np.asarray(spacing)
    patch = tuple(min(int(round(edge)), n) for edge, n in zip(edges, shape, strict=True))
    while True:
        network = topology(patch, spacing)
        filters = tuple(min(MOST_FILTERS[rank], FIRST_FILTERS * 2**i) for i in range(len(network.kernel_sizes)))
        values = feature_map_values(network, filters, num_classes)
        if values <= limit:
            return network, filters, values
        patch = _smaller(network, spacing, shape)
        if min(patch) < 1:
            raise refusal(
                f"`memory_budget` should allow for the {values} values of a patch of {network.patch_size}",
                f"one for {int(limit)} values",
            )


def _smaller(network, spacing, shape):
    """Cuts the patch on the axis that covers most of the median image, by as little as its own depth allows."""
    shares = np.divide(network.patch_size, shape)
    axis = max(range(len(shares)), key=lambda a: (shares[a], a))
    patch = list(network.patch_size)
    patch[axis] = max(patch[axis] - network.divisors[axis], 1)
    # A shorter axis may be halved less often, and then a smaller step is possible.
    step = topology(patch, spacing).divisors[axis]
    patch[axis] = network.patch_size[axis] - step
    return tuple(patch)


def _normalization(modality):
    return NORMALIZATIONS.get(modality.lower(), "zscore")


def _tuples(value):
    if not isinstance(value, (list, tuple)):
        return value
    return tuple(_tuples(entry) for entry in value)


def _check(fingerprint, memory_budget, dimensions):
    ranks = {len(values) for values in (*fingerprint.spacings, *fingerprint.shapes)}
    if len(ranks) != 1 or not ranks <= {2, 3} or len(fingerprint.spacings) != len(fingerprint.shapes):
        raise refusal(
            "each case should have a spacing and a shape of two or three axes",
            f"{len(fingerprint.spacings)} spacings and {len(fingerprint.shapes)} shapes of {ranks} axes",
        )
    if not all(value > 0 for values in (*fingerprint.spacings, *fingerprint.shapes) for value in values):
        raise refusal("spacings and sizes should be positive", fingerprint)
    check_number(memory_budget, "memory_budget", above=0)
    if fingerprint.num_classes < 2:
        raise refusal("there should be at least two classes", num_classes=fingerprint.num_classes)
    if dimensions not in (None, 2, 3) or (dimensions == 3 and ranks == {2}):
        raise refusal("`dimensions` should be None, 2, or 3 for volumes", f"dimensions={dimensions!r} for {ranks} axes")
