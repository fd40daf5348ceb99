"""Made-up scans: noisy blobs with cores, for examples and tests that need no files."""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from keras_dl import lazy
from keras_dl.checks import refusal
from keras_dl.data.segmentation.case import Case
from keras_dl.data.segmentation.pictures import PictureSource

COUNTS = {2: 30, 3: 20}
SIZES = {2: (64, 72), 3: (24, 28, 20)}
BRIGHTNESS = (0.0, 1.0, 0.5)  # of the background, of blobs, and of what lies inside them
CORE = 2  # pixels from the edge of a blob to its core
NOISE = 0.25


class Blobs(Sequence):
    """Cases of blobs whose cores are a class of their own, each a function of its number.

    Blobs are where a smoothed random field is large (scikit-image's `binary_blobs`). They are brighter than their
    cores and than the background; a slope over the image, blur and noise make them harder to tell apart.

    Args:
        dimensions: 2 for images of 64x72 pixels, 3 for volumes of 24x28x20.
        names: Which cases; all by default.

    Attributes:
        names: The cases' names, sorted.
        num_classes: 3: background, blob, core.
        label_values: `(0, 1, 2)`.
        modalities: `("grey",)`.
        ignore, classes: `None`, as of a `Folder` that says nothing of them.

    Example:

    >>> case = keras_dl.data.segmentation.load("blobs")[0]
    >>> case.image.shape, case.labels.shape, np.unique(case.labels).tolist()
    ((64, 72, 1), (64, 72), [0, 1, 2])
    """

    num_classes, label_values, modalities = 3, (0, 1, 2), ("grey",)
    ignore = classes = None

    def __init__(self, dimensions, names=None):
        self.dimensions = dimensions
        known = [f"blobs_{number:02d}" for number in range(COUNTS[dimensions])]
        self.names = known if names is None else sorted(names)
        if unknown := sorted(set(self.names) - set(known)):
            raise refusal(f"names should be from {known[0]} to {known[-1]}", f"{', '.join(unknown)}")

    def __len__(self):
        return len(self.names)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        name = self.names[index]
        image, labels = _draw(SIZES[self.dimensions], np.random.default_rng(int(name[-2:])))
        source = PictureSource(self.label_values) if self.dimensions == 2 else None
        return Case(image, labels, (1.0,) * self.dimensions, name, source)

    def select(self, names):
        """Returns some of the cases.

        Raises:
            ValueError: If there is no case of one of the names.
        """
        return Blobs(self.dimensions, names)


def _draw(sizes, rng):
    images = lazy.need("skimage.data", "The sets blobs and blobs3d")
    whole = images.binary_blobs(max(sizes), blob_size_fraction=0.3, n_dim=len(sizes), volume_fraction=0.3, rng=rng)
    blobs = whole[tuple(slice(0, size) for size in sizes)]
    cores = ndimage.distance_transform_edt(blobs) > CORE
    labels = blobs.astype("int32") + cores
    places = np.meshgrid(*[np.linspace(-1, 1, size) for size in sizes], indexing="ij")
    slope = sum(rng.normal(0, 0.15) * place for place in places)
    image = ndimage.gaussian_filter(np.array(BRIGHTNESS)[labels], 0.7) + slope + rng.normal(0, NOISE, sizes)
    return image[..., None].astype("float32"), labels
