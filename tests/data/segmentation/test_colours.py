"""Colours and bands of any layout: the value of white, axes of one, palettes, and files that are no pictures."""

import warnings

import numpy as np
import pytest
import tifffile
from PIL import Image

from keras_dl.data import segmentation
from keras_dl.data.segmentation import open_folder

GREY = np.arange(480).reshape(20, 24).astype("uint8")
WIDE = GREY.astype("uint16") * 257
MASK = np.eye(20, 24, dtype="uint8")


@pytest.fixture
def folder(tmp_path):
    """A folder for a picture and a mask, which has a mask."""
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
    Image.fromarray(MASK).save(tmp_path / "masks" / "a.png")
    return tmp_path


def prepared(folder):
    cases = open_folder(folder)
    found = segmentation.plan(segmentation.fingerprint(cases, cases.num_classes, cases.modalities))
    return segmentation.prepare(cases[0], found).image


def test_each_channel_has_its_own_white(folder):
    """Channels of 8 and of 16 bits that a description calls colours."""
    Image.fromarray(GREY).save(folder / "images" / "a_0000.png")
    tifffile.imwrite(folder / "images" / "a_0001.tif", WIDE)
    names = '{"channel_names": {"0": "rgb_to_0_1", "1": "RGB"}, "labels": {"background": 0, "cell": 1}}'
    (folder / "dataset.json").write_text(names)
    np.testing.assert_allclose(prepared(folder), np.stack([GREY / 255] * 2, axis=-1), atol=1e-6)


def test_colours_of_few_bits_are_warned_of(folder):
    """12 bits in files of 16, of all images."""
    x = np.stack([WIDE // 16] * 3, axis=-1)
    tifffile.imwrite(folder / "images" / "a.tif", x, photometric="rgb")
    with pytest.warns(UserWarning, match="colours go up to 4095 of 65535, the value of white, in a, and .* fewer bits"):
        open_folder(folder)
    Image.fromarray(MASK).save(folder / "masks" / "b.png")
    tifffile.imwrite(folder / "images" / "b.tif", 16 * x, photometric="rgb")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        open_folder(folder)  # the first is dark


@pytest.mark.parametrize("shape", [(20, 24, 1), (1, 20, 24), (1, 1, 20, 24)])
def test_axes_of_one(folder, shape):
    tifffile.imwrite(folder / "images" / "a.tif", WIDE.reshape(shape), photometric="minisblack")
    (folder / "masks" / "a.png").unlink()
    tifffile.imwrite(folder / "masks" / "a.tif", MASK.reshape(shape), photometric="minisblack")
    (case,) = open_folder(folder)
    np.testing.assert_array_equal(case.image[..., 0], WIDE)
    np.testing.assert_array_equal(case.labels, MASK)


def test_masks_of_fractions_and_nan(folder):
    Image.fromarray(GREY).save(folder / "images" / "a.png")
    (folder / "masks" / "a.png").unlink()
    for strange in (0.5, np.nan):
        tifffile.imwrite(folder / "masks" / "a.tif", np.where(MASK > 0, strange, 0))
        with pytest.raises(ValueError, match=f"labels should be whole numbers.*Received: .*{strange} in masks/a.tif"):
            open_folder(folder)


def test_palettes_of_greys(folder):
    """Of masks each index has to be seen; TIFF's greys have sixteen bits, and masks of a LUT are its indices."""
    Image.fromarray(GREY).save(folder / "images" / "a.png")
    mask = Image.fromarray(MASK, "P")
    mask.putpalette([255] * 6)
    mask.save(folder / "masks" / "a.png")
    with pytest.raises(ValueError, match="Received: masks/a.png, whose palette shows several indices as one grey"):
        open_folder(folder)
    for file in ("images/a.png", "masks/a.png"):
        (folder / file).unlink()
    ramp = np.stack([np.arange(256, dtype="uint16") * 257] * 3)
    for lut, expected in ((ramp, GREY), (ramp[:, ::-1], 65535 - WIDE)):
        tifffile.imwrite(folder / "images" / "a.tif", GREY, photometric="palette", colormap=lut)
        tifffile.imwrite(folder / "masks" / "a.tif", MASK, photometric="palette", colormap=lut)
        (case,) = open_folder(folder)
        np.testing.assert_array_equal(case.image[..., 0], expected)
        np.testing.assert_array_equal(case.labels, MASK)


@pytest.mark.parametrize("suffix", [".ppm", ".jfif", ".czi", ".mgz", ".heic"])
def test_other_formats_are_refused(folder, suffix):
    Image.fromarray(GREY).save(folder / "images" / "a.png")
    (folder / "images" / "a.json").write_text("{}")  # what programs write beside images
    assert open_folder(folder).names == ["a"]
    (folder / "images" / f"b{suffix}").write_bytes(b"")
    with pytest.raises(ValueError, match=f"convert others. Received: images/b{suffix}"):
        open_folder(folder)
