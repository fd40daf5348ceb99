"""NIfTI files: read in canonical orientation, and predictions written back in that of the input."""

import gzip
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from keras_dl.checks import refusal
from keras_dl.data.segmentation.case import Opened
from keras_dl.data.segmentation.labels import whole_numbers
from keras_dl.data.segmentation.nifti_header import check_header
from keras_dl.data.segmentation.problems import named, reason

SUFFIXES = (".nii.gz", ".nii")
MILLIMETRES = {"meter": 1000.0, "mm": 1.0, "micron": 0.001}
NIFTI_2 = 540  # size of its header, with which the file begins


class NiftiSource(NamedTuple):
    """What is needed to write labels beside the file that an image came from.

    Attributes:
        affine: From the file's voxel indices to millimetres, a 4x4 array.
        header: The file's NIfTI header.
        orientation: Which canonical axis each of the file's axes is, and whether it runs the same way, as nibabel's.
        label_values: The number in the file that each class has.
        flat_axis: Of a file of two axes: the canonical axis that it does not have; else `None`.
    """

    affine: np.ndarray
    header: Any
    orientation: np.ndarray
    label_values: tuple | None = None
    flat_axis: int | None = None

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
        values = values[labels]
        values = values if self.flat_axis is None else np.expand_dims(values, self.flat_axis)
        values = orientations.apply_orientation(values, back)
        values = values if self.flat_axis is None else values[..., 0]
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


class Grid(NamedTuple):
    """Where voxels are.

    Attributes:
        shape: Sizes, three of them.
        affine: From canonical voxel indices to `unit`.
        unit: In mm, or `None` if the file does not say, and mm are meant.
    """

    shape: tuple
    affine: np.ndarray
    unit: float | None


def read_image(paths):
    """Reads a volume, or an image of two axes, of one or several channels.

    The axes are flipped and exchanged so that they run, as nearly as they can, to the right, to the front and up
    (RAS); voxels are not resampled, so an oblique volume keeps its own axes. Micrometres and metres become mm.

    Args:
        paths: The files of its channels; or one file whose fourth axis is the channels.

    Returns:
        An `Opened`.

    Raises:
        ValueError: If a file is damaged or not of two or three axes, its affine has no inverse, or the channels' shapes
            or affines differ.
    """
    parts = [_read(path) for path in paths]
    array, grid, source, _ = parts[0]
    for path, (other, other_grid, _, _) in zip(paths[1:], parts[1:], strict=True):
        check_same_grid(grid, other_grid, named(path))
        if other.ndim != array.ndim or array.ndim == 4:
            raise refusal("each of several files should hold one channel", f"{other.shape} in {named(path)}")
    flat = source.flat_axis is not None
    rank = 2 if flat else 3
    channels = [_with_channel_axis(part, rank) for part, _, _, _ in parts]
    edges = (grid.unit or 1.0) * np.sqrt((grid.affine[:3, :3] ** 2).sum(axis=0))
    spacing = tuple(float(edge) for axis, edge in enumerate(edges) if axis != source.flat_axis)
    layout = tuple(channel.shape[-1] for channel in channels)
    image = channels[0] if len(channels) == 1 else np.concatenate(channels, axis=-1)
    if image.dtype == "float64":
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused as such
            image = image.astype("float32")
    return Opened(image, spacing, grid, source, ("mri",) * sum(layout), layout)


def _with_channel_axis(array, rank):
    return array if array.ndim == rank + 1 else array[..., None]


def read_labels(path):
    """Reads a volume of labels in canonical orientation.

    Args:
        path: The file.

    Returns:
        `(labels, grid)`: an integer array `(*sizes)`, and its `Grid`.

    Raises:
        ValueError: If the file is damaged, not of two or three axes, or not of whole numbers.
    """
    labels, grid, source, step = _read(path)
    if labels.ndim != (3 if source.flat_axis is None else 2):
        raise refusal("labels should have three axes", f"shape {labels.shape} in {named(path)}")
    return whole_numbers(labels, path, step), grid


def check_same_grid(grid, other, name):
    """Raises a `ValueError` unless two `Grid`s have the same voxels; one without a unit has the other's."""
    if grid.shape != other.shape:
        raise refusal(f"labels should have the shape of the image, {grid.shape}", f"{other.shape} in {name}")
    unit = grid.unit or 1.0
    affine, other_affine = unit * grid.affine, (other.unit or unit) * other.affine
    affine, other_affine = (np.vstack([a[:3], [0, 0, 0, 1]]) for a in (affine, other_affine))
    corners = np.array(np.meshgrid(*([0, n - 1] for n in grid.shape), [1], indexing="ij")).reshape(4, -1)
    apart = np.abs((affine - other_affine) @ corners).max()
    smallest = np.sqrt((affine[:3, :3] ** 2).sum(axis=0)).min()
    if not apart < 0.5 * smallest:
        raise refusal(
            "labels should lie where the image does, within half a voxel", f"one {apart:.3g} mm away in {name}"
        )


def import_nibabel():
    try:
        import nibabel
    except ImportError as error:
        raise refusal(
            "the package nibabel should be installed to read NIfTI files: pip install 'keras_dl[medical]'",
            "no module named nibabel",
            error=ImportError,
        ) from error
    return nibabel


def _load(path):
    """Returns nibabel's image of a whole file, its header as it is there, and the size of the file.

    nibabel itself stops at the last voxel, before gzip's checksum.
    """
    nibabel = import_nibabel()
    content = path.read_bytes()
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    second = NIFTI_2 in (int.from_bytes(content[:4], order) for order in ("little", "big"))
    kind = nibabel.Nifti2Image if second else nibabel.Nifti1Image
    raw = kind.header_class(content[: kind.header_class.sizeof_hdr], check=False)
    return kind.from_bytes(content), raw, len(content)


def _read(path):
    """Returns a file's array in canonical orientation, its `Grid`, its `NiftiSource`, and the step of its numbers."""
    nibabel = import_nibabel()
    try:
        image, raw, num_bytes = _load(path)
        affine = np.asarray(image.affine, "float64")
        array = np.asanyarray(image.dataobj)
        step = abs(float(image.dataobj.slope))
    except Exception as error:  # nibabel raises whatever the damage leads to, zlib's and NumPy's errors among them
        raise refusal(f"{named(path)} should be a NIfTI file", f"{reason(error)}") from error
    check_header(raw, image, num_bytes, path)
    if array.dtype.kind not in "biuf":
        received = f"type {array.dtype} in {named(path)}; save its parts as channels, name_0000, name_0001 ..."
        raise refusal("a voxel should be one real number", received)
    if not _invertible(affine):
        raise refusal("an affine should have an inverse", f"{affine.tolist()} in {named(path)}")
    array = array.astype("float32") if array.dtype == "float16" else array
    if array.ndim == 4 and array.shape[3] == 1:
        array = array[..., 0]
    if array.ndim not in (2, 3, 4) or 0 in array.shape:
        raise refusal("a volume should have three axes, or four with channels", f"shape {array.shape} in {named(path)}")
    flat = array.ndim == 2
    array = array[..., None] if flat else array
    orientation = nibabel.io_orientation(affine)
    turned = nibabel.orientations.apply_orientation(array, orientation)
    canonical = affine @ nibabel.orientations.inv_ornt_aff(orientation, array.shape[:3])
    flat_axis = int(orientation[2, 0]) if flat else None
    grid = Grid(turned.shape[:3], canonical, _unit(image.header))
    source = NiftiSource(affine, image.header.copy(), orientation, flat_axis=flat_axis)
    return (np.squeeze(turned, flat_axis) if flat else turned), grid, source, step


def _invertible(affine):
    """Whether the axes span space, whatever their unit."""
    edges = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    if not np.isfinite(affine).all() or not (edges > 0).all():
        return False
    return abs(np.linalg.det(affine[:3, :3] / edges)) > 1e-6


def _unit(header):
    """Length of a header's unit of space in mm, `None` if it names none."""
    return MILLIMETRES.get(header.get_xyzt_units()[0])
