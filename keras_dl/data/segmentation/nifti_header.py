"""Headers of NIfTI files that are plausible alone, and do not fit their file or contradict themselves."""

import math

import numpy as np

from keras_dl.checks import refusal
from keras_dl.data.segmentation.problems import named

FORMS, UNITS = range(6), (0, 1, 2, 3)  # codes that the format has; the unit of space is in the lower three bits
CONTRADICTION = 2.0  # times; registrations to an atlas stretch a brain by less


def check_header(raw, image, num_bytes, path):
    """Refuses a header whose voxels have no size, two sizes, or another number than the file, or with unknown codes.

    Args:
        raw: The header as it is in the file; nibabel mends some faults of those that it returns.
        image: nibabel's image.
        num_bytes: Size of the file, decompressed.
        path: The file.

    Raises:
        ValueError: If it is such a header.
    """
    _check_codes(raw, path)
    axes = min(3, image.ndim)
    pixels = np.abs(np.asarray(raw["pixdim"][1 : axes + 1], "float64"))
    measured = int(raw["sform_code"]) > 0
    if not measured and not (np.isfinite(pixels) & (pixels > 0)).all():
        raise refusal("a header should say how large voxels are", f"pixdim {pixels.tolist()} in {named(path)}")
    if measured and int(raw["qform_code"]) > 0:
        edges = np.sqrt((np.asarray(image.header.get_sform())[:3, :axes] ** 2).sum(axis=0))
        smaller, larger = np.minimum(edges, pixels), np.maximum(edges, pixels)
        if (larger > CONTRADICTION * smaller).any():
            text = "sform and qform of a header should give voxels one size; correct the wrong one"
            raise refusal(text, f"{edges.round(6).tolist()} and {pixels.round(6).tolist()} in {named(path)}")
    slice_bytes = math.prod(image.shape[:2]) * image.get_data_dtype().itemsize
    rest = num_bytes - int(image.dataobj.offset) - slice_bytes * math.prod(image.shape[2:])
    if slice_bytes and rest >= slice_bytes:
        text = "a header should say how many voxels a file has"
        raise refusal(text, f"shape {image.shape}, behind which {rest} bytes are left in {named(path)}")


def _check_codes(raw, path):
    """Refuses codes that readers take otherwise: nibabel passes over a form of an unknown code, ITK does not."""
    codes = {name: int(raw[name]) for name in ("sform_code", "qform_code") if int(raw[name]) not in FORMS}
    if int(raw["xyzt_units"]) & 7 not in UNITS:
        codes["xyzt_units"] = int(raw["xyzt_units"])
    if codes:
        text = "a header should hold the codes of NIfTI, forms 0 to 5 and units 0 to 3 (2 for mm); correct it"
        raise refusal(text, f"{codes} in {named(path)}")
