"""Folders of images: what is opened, and what is refused before anything trains on it."""

import numpy as np
import pytest
from PIL import Image, ImageOps

from keras_dl.data import images, segmentation
from keras_dl.data.images import Images, named, open_folder, open_pairs, open_unpaired


def array(height=8, width=10, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), "uint8").squeeze()


def write(path, pixels, mode=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(pixels)
    (picture if mode is None else picture.convert(mode)).save(path)
    return pixels


def test_images_of_any_sizes_are_opened(tmp_path):
    first, second = write(tmp_path / "b.png", array()), write(tmp_path / "a.bmp", array(7, 9))
    folder = open_folder(tmp_path)
    assert (len(folder), folder.names, folder.sizes) == (2, ["a.bmp", "b.png"], ((7, 9), (8, 10)))
    np.testing.assert_array_equal(folder[0], second)
    np.testing.assert_array_equal(folder.select([1])[0], first)


def test_images_beyond_the_room_are_read_again(tmp_path, monkeypatch):
    pixels = write(tmp_path / "a.png", array())
    monkeypatch.setattr(images.folder, "_IN_MEMORY", 0)
    folder = open_folder(tmp_path)
    assert folder[0] is not folder[0]
    np.testing.assert_array_equal(folder[0], pixels)
    write(tmp_path / "a.png", array(9, 9))
    with pytest.raises(ValueError, match="as it was when it was opened"):
        folder[0]


def truncated(path):
    write(path, array(64, 64))
    path.write_bytes(path.read_bytes()[:-200])


def sixteen_bits(path):
    import tensorflow as tf

    path.write_bytes(tf.io.encode_png(array().astype("uint16") * 257).numpy())


def repeated(path):
    picture = Image.fromarray(array())
    picture.save(path, save_all=True, append_images=[picture.rotate(180)])


BAD = {
    "grey": (lambda path: write(path, array(channels=1)), "is grey"),
    "alpha": (lambda path: write(path, array(channels=4)), "has an alpha channel"),
    "palette": (lambda path: write(path, array(), "P"), "has a palette"),
    "sixteen": (sixteen_bits, "has 16 bits"),
    "truncated": (truncated, "cannot be read"),
    "transparent": (lambda path: Image.fromarray(array()).save(path, transparency=(0, 0, 0)), "has an alpha channel"),
    "animated": (repeated, r"cannot be read \(UnknownPicture: 2 pictures; save each as a file of its own\)$"),
    "text": (lambda path: path.write_text("text"), r"cannot be read \(UnidentifiedImageError"),
    "empty": (lambda path: path.touch(), r"cannot be read \(UnidentifiedImageError"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_cannot_be_trained_on_is_named(kind, tmp_path):
    spoil, reason = BAD[kind]
    write(tmp_path / "good.png", array())
    spoil(tmp_path / f"{kind}.png")
    with pytest.raises(ValueError, match=f"without palettes.*Received: {kind}.png {reason}"):
        open_folder(tmp_path)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photographs_are_upright(orientation, tmp_path):
    """As Pillow turns them, by what the camera said."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(array()).save(tmp_path / "a.jpg", exif=exif)
    with Image.open(tmp_path / "a.jpg") as picture:
        expected = np.asarray(ImageOps.exif_transpose(picture))
    folder = open_folder(tmp_path)
    assert folder.sizes == (expected.shape[:2],)
    np.testing.assert_array_equal(folder[0], expected)


def test_colours_of_print_are_refused(tmp_path):
    Image.fromarray(array()).convert("CMYK").save(tmp_path / "a.jpg")
    with pytest.raises(ValueError, match=r"a.jpg cannot be read \(UnknownPicture: one of mode CMYK"):
        open_folder(tmp_path)


def test_several_are_named_at_once(tmp_path):
    for kind in ("grey", "truncated"):
        BAD[kind][0](tmp_path / f"{kind}.png")
    with pytest.raises(ValueError, match="Received: grey.png is grey, truncated.png cannot be read"):
        open_folder(tmp_path)


def test_other_folders_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="should be a folder of images"):
        open_folder(tmp_path / "none")
    with pytest.raises(ValueError, match="no file"):
        open_folder(tmp_path)
    (tmp_path / "notes.txt").write_text("text")
    with pytest.raises(ValueError, match=r"images alone .*Received: notes.txt"):
        open_folder(tmp_path)


def test_channels_may_be_those_of_the_first_image(tmp_path):
    for name, channels in (("grey", 1), ("colour", 3)):
        write(tmp_path / name / "0.png", array(channels=channels))
        assert open_folder(tmp_path / name, channels=None).channels == channels
    for number in range(2):
        write(tmp_path / "pairs" / "a" / f"{number}.png", array(channels=1))
        write(tmp_path / "pairs" / "b" / f"{number}.png", array(channels=3))
    for function in (open_pairs, open_unpaired):
        assert [part.shape[-1] for part in function(tmp_path / "pairs", channels=None)] == [1, 3]
        with pytest.raises(ValueError, match="channels=4"):
            function(tmp_path / "pairs", channels=4)
    write(tmp_path / "grey" / "1.png", array(channels=3))
    with pytest.raises(ValueError, match="grey images .*Received: 1.png is coloured"):
        open_folder(tmp_path / "grey", channels=None)
    (tmp_path / "grey" / "0.png").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="Received: 0.png cannot be read"):
        open_folder(tmp_path / "grey", channels=None)


@pytest.mark.parametrize("function", [open_folder, open_pairs, open_unpaired, segmentation.open_folder])
@pytest.mark.parametrize("path", [None, 3, ""])
def test_what_is_no_path_is_refused(function, path):
    with pytest.raises(TypeError, match="should be a path. Received: "):
        function(path)


def test_grey_folders_are_asked_for(tmp_path):
    write(tmp_path / "a.png", array(channels=1))
    assert open_folder(tmp_path, channels=1)[0].shape == (8, 10, 1)
    with pytest.raises(ValueError, match="Received: channels=2"):
        open_folder(tmp_path, channels=2)


def test_a_split_leaves_nothing_out():
    whole = Images([array(seed=seed) for seed in range(10)])
    training, held_out = whole.split(0.2, seed=1)
    assert sorted([*training.names, *held_out.names]) == sorted(whole.names)
    assert len(held_out) == 2
    assert whole.split(0.2, seed=1)[1].names == held_out.names


@pytest.mark.parametrize("arrays", [[], [np.zeros((4, 4, 3))], [array(), array(channels=1)[..., None]]])
def test_bad_arrays_are_refused(arrays):
    with pytest.raises(ValueError, match="Received: "):
        Images(arrays)


@pytest.mark.parametrize("numbers", [[3], [0, -4], [], [1.0], ["0"], [True, False, True], 1])
def test_numbers_of_no_image_are_refused(tmp_path, numbers):
    pictures = [write(tmp_path / f"{name}.png", array(seed=seed)) for seed, name in enumerate("abc")]
    for whole in (Images(pictures), open_folder(tmp_path)):
        with pytest.raises(ValueError, match=r"`numbers` should be .*, from 0 to 2. Received: numbers="):
            whole.select(numbers)
        np.testing.assert_array_equal(whole.select(np.array([2, -2]))[1], pictures[1])


def test_names_are_as_many_as_images():
    with pytest.raises(ValueError, match="`names` should be 2, one an image. Received: 1"):
        Images([array(), array()], ["a"])


def test_drawings_are_decided_by_their_number():
    np.testing.assert_array_equal(named.drawing(3, 24), named.drawing(3, 24))
    assert np.ptp(named.drawing(3, 24)) > 100
    with pytest.raises(ValueError, match="the nearest: drawings"):
        named.load("drawing")
