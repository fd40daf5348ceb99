"""NIfTI files: read in canonical orientation, and predictions written back in that of the input."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from keras_dl.data.segmentation.problems import named, reason

SUFFIXES = (".nii.gz", ".nii")


class NiftiSource(NamedTuple):
    """What is needed to write labels beside the file that an image came from.

    Attributes:
        affine: From the file's voxel indices to millimetres, a 4x4 array.
        header: The file's NIfTI header.
        orientation: Which canonical axis each of the file's axes is, and whether it runs the same way, as nibabel's.
        label_values: The number in the file that each class has.
    """

    affine: np.ndarray
    header: object
    orientation: np.ndarray
    label_values: tuple | None = None

    def write(self, labels, path):
        """Writes class indices in canonical orientation as a NIfTI file with the affine and the axes of the source.

        Args:
            labels: Integer array `(*sizes)`, as the case that was read.
            path: The file, `.nii` or `.nii.gz`.
        """
        nibabel = import_nibabel()
        orientations = nibabel.orientations
        canonical = orientations.axcodes2ornt("RAS")
        back = orientations.ornt_transform(canonical, self.orientation)
        values = np.arange(labels.max(initial=0) + 1) if self.label_values is None else np.array(self.label_values)
        values = orientations.apply_orientation(values[labels], back)
        header = self.header.copy()
        header.set_data_dtype(np.min_scalar_type(int(values.max(initial=0))))
        header["cal_max"] = header["cal_min"] = 0
        header.set_slope_inter(1, 0)
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        nibabel.save(nibabel.Nifti1Image(values.astype(header.get_data_dtype()), self.affine, header), path)

    @property
    def white(self):
        return 255.0

    @property
    def suffix(self):
        return SUFFIXES[0]


def read_image(paths):
    """Reads a volume of one or several channels.

    The axes are flipped and exchanged so that they run, as nearly as they can, to the right, to the front and up
    (RAS); voxels are not resampled, so an oblique volume keeps its own axes.

    Args:
        paths: The files of its channels; or one file whose fourth axis is the channels.

    Returns:
        `(image, spacing, canonical_affine, source)`: float32 `(*sizes, channels)`, the voxel's edges in mm, the affine
        after reorientation, and a `NiftiSource`.

    Raises:
        ValueError: If a file is damaged or not of three axes, its affine has no inverse, or the channels' shapes or
            affines differ.
    """
    parts = [_read(path) for path in paths]
    array, affine, source = parts[0]
    for path, (other, other_affine, _) in zip(paths[1:], parts[1:], strict=True):
        check_same_grid(array, affine, other, other_affine, named(path))
    channels = [part if part.ndim == 4 else part[..., None] for part, _, _ in parts]
    spacing = tuple(float(s) for s in np.sqrt((affine[:3, :3] ** 2).sum(axis=0)))
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused as such
        image = np.concatenate(channels, axis=-1).astype("float32", copy=False)
    return image, spacing, affine, source


def read_labels(path):
    """Reads a volume of labels in canonical orientation.

    Args:
        path: The file.

    Returns:
        `(labels, affine)`: an array of the file's type, `(*sizes)`, and the affine after reorientation.

    Raises:
        ValueError: If the file is damaged or not of three axes.
    """
    labels, affine, _ = _read(path)
    if labels.ndim != 3:
        raise ValueError(f"Expected labels of three axes. Received: shape {labels.shape} in {named(path)}")
    return labels, affine


def check_same_grid(image, affine, other, other_affine, name):
    """Raises a `ValueError` unless two arrays in canonical orientation have the same voxels."""
    if image.shape[:3] != other.shape[:3]:
        raise ValueError(f"Expected the shape of the image, {image.shape[:3]}. Received: {other.shape[:3]} in {name}")
    corners = np.array(np.meshgrid(*([0, n - 1] for n in image.shape[:3]), [1], indexing="ij")).reshape(4, -1)
    apart = np.abs((affine - other_affine) @ corners).max()
    smallest = np.sqrt((affine[:3, :3] ** 2).sum(axis=0)).min()
    if not apart < 0.5 * smallest:
        raise ValueError(
            f"Expected the image's place in space, within half a voxel. Received: one {apart:.3g} mm away in {name}"
        )


def import_nibabel():
    try:
        import nibabel
    except ImportError as error:
        raise ImportError(
            "Expected nibabel for NIfTI files: pip install 'keras_dl[medical]'. Received: no module named nibabel"
        ) from error
    return nibabel


def _read(path):
    nibabel = import_nibabel()
    try:
        image = nibabel.load(path)
        affine = np.asarray(image.affine, "float64")
        usable = np.isfinite(affine).all() and abs(np.linalg.det(affine[:3, :3])) > 1e-12
        array = np.asanyarray(image.dataobj)
    except Exception as error:  # nibabel raises whatever the damage leads to, zlib's and NumPy's errors among them
        raise ValueError(f"Expected {named(path)} to be a NIfTI file. Received: {reason(error)}") from error
    if array.dtype.kind not in "biuf":
        raise ValueError(f"Expected one real number a voxel. Received: type {array.dtype} in {named(path)}")
    if not usable:
        raise ValueError(f"Expected an affine with an inverse. Received: {affine.tolist()} in {named(path)}")
    if array.ndim == 4 and array.shape[3] == 1:
        array = array[..., 0]
    if array.ndim not in (3, 4) or 0 in array.shape:
        raise ValueError(f"Expected three axes, or four with channels. Received: shape {array.shape} in {named(path)}")
    orientation = nibabel.io_orientation(affine)
    turned = nibabel.orientations.apply_orientation(array, orientation)
    canonical = affine @ nibabel.orientations.inv_ornt_aff(orientation, array.shape[:3])
    return turned, canonical, NiftiSource(affine, image.header.copy(), orientation)
