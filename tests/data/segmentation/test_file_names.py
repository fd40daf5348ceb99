"""Which files of a folder belong together, by their names, and which folders these are."""

import numpy as np
import pytest
from skimage.io import imsave

from keras_dl.data import segmentation
from keras_dl.data.segmentation import open_folder


def pictures(folder, names, suffix=".png"):
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        imsave(folder / f"{name}{suffix}", np.full((6, 7), 10 + number, "uint8"), check_contrast=False)
    return folder


def test_numbered_images_are_no_channels_where_there_are_fewer(tmp_path):
    """Frames of a film are called as the channels of one image are: the number of channels tells them apart."""
    pictures(tmp_path, ["film_0000", "film_0001", "film_0002"])
    assert open_folder(tmp_path, labelled=False)[0].image.shape == (6, 7, 3)
    assert open_folder(tmp_path, labelled=False, channels=3).names == ["film"]
    frames = open_folder(tmp_path, labelled=False, channels=1)
    assert frames.names == ["film_0000", "film_0001", "film_0002"] and frames[2].image.max() == 12
    (tmp_path / "film_0001.png").unlink()
    (tmp_path / "film_0002.png").unlink()
    assert open_folder(tmp_path, labelled=False, channels=1).names == ["film"]


def test_channels_of_other_numbers_are_refused(tmp_path):
    pictures(tmp_path / "masks", ["a", "b"])
    pictures(tmp_path / "images", ["a_0000", "a_0001", "b_0000", "b_0002"])
    with pytest.raises(ValueError, match="channels of the same numbers. Received: 0000, 0001 of a; 0000, 0002 of b"):
        open_folder(tmp_path)


def test_two_files_of_one_name_are_refused(tmp_path):
    pictures(tmp_path / "images", ["a", "b"])
    pictures(tmp_path / "masks", ["a", "b"])
    pictures(tmp_path / "images", ["b"], suffix=".tif")
    with pytest.raises(ValueError, match="one file of each name. Received: b.png and images/b.tif"):
        open_folder(tmp_path)
    (tmp_path / "images" / "b.tif").unlink()
    (tmp_path / "images" / "c.nii").write_bytes(b"")
    with pytest.raises(ValueError, match="either NIfTI files or pictures. Received: both, as c.nii and a.png"):
        open_folder(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label_values": (0, 2, 1)}, "`label_values` should be increasing integers .*Received: label_values=.0, 2, 1"),
        ({"label_values": (0, 0.5)}, "`label_values` should be increasing integers"),
        ({"label_values": (-1, 0)}, "`label_values` should be increasing integers"),
        ({"num_classes": 2.0}, "`num_classes` should be a positive integer. Received: num_classes=2.0"),
        ({"num_classes": 3, "label_values": (0, 1)}, "`num_classes` and `label_values` differ. Received: 3 and"),
    ],
)
def test_classes_that_are_none(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        open_folder(tmp_path, **options)


def test_folders_that_hold_images_or_labels(tmp_path):
    for name in ("images", "masks", "predictions"):
        (tmp_path / name).mkdir()
    held = {tmp_path / "images", tmp_path / "masks"}
    assert segmentation.taken(tmp_path) == {tmp_path, *held}
    assert segmentation.taken(tmp_path / "images") == held
    assert segmentation.taken(tmp_path / "predictions") == {tmp_path / "predictions"}
