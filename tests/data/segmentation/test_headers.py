"""Headers of scans that are plausible alone: beside their file, beside one another, and beside those of other cases."""

import struct

import numpy as np
import pytest

from keras_dl.data.segmentation import open_folder

nibabel = pytest.importorskip("nibabel")

IMAGE = np.arange(8 * 9 * 7, dtype="float32").reshape(8, 9, 7) + 1
MASK = (IMAGE > 400).astype("uint8")
PIXDIM, DIM, CODES = 76, 40, 252  # where a NIfTI-1 header holds them


def scan(folder, name="a", change=None, affine=None, mask=MASK):
    """Writes a scan and its mask, both with a changed header."""
    for kind, array in (("imagesTr", IMAGE), ("labelsTr", mask)):
        (folder / kind).mkdir(exist_ok=True)
        image = nibabel.Nifti1Image(array, np.eye(4) if affine is None else affine)
        if change is not None:
            change(image)
        image.to_filename(folder / kind / f"{name}.nii")


def overwritten(folder, place, content):
    """Writes bytes into a scan's files that nibabel would not write."""
    for kind in ("imagesTr", "labelsTr"):
        path = folder / kind / "a.nii"
        old = path.read_bytes()
        path.write_bytes(old[:place] + content + old[place + len(content) :])


def test_voxels_without_a_size_are_refused(tmp_path):
    """nibabel takes them for 1 mm; a header without an affine has the sizes alone."""
    scan(tmp_path, affine=np.diag([2.0, 3, 4, 1]))
    overwritten(tmp_path, CODES, bytes(4))
    assert open_folder(tmp_path)[0].spacing == (2, 3, 4)
    overwritten(tmp_path, PIXDIM + 12, struct.pack("<f", 0.0))
    with pytest.raises(ValueError, match=r"how large voxels are. Received: pixdim \[2.0, 3.0, 0.0\] in imagesTr/a.nii"):
        open_folder(tmp_path)


def test_voxels_that_a_header_leaves_out_are_refused(tmp_path):
    """A number of slices that is too small would drop the others."""
    scan(tmp_path)
    overwritten(tmp_path, DIM + 6, struct.pack("<h", 3))
    with pytest.raises(ValueError, match=r"how many voxels a file has. Received: shape \(8, 9, 3\), .* imagesTr/a.nii"):
        open_folder(tmp_path)


@pytest.mark.parametrize(("edge", "code", "refused"), [(3.0, 1, True), (1.3, 4, False), (3.0, 0, False)])
def test_two_sizes_of_voxels(tmp_path, edge, code, refused):
    """Those of sform count; other readers take qform's, and an atlas is somewhat larger."""

    def change(image):
        image.set_qform(np.diag([edge, edge, edge, 1]), code)
        image.set_sform(np.eye(4), 1)

    scan(tmp_path, change=change)
    if refused:
        with pytest.raises(
            ValueError, match=r"give voxels one size.*Received: \[1.0, 1.0, 1.0\] and \[3.0, 3.0, 3.0\]"
        ):
            open_folder(tmp_path)
    else:
        assert open_folder(tmp_path)[0].spacing == (1, 1, 1)


@pytest.mark.parametrize(
    ("edges", "strange"),
    [
        ((1, 1, 1, 10), "c3"),  # centimetres
        ((10, 1), "c0"),
        ((1, 1000), "c1"),
        ((1, 1, 1000, 1000), "c2"),
        ((1, 1, 0.001), "c2"),
        ((1, 1, (1, 1, 51)), "c2"),
        ((0.5, 1, 2, (0.4, 0.4, 10)), None),
        ((1e-6, 2e-6), None),
    ],
)
def test_spacings_beside_one_another(tmp_path, edges, strange):
    for number, edge in enumerate(edges):
        scan(tmp_path, f"c{number}", affine=np.diag([*np.broadcast_to(edge, 3), 1.0]))
    if strange is None:
        assert len(open_folder(tmp_path)) == len(edges)
    else:
        with pytest.raises(ValueError, match=f"spacings should be in one unit.*in {strange}"):
            open_folder(tmp_path)


def test_labels_below_zero_may_be_ignored(tmp_path):
    """Of masks of signed numbers, also as a description says."""
    scan(tmp_path, mask=MASK - 2 * (IMAGE < 50).astype("int16"))
    with pytest.raises(ValueError, match="labels of at least 0. Received: -2 in labelsTr/a.nii"):
        open_folder(tmp_path)
    expected = np.where(IMAGE < 50, -100, MASK.astype(int))
    np.testing.assert_array_equal(open_folder(tmp_path, ignore=-2)[0].labels, expected)
    text = '\ufeff{"labels": {"background": 0, "organ": 1, "ignore": -2}}'  # as editors on Windows save it
    (tmp_path / "dataset.json").write_text(text, encoding="utf-8")
    cases = open_folder(tmp_path, memory=0)
    assert (cases.num_classes, cases.ignore) == (2, -2)
    np.testing.assert_array_equal(cases[0].labels, expected)
