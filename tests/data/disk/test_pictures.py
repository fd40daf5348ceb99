"""Folders of pictures: what their files show is understood or refused by name."""

import os

import numpy as np
import pytest
from PIL import Image

from keras_dl.data import DataError
from keras_dl.data import open as open_data
from keras_dl.data.disk import pictures
from keras_dl.data.disk.decoding import decoded

GREY = np.random.default_rng(0).integers(0, 256, (6, 5), "uint8")
COLOUR = np.random.default_rng(1).integers(0, 256, (6, 5, 3), "uint8")


def save(path, array, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = array if isinstance(array, Image.Image) else Image.fromarray(array)
    picture.save(path, **options)


def test_subfolders_are_classes_in_the_order_of_their_names(tmp_path):
    for name in ("dog", "cat", "ant"):
        for number in range(3):
            save(tmp_path / "pets" / name / f"{number}.png", GREY + len(name) * number)
    (tmp_path / "pets" / ".DS_Store").touch()
    data = open_data(tmp_path / "pets")
    assert data.classes == ("ant", "cat", "dog") and data.name == "pets"
    assert data.y.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert data.x.shape == (9, 6, 5, 1) and data.x.dtype == "float32"
    for _ in range(2):  # decoded, then from the temporary file
        np.testing.assert_array_equal(data.x[2][..., 0], (GREY + 6).astype("float32") / 255)


def test_what_a_forked_process_has_decoded_is_not_decoded_again(tmp_path):
    save(tmp_path / "a.png", GREY)
    save(tmp_path / "b.png", GREY + 1)
    column, _, _ = pictures.folder(tmp_path)
    process = os.fork()
    if not process:
        column[:]
        os._exit(0)
    os.waitpid(process, 0)
    (tmp_path / "b.png").unlink()
    np.testing.assert_array_equal(column[1][..., 0], (GREY + 1).astype("float32") / 255)


def test_pictures_alone_have_no_labels(tmp_path):
    save(tmp_path / "b.png", COLOUR)
    save(tmp_path / "a.bmp", 255 - COLOUR)
    data = open_data(tmp_path)
    assert data.y is None and data.classes is None
    np.testing.assert_array_equal(data.x[:], np.stack([255 - COLOUR, COLOUR]).astype("float32") / 255)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".gif"])
def test_every_format_without_losses_gives_its_pixels(suffix, tmp_path):
    if suffix == ".tif":
        pytest.importorskip("tifffile")
    save(tmp_path / f"a{suffix}", GREY)
    np.testing.assert_array_equal(decoded(tmp_path / f"a{suffix}")[..., 0], GREY)


def test_jpeg_is_read_and_turned_upright(tmp_path):
    smooth = np.tile(np.linspace(0, 255, 16).astype("uint8"), (8, 1))
    exif = Image.Exif()
    exif[0x0112] = 6
    save(tmp_path / "a.jpg", smooth, exif=exif, quality=95)
    array = decoded(tmp_path / "a.jpg")
    assert array.shape == (16, 8, 1) and abs(array[..., 0].astype(int) - np.rot90(smooth, -1)).max() < 12


def test_palettes_sixteen_bits_and_single_bits_are_understood(tmp_path):
    palette = Image.fromarray(np.arange(30, dtype="uint8").reshape(6, 5), "P")
    palette.putpalette(np.random.default_rng(2).integers(0, 256, 768).tolist())
    save(tmp_path / "palette.png", palette)
    np.testing.assert_array_equal(decoded(tmp_path / "palette.png"), np.asarray(palette.convert("RGB")))
    deep = np.random.default_rng(3).integers(0, 65536, (6, 5)).astype("uint16")
    save(tmp_path / "deep" / "a.png", deep)
    np.testing.assert_array_equal(open_data(tmp_path / "deep").x[0][..., 0], deep / np.float32(65535))
    save(tmp_path / "bit.png", Image.fromarray(GREY > 99))
    np.testing.assert_array_equal(decoded(tmp_path / "bit.png")[..., 0], 255 * (GREY > 99))


def test_opaque_alpha_is_no_loss_and_transparency_is_refused(tmp_path):
    save(tmp_path / "opaque.png", np.dstack([COLOUR, np.full((6, 5), 255, "uint8")]))
    np.testing.assert_array_equal(decoded(tmp_path / "opaque.png"), COLOUR)
    save(tmp_path / "clear.png", np.dstack([COLOUR, GREY]))
    save(tmp_path / "key.png", Image.fromarray(GREY), transparency=int(GREY[0, 0]))
    for name in ("clear.png", "key.png"):
        with pytest.raises(DataError, match=rf"{name} should be opaque.*Received: transparent pixels"):
            decoded(tmp_path / name)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (GREY[:5], "6x5 in grey of 8 bits, as .*0.png. Received: 5x5 in grey"),
        (COLOUR, "6x5 in grey.*Received: 6x5 in colour"),
        (GREY.astype("uint16"), "6x5 in grey of 8 bits.*Received: 6x5 in grey of 16 bits"),
        (Image.fromarray(COLOUR).convert("CMYK"), "should be one picture.*CMYK"),
    ],
)
def test_a_picture_unlike_the_first_is_named_when_it_is_read(other, message, tmp_path):
    save(tmp_path / "0.png", GREY)
    save(tmp_path / ("1.jpg" if isinstance(other, Image.Image) else "1.png"), other)
    data = open_data(tmp_path)
    with pytest.raises(DataError, match=rf"1\.(png|jpg) should be {message}|1\.jpg {message}"):
        data.x[1]


def test_every_damage_of_a_png_is_an_error(tmp_path):
    save(tmp_path / "a.png", COLOUR)
    whole = (tmp_path / "a.png").read_bytes()
    broken = [whole[:size] for size in range(0, len(whole), 7)]
    broken += [whole[:i] + bytes([whole[i] ^ 1]) + whole[i + 1 :] for i in range(0, len(whole), 3)]
    for content in broken:
        (tmp_path / "a.png").write_bytes(content)
        with pytest.raises(DataError, match=r"a\.png should be one picture"):
            decoded(tmp_path / "a.png")


def test_animations_are_refused(tmp_path):
    frames = [Image.fromarray(GREY + shade) for shade in range(3)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(DataError, match=r"a\.gif should be one picture.*3 pictures"):
        decoded(tmp_path / "a.gif")


def test_what_else_lies_in_a_folder_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="should hold pictures alone.*Received: no file"):
        open_data(tmp_path / "empty")
    save(tmp_path / "mixed" / "a.png", GREY)
    save(tmp_path / "mixed" / "b" / "a.png", GREY)
    with pytest.raises(ValueError, match=r"one per class. Received: a.png beside the folder b"):
        open_data(tmp_path / "mixed")
    save(tmp_path / "deep" / "train" / "cat" / "a.png", GREY)
    with pytest.raises(ValueError, match=r"of parts such as train/ and test/, open one. Received: the folder cat"):
        open_data(tmp_path / "deep")
    save(tmp_path / "notes" / "a.png", GREY)
    (tmp_path / "notes" / "b.txt").touch()
    with pytest.raises(ValueError, match="Received: b.txt"):
        open_data(tmp_path / "notes")
