"""Segmentation in headless Chromium: pictures and NIfTI files of any size, beside what Python makes of them."""

import gzip
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

import keras_dl
from keras_dl import explore
from keras_dl.data import segmentation
from keras_dl.data.segmentation import nifti, pictures
from keras_dl.tasks import Segmentation
from keras_dl.tasks.segmentation import probabilities
from tests import browser
from tests.explore.pages import served, shown, watched

nibabel = pytest.importorskip("nibabel")
pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(browser.PROGRAM is None, reason="needs Chromium: apt-get install chromium"),
]
ALARM = "document.querySelector('#segment [role=alert]')"


def planned(spacing, patch, **changes):
    """A plan of three classes for images of a spacing."""
    fingerprint = segmentation.Fingerprint((spacing,), ((20,) * len(spacing),), num_classes=3)
    return segmentation.plan(fingerprint)._replace(patch_size=patch, **changes)


CT = segmentation.Intensities(mean=20.0, std=50.0, low=-80.0, high=150.0)
PLANS = {
    "pictures": planned((1.0, 1.0), (12, 8), inside_nonzero=True),
    "volumes": planned((1.0, 1.0, 1.5), (6, 8, 8), normalizations=("ct",), intensities=(CT,)),
    "slices": planned((3.0, 1.0, 1.2), (8, 8), slice_axis=2, normalizations=("zscore", "rescale")),
}


def network(plan):
    """A small network; that of volumes has a coarse output, too, as those with deep supervision do."""
    x = keras.Input((*plan.patch_size, len(plan.normalizations)))
    rank = len(plan.patch_size)
    convolution, pool = {2: ("Conv2D", "AveragePooling2D"), 3: ("Conv3D", "AveragePooling3D")}[rank]
    options = {"padding": "same", "kernel_initializer": keras.initializers.RandomNormal(stddev=0.5, seed=rank)}
    y = getattr(keras.layers, convolution)(4, 3, activation="tanh", **options)(x)
    full = getattr(keras.layers, convolution)(3, 1, **options)(y)
    outputs = [full, getattr(keras.layers, convolution)(3, 1)(getattr(keras.layers, pool)(2)(y))]
    return keras_dl.models.Supervised(keras.Model(x, outputs if rank == 3 else full), seed=0)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Plans and models with the addresses of their pages, by name."""
    built, exhibits = {name: network(plan) for name, plan in PLANS.items()}, {}
    for name, model in built.items():
        views = Segmentation(None).views(model, {"plan": PLANS[name].to_dict(), "mirroring": name != "slices"})
        shape = (9,) * len(PLANS[name].spacing) + (len(PLANS[name].normalizations),)
        image = np.random.default_rng(3).normal(size=shape).astype("float32")
        details = [{"spacing": [1.0] * (len(shape) - 1), "white": 255.0, "oriented": False, "bytes": False}]
        exhibits[name] = explore.Exhibit(name, "", model, model.signatures(), views, None, ([image], None, details))
    with served(exhibits, tmp_path_factory.mktemp("pages")) as addresses:
        yield {name: (PLANS[name], built[name], addresses[name]) for name in built}


@pytest.fixture
def opened(models, chromium, request):
    plan, model, address = models[request.param]
    with watched(chromium, address) as page:
        yield plan, model, page


def of(kind):
    """Opens the page of one of the plans."""
    return pytest.mark.parametrize("opened", [kind], indirect=True)


def expected(plan, model, opened, mirror=True):
    """What Python makes of an image: what the network takes, its probabilities, the classes."""
    case = segmentation.Case(opened.image, None, opened.spacing, "image", opened.source)
    prepared, predict, sizes = segmentation.prepare(case, plan).image, probabilities(model), plan.patch_size
    axes, one = tuple(range(len(sizes))), predict
    if plan.slice_axis is not None:
        sizes, axes = (1, *sizes), tuple(axis + 1 for axis in axes)
        one = lambda windows: predict(windows[:, 0])[:, None]  # noqa: E731
    scores = segmentation.sliding_window(one, prepared, sizes, mirror_axes=axes if mirror else ())
    return prepared, scores, segmentation.segment(predict, case, plan, mirror=mirror)


def compare(page, path, plan, model, opened, mirror=True):
    """Drops a file, and compares what the page and Python make of it."""
    page.choose("#segment input[type=file]", path)
    page.until(f"explorer.views.segment.shown?.image.name === '{path.name}' || !{ALARM}.hidden")
    assert page.evaluate(f"{ALARM}.hidden"), page.evaluate(f"{ALARM}.textContent")
    prepared, scores, labels = expected(plan, model, opened, mirror)
    assert max(scores.shape[:-1]) > max(plan.patch_size)
    np.testing.assert_allclose(shown(page, "segment.shown.x"), np.ravel(prepared), atol=1e-4)
    np.testing.assert_allclose(shown(page, "segment.shown.probabilities"), np.ravel(scores), atol=1e-4)
    ours = shown(page, "segment.shown.labels")
    assert np.mean(ours != np.ravel(labels)) < 1e-3 and len(set(ours)) == 3  # two scores may be equal to rounding


def scan(path, array, affine, units="mm", kind=nibabel.Nifti1Image, **header):
    """Writes a NIfTI file."""
    image = kind(array, affine)
    image.header.set_xyzt_units(units)
    for name, value in header.items():
        image.header[name] = value
    nibabel.save(image, path)
    return path


def voxels(shape, dtype="int16"):
    rng = np.random.default_rng(1)
    array = rng.normal(0, 60, shape)
    array[: shape[0] // 4] = 0
    return array.astype(dtype)


@of("pictures")
def test_a_picture_larger_than_a_patch_has_the_models_probabilities(opened, tmp_path):
    plan, model, page = opened
    image = np.random.default_rng(2).integers(0, 256, (29, 21)).astype("uint8")
    image[:4] = image[9:12, 9:12] = 0  # what is cut off, and a hole
    Image.fromarray(image).save(tmp_path / "image.png")
    compare(page, tmp_path / "image.png", plan, model, pictures.read_image([tmp_path / "image.png"]))
    assert "12 x 8 pixels went over the image of 29 x 21" in page.evaluate(
        "document.getElementById('segment-progress').textContent"
    )
    assert page.evaluate("explorer.views.segment.image.sizes") == [1, 29, 21]


@of("pictures")
def test_a_nifti_file_of_two_axes_is_resampled(opened, tmp_path):
    plan, model, page = opened
    affine = np.array([[0, -0.9, 0, 5], [1.6, 0, 0, 3], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    path = scan(tmp_path / "flat.nii", voxels((21, 18), "float32"), affine)
    compare(page, path, plan, model, nifti.read_image([path]))
    assert page.evaluate("document.getElementById('slice').parentElement.hidden")


@of("volumes")
def test_a_volume_is_turned_resampled_and_cut_through(opened, tmp_path):
    plan, model, page = opened
    affine = np.array([[0.1, 0, -1.0, 5], [-1.2, 0.1, 0, 3], [0, 5.0, 0.2, 0], [0, 0, 0, 1.0]])  # coarse on its second
    path = scan(tmp_path / "scan.nii.gz", voxels((11, 6, 13)), affine, scl_slope=2.0, scl_inter=-3.0)
    read = nifti.read_image([path])
    compare(page, path, plan, model, read)
    assert page.evaluate("explorer.views.segment.image.sizes") == list(read.image.shape[:-1])
    assert page.evaluate("document.getElementById('slice').max") == str(read.image.shape[2] - 1)
    picture = "document.getElementById('overlay').toDataURL()"
    before = page.evaluate(picture)
    page.evaluate("document.getElementById('slice').focus()")
    page.press("ArrowRight")
    page.until(f"{picture} !== {before!r}")
    page.evaluate("""void (() => { const cut = document.getElementById('cut'); cut.value = "0";
        cut.dispatchEvent(new Event("change")); })()""")
    assert page.evaluate("document.getElementById('slice').max") == str(read.image.shape[0] - 1)


@of("slices")
def test_slices_of_a_volume_of_two_channels_in_a_nifti_2_file(opened, tmp_path):
    plan, model, page = opened
    affine = np.diag([-1.1, 1.0, 2.5, 1])
    path = scan(tmp_path / "two.nii.gz", voxels((14, 12, 5, 2)), affine, kind=nibabel.Nifti2Image)
    compare(page, path, plan, model, nifti.read_image([path]), mirror=False)
    assert not page.evaluate("document.getElementById('channel').parentElement.hidden")


def faulty(folder, affine):
    """Files that are no scans for a model of volumes of one channel -> a part of the sentence about each."""
    whole = scan(folder / "whole.nii.gz", voxels((9, 8, 7)), affine)
    content = gzip.decompress(whole.read_bytes())
    header = bytearray(content)
    header[344:348] = b"nix\0"
    parts = {
        "cut.nii.gz": (whole.read_bytes()[:-300], "compression is damaged, or the file ends too early"),
        "checksum.nii.gz": (whole.read_bytes()[:-8] + bytes(8), "compression is damaged"),
        "short.nii": (content[:-50], "ends too early: its header speaks of 9 x 8 x 7 voxels"),
        "long.nii": (content + bytes(500), "behind which there are more"),
        "magic.nii": (bytes(header), "does not say that voxels follow"),
        "text.nii": (b"no scan at all, but a text" * 30, "it is no NIfTI file"),
        "empty.nii": (b"", "it is no NIfTI file"),
    }
    for name, (data, _) in parts.items():
        (folder / name).write_bytes(data)
    sentences = {folder / name: text for name, (_, text) in parts.items()}
    nan = voxels((9, 8, 7), "float32")
    nan[3, 3, 3] = np.nan
    sentences[scan(folder / "series.nii.gz", voxels((9, 8, 7, 5)), affine)] = "1 channel, and it has 5 channels on its"
    sentences[scan(folder / "flat.nii", voxels((9, 8)), affine)] = "takes images of three axes, and it has two axes"
    sentences[scan(folder / "five.nii", voxels((9, 8, 7, 2, 2)), affine)] = "this one is 9 x 8 x 7 x 2 x 2"
    sentences[scan(folder / "nan.nii", nan, affine)] = "some of its values are NaN or infinite"
    sentences[scan(folder / "waves.nii", voxels((9, 8, 7)).astype("complex64"), affine)] = "colours or complex numbers"
    return sentences


@of("volumes")
def test_a_file_that_is_no_scan_for_the_model_gets_its_sentence(opened, tmp_path):
    _, _, page = opened
    Image.fromarray(np.zeros((9, 9), "uint8")).save(tmp_path / "image.png")
    sentences = faulty(tmp_path, np.eye(4)) | {
        tmp_path / "image.png": "takes images of three axes",
        Path(__file__): "no image that browsers read",
    }
    for path, text in sentences.items():
        page.evaluate(f"void ({ALARM}.hidden = true)")
        page.choose("#segment input[type=file]", path)
        page.until(f"!{ALARM}.hidden")
        told = page.evaluate(f"{ALARM}.textContent")
        assert path.name in told and text in told and told.endswith("."), told
    assert page.evaluate("explorer.views.segment.image") is None


@of("pictures")
def test_the_note_on_a_picture_does_not_outlast_it(opened, tmp_path):
    _, _, page = opened
    note = "document.getElementById('segment-note').textContent"
    Image.new("RGB", (9, 9), "red").save(tmp_path / "red.png")
    page.choose("#segment input[type=file]", tmp_path / "red.png")
    page.until(f"{note} !== ''")
    page.choose("#segment input[type=file]", Path(__file__))
    page.until(f"!{ALARM}.hidden")
    assert page.evaluate(note) == ""


@of("volumes")
def test_an_example_is_shown_and_its_computation_can_be_stopped(opened):
    _, _, page = opened
    page.evaluate("document.querySelector('#segment .examples button').click()")
    page.evaluate("document.getElementById('segment-stop').click()")
    page.until("document.getElementById('segment-progress').textContent.startsWith('It was stopped')")
    assert page.evaluate("explorer.views.segment.shown") is None
    page.evaluate("document.getElementById('mirrored').click()")
    page.until("explorer.views.segment.shown")
    assert page.evaluate("document.getElementById('areas').rows.length") == 3


DIRECTIONS = """import("./orientation.js").then(({ affineOf, orientation }) => %s.map((header) =>
    orientation(affineOf(header)).map(({ axis, reversed }) => [axis, reversed ? -1 : 1])))"""


@of("volumes")
def test_axes_run_as_nibabel_says(opened):
    _, _, page = opened
    rng, headers, directions = np.random.default_rng(0), [], []
    for number in range(60):
        header = nibabel.Nifti1Header()
        header.set_data_shape((4, 5, 6))
        header.set_zooms(rng.uniform(0.5, 3, 3))
        turned = np.eye(4)
        turned[:3, :3] = np.linalg.qr(rng.normal(size=(3, 3)))[0] * rng.uniform(0.5, 3, 3)
        if number % 3 == 1:
            header.set_qform(turned, 1)
        elif number % 3 == 2:
            turned[:3, :3] += rng.normal(0, 0.3, (3, 3))  # sheared, too
            header.set_sform(turned, 2)
        directions.append(nibabel.io_orientation(header.get_best_affine()).astype(int).tolist())
        names = {"quatern": ["quatern_b", "quatern_c", "quatern_d"], "pixdim": ["pixdim"]}
        fields = {key: np.ravel([header[name] for name in of]).tolist() for key, of in names.items()}
        fields["srow"] = np.ravel([header[f"srow_{axis}"] for axis in "xyz"]).tolist()
        headers.append(fields | {"qform": int(header["qform_code"]), "sform": int(header["sform_code"])})
    assert page.evaluate(DIRECTIONS % headers) == directions


@of("pictures")
def test_axe_finds_no_serious_fault_in_a_segmentation(opened):
    from tests.explore.test_page import serious_faults

    assert serious_faults(opened[2]) == {}
