"""The spacing that images are resampled to, and the sizes that they have there."""

import numpy as np

from keras_dl.data.segmentation.resampling import ROUNDING

ANISOTROPIC = 3  # an axis is coarse if its spacing is more than so many times the others'


def slicing_axis(spacing):
    """Returns the coarsest axis of a volume, along which slices are told apart; the last of equals, which is up.

    Example:

    >>> slicing_axis((1.0 + 1e-7, 1.0, 1.0)), slicing_axis((1.0, 3.0, 1.0))
    (2, 1)
    """
    return int(np.flatnonzero(np.isclose(spacing, max(spacing), rtol=ROUNDING, atol=0))[-1])


def target_spacing(fingerprint):
    """Returns the spacing to resample to, one per axis; see `plan`."""
    spacing = np.median(fingerprint.spacings, axis=0)
    shape = np.median(fingerprint.shapes, axis=0)
    coarsest = int(np.argmax(spacing))
    others = [axis for axis in range(len(spacing)) if axis != coarsest]
    coarse = spacing[coarsest] > ANISOTROPIC * spacing[others].max()
    if coarse and ANISOTROPIC * shape[coarsest] < shape[others].min():
        finer = np.percentile(np.asarray(fingerprint.spacings)[:, coarsest], 10)
        spacing[coarsest] = max(finer, spacing[others].max())
    return tuple(float(s) for s in spacing)


def median_shape(fingerprint, spacing):
    """Returns the median sizes that the images have after resampling, rounded."""
    pairs = zip(fingerprint.shapes, fingerprint.spacings, strict=True)
    shapes = [np.round(np.multiply(shape, old) / spacing) for shape, old in pairs]
    return tuple(int(round(n)) for n in np.maximum(np.median(shapes, axis=0), 1))


def planned_space(fingerprint, dimensions):
    """The spacing that images are brought to, the shape that the median one then has, and the axis of slices.

    The axis of slices comes first in both; it is `None` where no volumes are cut into slices.
    """
    spacing = target_spacing(fingerprint)
    shape = median_shape(fingerprint, spacing)
    if dimensions != 2 or len(spacing) != 3:
        return spacing, shape, None
    slice_axis = slicing_axis(spacing)
    order = [slice_axis, *(axis for axis in range(3) if axis != slice_axis)]
    spacing, shape = (tuple(values[axis] for axis in order) for values in (spacing, shape))
    return spacing, shape, slice_axis
