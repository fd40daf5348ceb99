"""Folders of NIfTI files and pictures: orientations, writing back, and what is refused."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from skimage.io import imread, imsave

from keras_dl.data import segmentation
from keras_dl.data.segmentation import open_folder

nibabel = pytest.importorskip("nibabel")

ISOTROPIC = np.diag([2.0, 3.0, 4.0, 1.0])


def volume(seed=0, shape=(5, 6, 7)):
    return np.random.default_rng(seed).random(shape).astype("float32")


def save(array, path, affine=ISOTROPIC):
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(array, affine), path)


def scans(folder, names=("a", "b"), suffix=".nii.gz", label=1):
    """A folder of volumes, each with a box of label 1 and a voxel of `label`."""
    for seed, name in enumerate(names):
        labels = np.zeros((5, 6, 7), "uint8")
        labels[1:3, 2:4, 3:5] = 1
        labels[seed, 0, 0] = label
        save(volume(seed), folder / "imagesTr" / f"{name}{suffix}")
        save(labels, folder / "labelsTr" / f"{name}{suffix}")
    return folder


@pytest.mark.parametrize("suffix", [".nii.gz", ".nii"])
def test_volumes(tmp_path, suffix):
    folder = scans(tmp_path, suffix=suffix, label=2)
    save(volume(), folder / "imagesTr" / f"._a{suffix}")  # what file systems leave behind
    cases = open_folder(folder)
    assert cases.names == ["a", "b"] and len(cases) == 2
    assert (cases.num_classes, cases.label_values, cases.modalities) == (3, (0, 1, 2), ("mri",))
    first, second = cases
    np.testing.assert_array_equal(first.image[..., 0], volume(0))
    assert first.image.dtype == "float32" and first.labels.dtype == "int32"
    assert second.labels[1, 0, 0] == 2 and second.labels[1, 2, 3] == 1 and second.labels.sum() == 8 + 2
    assert first.spacing == (2.0, 3.0, 4.0)
    assert [case.name for case in cases[::-1]] == ["b", "a"]
    assert cases.select(["b"]).names == ["b"] and cases.select(["b"]).num_classes == 3


def rotation(degrees):
    turn = np.deg2rad(degrees)
    affine = np.eye(4)
    affine[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    return affine


ORIENTATIONS = {
    "RAS": ISOTROPIC,
    "LPS": np.diag([-2.0, -3.0, 4.0, 1.0]),
    "permuted": ISOTROPIC[[2, 0, 1, 3]],
    "SAR": np.array([[0, 0, 4, 1], [0, -3, 0, 2], [-2, 0, 0, 3], [0, 0, 0, 1.0]]),
    "oblique": rotation(20) @ ISOTROPIC,
    "oblique and flipped": rotation(-160) @ ISOTROPIC,
}


@pytest.mark.parametrize("name", ORIENTATIONS)
def test_orientations(tmp_path, name):
    """Read as nibabel's canonical image; predictions equal to the labels are written back as the labels' file."""
    affine = ORIENTATIONS[name]
    labels = np.zeros((5, 6, 7), "uint8")
    labels[0, 1, 2], labels[4, 5, 3] = 1, 2
    save(volume(), tmp_path / "images" / "a.nii.gz", affine)
    save(labels, tmp_path / "labels" / "a.nii.gz", affine)
    (case,) = open_folder(tmp_path)
    canonical = nibabel.as_closest_canonical(nibabel.load(tmp_path / "images" / "a.nii.gz"))
    np.testing.assert_array_equal(case.image[..., 0], canonical.get_fdata(dtype="float32"))
    np.testing.assert_allclose(case.spacing, nibabel.affines.voxel_sizes(canonical.affine))
    case.source.write(case.labels, tmp_path / "out" / "a.nii.gz")
    written = nibabel.load(tmp_path / "out" / "a.nii.gz")
    np.testing.assert_array_equal(np.asanyarray(written.dataobj), labels)
    np.testing.assert_allclose(written.affine, affine, atol=1e-6)
    assert written.get_data_dtype() == "uint8"


def test_labels_in_another_orientation_than_their_image(tmp_path):
    """The same place in space, stored the other way round."""
    labels = np.zeros((5, 6, 7), "uint8")
    labels[0, 1, 2] = 1
    flipped = ISOTROPIC @ np.array([[-1, 0, 0, 4], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    save(volume(), tmp_path / "images" / "a.nii.gz")
    save(labels[::-1], tmp_path / "labels" / "a.nii.gz", flipped)
    np.testing.assert_array_equal(open_folder(tmp_path)[0].labels, labels)


def test_channels(tmp_path):
    """As files `name_0000`, `name_0001`, and as a fourth axis."""
    labels = np.zeros((5, 6, 7), "uint8")
    labels[0] = 1
    expected = np.stack([volume(0), volume(1)], -1)
    for channel in range(2):
        save(volume(channel), tmp_path / "files" / "imagesTr" / f"a_000{channel}.nii.gz")
    save(expected, tmp_path / "axis" / "imagesTr" / "a.nii.gz")
    content = {"channel_names": {"0": "CT", "1": "PET"}, "labels": {"background": 0, "tumour": 1}}
    for kind in ("files", "axis"):
        save(labels, tmp_path / kind / "labelsTr" / "a.nii.gz")
        (tmp_path / kind / "dataset.json").write_text(json.dumps(content))
        cases = open_folder(tmp_path / kind)
        assert cases.names == ["a"] and cases.modalities == ("ct", "pet") and cases.num_classes == 2
        np.testing.assert_array_equal(cases[0].image, expected)
    without = open_folder(tmp_path / "files", labelled=False)
    assert without.names == ["a"] and without[0].labels is None and without[0].image.shape == (5, 6, 7, 2)


def test_pictures(tmp_path):
    """Grey, coloured and transparent images; masks of 0 and 255 are classes 0 and 1 and are written so."""
    rng = np.random.default_rng(0)
    colours, mask = rng.integers(0, 256, (6, 7, 4), "uint8"), np.zeros((6, 7), "uint8")
    mask[2:4, 3:6] = 255
    for kind, image in (("grey", colours[..., 0]), ("rgb", colours[..., :3]), ("rgba", colours)):
        (tmp_path / kind / "image").mkdir(parents=True)
        (tmp_path / kind / "label").mkdir()
        imsave(tmp_path / kind / "image" / "0.png", image, check_contrast=False)
        imsave(tmp_path / kind / "label" / "0.png", np.stack([mask] * 3, -1), check_contrast=False)
        cases = open_folder(tmp_path / kind)
        (case,) = cases
        channels = 1 if kind == "grey" else 3
        np.testing.assert_array_equal(case.image, colours[..., :channels])
        np.testing.assert_array_equal(case.labels, mask > 0)
        assert case.spacing == (1.0, 1.0) and cases.label_values == (0, 255) and cases.num_classes == 2
        assert cases.modalities == (("grey",) if kind == "grey" else ("rgb",) * 3)
        case.source.write(case.labels, tmp_path / kind / "out.png")
        np.testing.assert_array_equal(imread(tmp_path / kind / "out.png"), mask)


def test_empty_masks_and_missing_classes(tmp_path):
    folder = scans(tmp_path)
    save(np.zeros((5, 6, 7), "uint8"), folder / "labelsTr" / "b.nii.gz")
    cases = open_folder(folder)
    assert cases.num_classes == 2 and cases[1].labels.max() == 0
    assert open_folder(folder, num_classes=5).num_classes == 5
    save(np.zeros((5, 6, 7), "uint8"), folder / "labelsTr" / "a.nii.gz")
    assert open_folder(folder).num_classes == 2  # a foreground that nobody has


def test_label_values(tmp_path):
    """100 and 200 are classes 1 and 2."""
    folder = scans(tmp_path, names=("a",), label=200)
    labels = np.asanyarray(nibabel.load(folder / "labelsTr" / "a.nii.gz").dataobj).copy()
    labels[labels == 1] = 100
    save(labels, folder / "labelsTr" / "a.nii.gz")
    cases = open_folder(folder, label_values=(0, 100, 200))
    np.testing.assert_array_equal(np.array([0, 100, 200])[cases[0].labels], labels)
    cases[0].source.write(cases[0].labels, tmp_path / "out.nii.gz")
    np.testing.assert_array_equal(np.asanyarray(nibabel.load(tmp_path / "out.nii.gz").dataobj), labels)


def broken(folder, what):
    images, labels = folder / "imagesTr", folder / "labelsTr"
    if what == "no labels":
        (labels / "a.nii.gz").unlink()
    elif what == "no image":
        (images / "b.nii.gz").unlink()
    elif what == "shapes":
        save(np.zeros((5, 6, 8), "uint8"), labels / "b.nii.gz")
    elif what == "place":
        save(np.zeros((5, 6, 7), "uint8"), labels / "b.nii.gz", ISOTROPIC + np.eye(4, k=3) * 1.5)
    elif what == "gap":
        save(np.full((5, 6, 7), 7, "uint8"), labels / "b.nii.gz")
    elif what == "negative":
        save(np.full((5, 6, 7), -1, "int16"), labels / "b.nii.gz")
    elif what == "fraction":
        save(np.full((5, 6, 7), 0.5, "float32"), labels / "b.nii.gz")
    elif what == "NaN":
        save(np.full((5, 6, 7), np.nan, "float32"), images / "b.nii.gz")
    elif what == "truncated":
        path = images / "b.nii.gz"
        path.write_bytes(path.read_bytes()[:200])
    elif what == "affine":
        image = nibabel.Nifti1Image(volume(1), None)
        image.header.set_sform(np.diag([0.0, 1.0, 1.0, 1.0]), code=1)
        nibabel.save(nibabel.Nifti1Image(volume(1), np.diag([0.0, 1.0, 1.0, 1.0]), image.header), images / "b.nii.gz")
    elif what == "axes":
        save(volume(1, (5, 6)), images / "b.nii.gz")
    elif what == "channels":
        save(volume(1, (5, 6, 7, 2)), images / "b.nii.gz")
    elif what == "colours":
        save(np.zeros((5, 6, 7), [("R", "u1"), ("G", "u1"), ("B", "u1")]), images / "b.nii.gz")
    elif what == "complex":
        save(volume(1).astype("complex64"), images / "b.nii.gz")
    elif what == "overflow":
        save(volume(1).astype("float64") * 1e300, images / "b.nii.gz")


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("no labels", "every image should have labels of the same name. Received: no labels for a"),
        ("no image", "Received: no image for b"),
        ("shapes", r"shape of the image, \(5, 6, 7\). Received: \(5, 6, 8\) in labelsTr/b.nii.gz"),
        ("place", "within half a voxel. Received: one 1.5 mm away in labelsTr/b.nii.gz"),
        ("gap", "Received: 0, 1, 7, of which 7 in b"),
        ("negative", "at least 0. Received: -1 in labelsTr/b.nii.gz"),
        ("fraction", "labels should be whole numbers.*Received: 0.5 in labelsTr/b.nii.gz"),
        ("NaN", "Received: NaN or infinity in imagesTr/b.nii.gz"),
        ("truncated", "imagesTr/b.nii.gz should be a NIfTI file. Received: "),
        ("affine", "affine should have an inverse. Received: .* in imagesTr/b.nii.gz"),
        ("axes", r"three axes, or four.*Received: shape \(5, 6\) in imagesTr/b.nii.gz"),
        ("channels", "as many axes and channels each. Received: 3 axes, 1 channels in a; 3 axes, 2 channels in b"),
        ("colours", r"a voxel should be one real number. Received: type \[\('R', .* in imagesTr/b.nii.gz"),
        ("complex", "a voxel should be one real number. Received: type complex64 in imagesTr/b.nii.gz"),
        ("overflow", "Received: NaN or infinity in imagesTr/b.nii.gz"),
    ],
)
def test_broken_folders_are_refused(tmp_path, what, message):
    broken(scans(tmp_path), what)
    with pytest.raises(ValueError, match=message):
        open_folder(tmp_path)


def test_labels_out_of_range(tmp_path):
    scans(tmp_path, label=3)
    for options in ({"num_classes": 3}, {"label_values": (0, 1, 2)}):
        with pytest.raises(ValueError, match="the labels 0, 1, 2. Received: 3 in labelsTr/a.nii.gz\n.*3 in labelsTr/b"):
            open_folder(tmp_path, **options)
    (tmp_path / "dataset.json").write_text('{"labels": {"0": "background", "1": "one", "2": "two"}}')
    with pytest.raises(ValueError, match="the labels 0, 1, 2. Received: 3"):
        open_folder(tmp_path)
    (tmp_path / "dataset.json").write_text('{"labels": "all"}')
    with pytest.raises(ValueError, match="dataset.json should name labels and channels. Received: "):
        open_folder(tmp_path)


def test_all_problems_are_listed(tmp_path):
    names = [f"case_{i}" for i in range(8)]
    scans(tmp_path, names=names[:5])
    for name in names:
        save(volume(), tmp_path / "imagesTr" / f"{name}.nii.gz")
        save(np.zeros((5, 6, 8), "uint8"), tmp_path / "labelsTr" / f"{name}.nii.gz")
    with pytest.raises(ValueError, match="case_0(.|\n)*case_4(.|\n)*and 3 more problems"):
        open_folder(tmp_path)
    with pytest.raises(ValueError, match="names should be those of cases in the folder. Received: zzz"):
        open_folder(scans(tmp_path / "good")).select(["a", "zzz"])


def test_folders_that_are_none(tmp_path):
    with pytest.raises(FileNotFoundError, match="there should be a folder of images. Received: "):
        open_folder(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="should hold a folder imagesTr or images or image. Received: nothing"):
        open_folder(tmp_path)
    (tmp_path / "images").mkdir()
    with pytest.raises(FileNotFoundError, match="should hold images .*Received: none"):
        open_folder(tmp_path)


def test_pictures_that_are_refused(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    image = np.zeros((6, 7), "uint8")
    imsave(tmp_path / "images" / "a.png", image, check_contrast=False)
    for content, message in (
        (b"no picture", "masks/a.png should be a picture"),
        (np.arange(126, dtype="uint8").reshape(6, 7, 3), "picture of labels should be grey"),
        (np.zeros((6, 8), "uint8"), r"shape of the image, \(6, 7\). Received: \(6, 8\) in masks/a.png"),
    ):
        if isinstance(content, bytes):
            (tmp_path / "masks" / "a.png").write_bytes(content)
        else:
            imsave(tmp_path / "masks" / "a.png", content, check_contrast=False)
        with pytest.raises(ValueError, match=message) as caught:
            open_folder(tmp_path)
        assert "\n" not in str(caught.value)


def real_folder(name):
    folder = Path(os.environ.get("KERAS_DL_DATA", "/nowhere")) / name
    if not folder.is_dir():
        pytest.skip(f"needs the files of {name}: set KERAS_DL_DATA to the folder that holds {name}/")
    return folder


def test_the_real_hippocampus_set():
    cases = open_folder(real_folder("msd_hippocampus"))
    assert len(cases) == 260 and cases.num_classes == 3
    found = segmentation.fingerprint(cases, modalities=cases.modalities)
    assert tuple(np.median(found.shapes, axis=0)) == (35, 50, 36) and set(found.spacings) == {(1.0, 1.0, 1.0)}
    plan = segmentation.plan(found)
    # The plan that nnU-Net's makers print has the axes the other way round: (40, 56, 40) and a batch of 9.
    assert (plan.patch_size, plan.batch_size, plan.pool_sizes) == ((40, 56, 40), 9, ((2, 2, 2),) * 3)
    training, validation = segmentation.fold(cases.names, 0)
    assert (len(training), len(validation)) == (208, 52)
    for case in cases.select(validation[:5]):
        prepared = segmentation.prepare(case, plan)
        assert prepared.image.mean() == pytest.approx(0, abs=1e-4) and prepared.image.std() == pytest.approx(
            1, abs=1e-3
        )
        np.testing.assert_array_equal(segmentation.restore(np.eye(3)[prepared.labels], prepared), case.labels)


def test_the_real_electron_microscopy_set():
    cases = open_folder(real_folder("isbi2012"))
    assert len(cases) == 30 and cases.label_values == (0, 255) and cases[0].image.shape == (512, 512, 1)
    share = np.mean([case.labels.mean() for case in cases])
    assert share == pytest.approx(0.780, abs=0.0005)  # non-membrane
    assert segmentation.plan(segmentation.fingerprint(cases)).patch_size == (512, 512)
