"""Files as people have them: each is understood as its format means it, or refused by name."""

import json
import warnings

import numpy as np
import pytest
import tensorflow as tf
import tifffile
from PIL import Image

from keras_dl.data import segmentation
from keras_dl.data.segmentation import open_folder

nibabel = pytest.importorskip("nibabel")

MASK = np.zeros((8, 9, 7), "uint8")
MASK[2:5, 2:5, 2:5] = 1
BANDS = np.arange(20 * 24 * 5).reshape(20, 24, 5).astype("uint16")
PLANES = np.moveaxis(BANDS, -1, 0)
FLAT_MASK = np.eye(20, 24, dtype="uint8")
GREY = np.arange(480).reshape(20, 24).astype("uint8")


def put(path, array, affine=None, unit=None, dtype=None):
    path.parent.mkdir(exist_ok=True)
    image = nibabel.Nifti1Image(array, np.eye(4) if affine is None else affine)
    if unit:
        image.header.set_xyzt_units(unit)
    if dtype:
        image.header.set_data_dtype(dtype)
    image.to_filename(path)


def scan(folder, name="a", mask=MASK, affine=None, **options):
    put(folder / "imagesTr" / f"{name}.nii.gz", MASK.astype("float32") + 1, affine, **options)
    put(folder / "labelsTr" / f"{name}.nii.gz", mask, affine)
    return folder


def describe(folder, **content):
    (folder / "dataset.json").write_text(json.dumps(content))


@pytest.fixture
def pictures(tmp_path):
    """A folder for a picture and a mask, which has a mask."""
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
    Image.fromarray(FLAT_MASK).save(tmp_path / "masks" / "a.png")
    return tmp_path


def test_the_ignored_label(tmp_path):
    mask = MASK.copy()
    mask[0] = 2
    scan(tmp_path, mask=mask)
    describe(tmp_path, channel_names={"0": "MRI"}, labels={"background": 0, "organ": 1, "ignore": 2})
    cases = open_folder(tmp_path)
    assert (cases.num_classes, cases.label_values, cases.ignore, cases.classes) == (2, (0, 1), 2, {"a": {0, 1}})
    np.testing.assert_array_equal(cases[0].labels, np.where(mask == 2, -100, mask.astype(int)))
    found = segmentation.plan(segmentation.fingerprint(cases, cases.num_classes, cases.modalities))
    prepared = segmentation.prepare(cases[0], found)
    _, labels = segmentation.Patches([prepared], found).batch(0)
    assert set(np.unique(labels)) <= {-100, 0, 1} and (labels == -100).any()
    assert segmentation.restore(np.eye(2)[np.maximum(prepared.labels, 0)], prepared).min() == 0
    (tmp_path / "dataset.json").unlink()
    with pytest.raises(ValueError, match="the labels 0, 1. Received: 2 in labelsTr/a.nii.gz"):
        open_folder(tmp_path, num_classes=2)
    assert open_folder(tmp_path, ignore=2).num_classes == 2


@pytest.mark.parametrize("value", [255, 1000])
def test_gaps_in_the_labels_of_a_description(tmp_path, value):
    scan(tmp_path, mask=(MASK * np.uint16(value)))
    describe(tmp_path, channel_names={"0": "MRI"}, labels={"background": 0, "cell": value})
    cases = open_folder(tmp_path)
    assert cases.label_values == (0, value)
    np.testing.assert_array_equal(cases[0].labels, MASK)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"labels": {"background": 0, "whole": [1, 2], "core": 2}}, "files instead of whole.*Received: regions in"),
        ({"channel_names": {"0": "T1", "1": "T2"}}, "the 2 channels that dataset.json names, t1, t2.*Received: 1 in a"),
        ({"channel_names": {"1": "T1"}}, r"Received: .*channels \[1\], which are not 0, 1, 2"),
        ({"labels": {"background": 0, "a": 1, "b": 1}}, "Received: .*label 1, b, is there twice"),
        ({"labels": {"background": 1, "a": 0}}, "Received: .*the background is 1, which has to be 0"),
        ({"labels": {"background": 0, "a": 1.5}}, "Received: .*1.5, which is no integer"),
        ({"labels": {"background": 0, "a": 1, "ignore": 0}}, "Received: .*is there twice"),
    ],
)
def test_descriptions_that_are_refused(tmp_path, content, message):
    describe(scan(tmp_path), **content)
    with pytest.raises(ValueError, match=message):
        open_folder(tmp_path)


@pytest.mark.parametrize(
    ("array", "options", "expected", "modalities"),
    [
        (BANDS, {"photometric": "minisblack", "planarconfig": "contig"}, BANDS, ("grey",) * 5),
        (BANDS[..., :2], {"photometric": "minisblack", "planarconfig": "contig"}, BANDS[..., :2], ("grey",) * 2),
        (PLANES[:4], {"photometric": "minisblack", "planarconfig": "separate"}, BANDS[..., :4], ("grey",) * 4),
        (PLANES[:4], {"imagej": True, "metadata": {"axes": "CYX"}}, BANDS[..., :4], ("grey",) * 4),
        (PLANES[:3], {"ome": True, "metadata": {"axes": "CYX"}}, BANDS[..., :3], ("grey",) * 3),
        (BANDS[..., :4], {"photometric": "rgb"}, BANDS[..., :3], ("rgb",) * 3),  # ExtraSamples says alpha
        (BANDS[..., :4], {"photometric": "rgb", "extrasamples": [0]}, BANDS[..., :4], (*("rgb",) * 3, "grey")),
        (GREY, {"photometric": "miniswhite"}, 255 - GREY[..., None], ("grey",)),
    ],
    ids=["contiguous", "two", "separate", "ImageJ", "OME", "alpha", "RGB and a band", "white is zero"],
)
def test_bands(pictures, array, options, expected, modalities):
    tifffile.imwrite(pictures / "images" / "a.tif", array, **options)
    cases = open_folder(pictures)
    np.testing.assert_array_equal(cases[0].image, expected)
    assert cases.modalities == modalities


@pytest.mark.parametrize(
    ("array", "options", "message"),
    [
        (PLANES[:4], {"photometric": "minisblack"}, "images/a.tif, 4 pages .*save channels as axes CYX"),
        (PLANES[:4], {"ome": True, "metadata": {"axes": "ZYX"}}, "images/a.tif, 4 slices .*volumes as NIfTI"),
        (BANDS[..., :4], {"photometric": "separated"}, "images/a.tif, one of CMYK; convert it"),
        (np.zeros((2, 3, 20, 24), "uint8"), {"imagej": True}, r"images/a.tif, \d slices|times"),
    ],
)
def test_stacks_and_inks_are_refused(pictures, array, options, message):
    tifffile.imwrite(pictures / "images" / "a.tif", array, **options)
    with pytest.raises(ValueError, match=message):
        open_folder(pictures)


@pytest.mark.parametrize("grey", [0, 255])
def test_masks_with_transparency(pictures, grey):
    alpha = np.where(FLAT_MASK, 255, 0).astype("uint8")
    Image.fromarray(GREY).save(pictures / "images" / "a.png")
    channels = [Image.fromarray(np.full_like(alpha, grey))] * 3 + [Image.fromarray(alpha)]
    Image.merge("RGBA", channels).save(pictures / "masks" / "a.png")
    with pytest.raises(ValueError, match=f"pixels of grey {grey} that are transparent .* in masks/a.png"):
        open_folder(pictures)
    Image.merge("LA", [Image.fromarray(alpha)] * 2).save(pictures / "masks" / "a.png")  # which says nothing more
    np.testing.assert_array_equal(open_folder(pictures)[0].labels, FLAT_MASK)


def colours(folder):
    cases = open_folder(folder)
    found = segmentation.plan(segmentation.fingerprint(cases, cases.num_classes, cases.modalities))
    return segmentation.prepare(cases[0], found).image


def test_colours_of_sixteen_bits(pictures):
    """By the range of their type; also as PNG, of which Pillow reads eight bits alone."""
    x = np.random.default_rng(0).integers(0, 65536, (20, 24, 3)).astype("uint16")
    tifffile.imwrite(pictures / "images" / "a.tif", x, photometric="rgb")
    np.testing.assert_allclose(colours(pictures), x / 65535, atol=1e-6)
    (pictures / "images" / "a.tif").unlink()
    (pictures / "images" / "a.png").write_bytes(tf.io.encode_png(x).numpy())
    np.testing.assert_allclose(colours(pictures), x / 65535, atol=1e-6)


@pytest.mark.parametrize("limits", [(0, 1), (-1, 1), (0, 300)])
def test_colours_without_a_range_are_refused(pictures, limits):
    x = np.linspace(*limits, 1440, dtype="float32").reshape(20, 24, 3)
    tifffile.imwrite(pictures / "images" / "a.tif", x, photometric="rgb")
    with pytest.raises(ValueError, match="colours should be from 0 to 255.*Received: values from .* in images/a.tif"):
        open_folder(pictures)
    describe(pictures, channel_names={"0": "R", "1": "G", "2": "B"})  # z-scores, as nnU-Net's
    assert open_folder(pictures).modalities == ("r", "g", "b")


def test_eight_bits_in_sixteen_are_refused(pictures):
    tifffile.imwrite(pictures / "images" / "a.tif", np.stack([GREY.astype("uint16")] * 3, -1), photometric="rgb")
    with pytest.raises(
        ValueError, match="colours should be from 0 to 65535.*Received: values from 0 to 255 in images/a.tif"
    ):
        open_folder(pictures)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_masks_that_nibabel_has_scaled(tmp_path, dtype):
    """As it writes floats by an integer header: 1 becomes 1.0000153, or 1.0039 in eight bits."""
    edited = MASK.astype("float64")
    edited[3, 3, 3] = 2
    put(scan(tmp_path) / "labelsTr" / "a.nii.gz", edited, dtype=dtype)
    assert not set(np.unique(nibabel.load(tmp_path / "labelsTr" / "a.nii.gz").get_fdata())) <= {0, 1, 2}
    np.testing.assert_array_equal(open_folder(tmp_path)[0].labels, edited)
    put(tmp_path / "labelsTr" / "a.nii.gz", edited / 4, dtype=dtype)
    with pytest.raises(
        ValueError,
        match=r"labels should be whole numbers.*numpy.rint.*as integers. Received: 0.2.* in labelsTr/a.nii.gz",
    ):
        open_folder(tmp_path)


def test_checksums(tmp_path, pictures):
    path = scan(tmp_path) / "imagesTr" / "a.nii.gz"
    content = bytearray(path.read_bytes())
    content[-6] ^= 255
    path.write_bytes(content)
    with pytest.raises(ValueError, match="imagesTr/a.nii.gz should be a NIfTI file. Received: BadGzipFile: CRC"):
        open_folder(tmp_path)


def test_checksums_of_png(pictures):
    path = pictures / "images" / "a.png"
    Image.fromarray(GREY).save(path)
    content = bytearray(path.read_bytes())
    content[-20] ^= 1  # the checksum of the pixels
    path.write_bytes(content)
    with pytest.raises(ValueError, match="images/a.png should be a picture. Received: "):
        open_folder(pictures)


@pytest.mark.parametrize(("unit", "expected"), [("micron", 1.5), ("mm", 1500.0), ("meter", 1.5e6), (None, 1500.0)])
def test_units(tmp_path, unit, expected):
    scan(tmp_path, affine=np.diag([1500.0, 1500, 1500, 1]), unit=unit)
    (case,) = open_folder(tmp_path)
    assert case.spacing == pytest.approx((expected,) * 3)
    case.source.write(case.labels, tmp_path / "out.nii.gz")
    written = nibabel.load(tmp_path / "out.nii.gz")
    assert written.affine[0, 0] == 1500 and written.header.get_xyzt_units()[0] == (unit or "unknown")


def test_small_units_have_affines_with_an_inverse(tmp_path):
    scan(tmp_path, affine=np.diag([1e-6, 1e-6, 1e-6, 1]))
    assert open_folder(tmp_path)[0].spacing == pytest.approx((1e-6,) * 3)


def test_spacings_that_are_absurd_beside_the_others(tmp_path):
    for name in "bcd":
        scan(tmp_path, name)
    scan(tmp_path, "a", affine=np.diag([1e3, 1e3, 1e3, 1]))
    with pytest.raises(
        ValueError, match=r"spacings should be in one unit, here about 1, 1, 1.*Received: 1e\+03, .* in a"
    ):
        open_folder(tmp_path)


def test_images_of_two_axes(tmp_path):
    affine = np.diag([-1.0, 2, 3, 1])
    put(tmp_path / "imagesTr" / "a.nii.gz", MASK[:, :, 3].astype("float32"), affine)
    put(tmp_path / "labelsTr" / "a.nii.gz", MASK[:, :, 3], affine)
    (case,) = open_folder(tmp_path)
    assert case.image.shape == (8, 9, 1) and case.spacing == (1.0, 2.0)
    np.testing.assert_array_equal(case.labels, MASK[::-1, :, 3])
    case.source.write(case.labels, tmp_path / "out.nii.gz")
    np.testing.assert_array_equal(np.asanyarray(nibabel.load(tmp_path / "out.nii.gz").dataobj), MASK[:, :, 3])


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_compressed_tiff(pictures, compression):
    Image.fromarray(GREY).save(pictures / "images" / "a.tif", compression=compression)
    np.testing.assert_array_equal(open_folder(pictures)[0].image[..., 0], GREY)


def test_jpeg(pictures):
    """Of images; masks would have other labels where two meet."""
    Image.fromarray(GREY).save(pictures / "images" / "a.jpg")
    assert open_folder(pictures)[0].image.shape == (20, 24, 1)
    (pictures / "masks" / "a.png").unlink()
    Image.fromarray(FLAT_MASK * 255).save(pictures / "masks" / "a.jpg")
    with pytest.raises(ValueError, match="Received: masks/a.jpg, JPEG, which changes labels.*save masks as PNG"):
        open_folder(pictures)


def test_orientation_of_photographs(pictures):
    """As the camera says and viewers show it."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.zeros((24, 20), "uint8")).save(pictures / "images" / "a.jpg", exif=exif)
    assert open_folder(pictures)[0].image.shape == (20, 24, 1)


def test_masks_of_few_bits_and_booleans(pictures):
    """Pillow multiplies numbers of four bits by 17; tifffile's True is 1 although it calls 0 white."""
    Image.fromarray(GREY).save(pictures / "images" / "a.png")
    tifffile.imwrite(pictures / "masks" / "a.tif", FLAT_MASK > 0)
    (pictures / "masks" / "a.png").unlink()
    np.testing.assert_array_equal(open_folder(pictures)[0].labels, FLAT_MASK)


def test_channels_of_other_kinds(pictures):
    """Three bands in one image and colours in another."""
    Image.fromarray(FLAT_MASK).save(pictures / "masks" / "b.png")
    tifffile.imwrite(pictures / "images" / "a.tif", BANDS[..., :3], photometric="minisblack", planarconfig="contig")
    tifffile.imwrite(pictures / "images" / "b.tif", BANDS[..., :3], photometric="rgb")
    with pytest.raises(
        ValueError, match="every image should have the same channels. Received: grey.* in a; rgb.* in b"
    ):
        open_folder(pictures)


def test_single_channels_of_other_numbers(pictures):
    Image.fromarray(FLAT_MASK).save(pictures / "masks" / "b.png")
    for name in ("a_0000", "b_0001"):
        Image.fromarray(GREY).save(pictures / "images" / f"{name}.png")
    with pytest.raises(ValueError, match="channels of the same numbers. Received: 0000 of a; 0001 of b"):
        open_folder(pictures)


def test_other_formats_are_not_left_out(pictures):
    Image.fromarray(GREY).save(pictures / "images" / "a.png")
    (pictures / "images" / "b.mha").write_bytes(b"")
    with pytest.raises(ValueError, match="convert others. Received: images/b.mha"):
        open_folder(pictures)


def test_masks_that_are_all_empty_are_warned_of(pictures):
    Image.fromarray(GREY).save(pictures / "images" / "a.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        open_folder(pictures)
    Image.fromarray(0 * FLAT_MASK).save(pictures / "masks" / "a.png")
    with pytest.warns(UserWarning, match="all masks in .* are empty"):
        open_folder(pictures)


def test_files_are_read_once_and_kept_as_memory_maps(tmp_path, monkeypatch):
    for name in "abc":
        scan(tmp_path, name)
    cases = open_folder(tmp_path, memory=0)
    for path in (tmp_path / "imagesTr").iterdir():
        path.unlink()
    case = cases.select(["b"])[0]
    np.testing.assert_array_equal(case.image[..., 0], MASK + 1)
    np.testing.assert_array_equal(case.labels, MASK)
    case.image[:] = 7  # a copy
    assert cases[1].image.max() == 2
