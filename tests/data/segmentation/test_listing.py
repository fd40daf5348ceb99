"""What `dataset.json` and the names of folders say of files: all of it is compared with what is there."""

import json
import struct
import warnings

import numpy as np
import pytest
import tifffile
from PIL import Image

from keras_dl.data.segmentation import open_folder

FLAT_MASK = np.eye(20, 24, dtype="uint8")
GREY = np.arange(480).reshape(20, 24).astype("uint8")
LABELS = {"background": 0, "cell": 1}


def picture(folder, name="a", image=GREY, mask=FLAT_MASK):
    for kind, array in (("images", image), ("masks", mask)):
        (folder / kind).mkdir(exist_ok=True)
        Image.fromarray(array).save(folder / kind / f"{name}.png")
    return folder


def describe(folder, text=None, **content):
    content = {"channel_names": {"0": "grey"}, "labels": LABELS, **content}
    (folder / "dataset.json").write_text(json.dumps(content) if text is None else text)
    return folder


CASE = {"image": "./images/a.png", "label": "./masks/a.png"}
OTHER = {"image": "./images/b.png", "label": "./masks/b.png"}


@pytest.mark.parametrize(
    "content",
    [
        {"numTraining": 1, "file_ending": ".png", "training": [CASE]},
        {"training": [{"image": "images/a_0000.nii", "label": "masks/a.nii.gz"}]},
        {"training": ["./images/a.png"]},
        {"dataset": {"a": {"images": ["images/a.png"], "label": "masks/a.png"}}},
        {"modality": {"0": "grey"}},
    ],
)
def test_descriptions_that_fit(tmp_path, content):
    assert open_folder(describe(picture(tmp_path), **content)).names == ["a"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"numTraining": 2}, "there should be 2 cases, as numTraining in dataset.json says.*Received: 1"),
        ({"training": [CASE, OTHER]}, "training in dataset.json lists; add what is missing.*Received: no b"),
        ({"training": [OTHER]}, "Received: no b; also a"),
        ({"file_ending": ".nrrd"}, "files should end in .nrrd.*Received: images/a.png, masks/a.png"),
        ({"dataset": {"a": {"images": ["/x/a.png"], "label": "/y/a.png"}}}, "dataset with files elsewhere, /x/a.png, "),
        ({"modality": {"0": "CT"}}, "channel_names {'0': 'grey'} and modality {'0': 'CT'}, which differ"),
        ({"training": [3]}, "dataset.json should name labels and channels. Received: "),
        ({"numTraining": "two"}, "which are no number of cases"),
    ],
)
def test_descriptions_of_other_files(tmp_path, content, message):
    with pytest.raises(ValueError, match=message):
        open_folder(describe(picture(tmp_path), **content))


def test_images_without_labels_are_not_those_of_the_training(tmp_path):
    assert len(open_folder(describe(picture(tmp_path), numTraining=5, training=[OTHER]), labelled=False)) == 1


def test_entries_of_one_name_are_refused(tmp_path):
    """Of two labels of one name, JSON keeps the last."""
    text = '{"labels": {"background": 0, "cell": 2, "cell": 1}}'
    with pytest.raises(ValueError, match="cell, which is there twice"):
        open_folder(describe(picture(tmp_path), text))


def test_one_folder_of_images_and_one_of_labels(tmp_path):
    """The others were left out in silence; a folder without pictures is none of them."""
    picture(tmp_path)
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text("0 0.5 0.5 0.1 0.1")
    assert open_folder(tmp_path)[0].labels.sum() == 20
    Image.fromarray(FLAT_MASK).save(tmp_path / "labels" / "a.png")
    with pytest.raises(ValueError, match="one folder of the names labelsTr, .*Received: labels, masks"):
        open_folder(tmp_path)


@pytest.mark.parametrize("kind", ["images", "masks"])
def test_folders_inside_of_images_are_refused(tmp_path, kind):
    picture(tmp_path)
    (tmp_path / kind / "notes").mkdir()
    assert len(open_folder(tmp_path)) == 1
    Image.fromarray(GREY).save(tmp_path / kind / "notes" / "b.png")
    with pytest.raises(ValueError, match=f"should hold files alone.*Received: {kind}/notes"):
        open_folder(tmp_path)


@pytest.mark.parametrize(
    ("mask", "content", "message"),
    [
        (FLAT_MASK + 1, None, "holds 0, which is taken for the background beside 1, 2: renumber"),
        (GREY % 70, None, "hold 70 labels, each of which is taken for a class: of numbered objects"),
        (FLAT_MASK, {"labels": {**LABELS, "nucleus": 2}}, "holds 2, of the labels that dataset.json names"),
    ],
)
def test_labels_that_may_mean_something_else_are_said(tmp_path, mask, content, message):
    picture(tmp_path, mask=mask)
    if content is not None:
        describe(tmp_path, **content)
    with pytest.warns(UserWarning, match=message):
        open_folder(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        open_folder(tmp_path, num_classes=70)


def test_numbers_of_classes_are_integers(tmp_path):
    picture(tmp_path)
    cases = open_folder(tmp_path, label_values=np.array([0, 1]), ignore=np.int64(7))
    assert json.dumps([cases.label_values, cases.ignore]) == "[[0, 1], 7]"
    assert json.dumps(open_folder(tmp_path, label_values=(0.0, 1.0)).label_values) == "[0, 1]"
    assert open_folder(tmp_path, num_classes=np.int64(2)).num_classes == 2
    for wrong in ({"num_classes": True}, {"num_classes": 2.5}, {"label_values": ("0", "1")}, {"ignore": True}):
        with pytest.raises(ValueError, match=f"`{next(iter(wrong))}` should be"):
            open_folder(tmp_path, **wrong)


@pytest.mark.parametrize(("name", "refused"), [("CT", True), ("noNorm", True), ("zscore", False), ("rgb", False)])
def test_bits_of_images_that_are_normalised_alike(tmp_path, name, refused):
    """255 and 65535 would be two numbers of one kind."""
    picture(tmp_path)
    describe(picture(tmp_path, "b", image=GREY.astype("uint16") * 257), channel_names={"0": name})
    if refused:
        with pytest.raises(ValueError, match="as many bits each.*Received: white of 255 in a; white of 65535 in b"):
            open_folder(tmp_path)
    else:
        assert len(open_folder(tmp_path)) == 2


@pytest.mark.parametrize(
    ("place", "form", "code", "name"),
    [(254, "<h", 99, "sform_code"), (252, "<h", -1, "qform_code"), (123, "<B", 7, "xyzt_units")],
)
def test_codes_that_the_format_does_not_have(tmp_path, place, form, code, name):
    """nibabel takes the next form, ITK the first whose code is not 0; a unit was taken for mm."""
    nibabel = pytest.importorskip("nibabel", reason="needs the extra medical: nibabel")
    for kind in ("imagesTr", "labelsTr"):
        (tmp_path / kind).mkdir()
        nibabel.save(nibabel.Nifti1Image(np.eye(8, dtype="uint8")[..., None], np.eye(4)), tmp_path / kind / "a.nii")
    path = tmp_path / "imagesTr" / "a.nii"
    content = bytearray(path.read_bytes())
    struct.pack_into(form, content, place, code)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"codes of NIfTI.*Received: {{'{name}': {code}}} in imagesTr/a.nii"):
        open_folder(tmp_path)


def test_masks_of_lossy_formats_by_other_names(tmp_path):
    picture(tmp_path)
    Image.fromarray(FLAT_MASK).convert("RGB").save(tmp_path / "masks" / "a.png", format="WEBP", lossless=True)
    with pytest.raises(ValueError, match="masks/a.png, WEBP, which may change labels"):
        open_folder(tmp_path)


def test_bands_that_are_called_transparencies_are_refused(tmp_path):
    """The second became a band."""
    picture(tmp_path)
    bands = np.stack([GREY] * 5, -1)
    (tmp_path / "images" / "a.png").unlink()
    tifffile.imwrite(tmp_path / "images" / "a.tif", bands, photometric="rgb", extrasamples=["unassalpha"] * 2)
    with pytest.raises(ValueError, match="one with 2 transparencies; save bands as such"):
        open_folder(tmp_path)
