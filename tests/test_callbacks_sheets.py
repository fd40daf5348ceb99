"""Sheets of images with words: where blocks lie, what titles say, and that small images are drawn large."""

import keras
import numpy as np
import pytest

from keras_dl import callbacks
from keras_dl.callbacks import sheets
from tests.models.gan_builders import compiled, small_gan
from tests.models.gan_builders import images as gan_images


def read(path):
    return keras.utils.img_to_array(keras.utils.load_img(path))


def test_every_pixel_is_a_whole_square(tmp_path):
    """An image of 8x8 pixels is drawn at least 48 wide, and its grey levels are in the picture as they were."""
    images = np.random.default_rng(0).random((16, 8, 8, 1))
    blocks = [sheets.Block(images[:8], "real data"), sheets.Block(images, "samples")]
    placed, (width, height) = sheets.layout("VAE on digits", blocks)
    sheets.save_sheet(tmp_path / "new" / "sheet.png", "VAE on digits", blocks)
    picture = read(tmp_path / "new" / "sheet.png")
    assert picture.shape == (height, width, 3) and [path.name for path in (tmp_path / "new").glob("[!.]*")] == [
        "sheet.png"
    ]
    scale = sheets.magnification(8, 8, 8)
    assert scale * 8 >= sheets.LEAST_SIDE and scale * 64 >= sheets.LEAST_WIDTH
    for one in placed:
        rows, columns = one.pixels.shape[:2]
        drawn = picture[one.top : one.top + rows, one.left : one.left + columns]
        np.testing.assert_allclose(drawn, np.broadcast_to(255 * one.pixels, drawn.shape), atol=2.0)


@pytest.mark.parametrize("title", ["Samples: ProgressiveGAN on digits, epoch 100 of 100", "MWMW" * 9, "ill" * 20])
def test_no_title_is_cut_off(tmp_path, title):
    blocks = [sheets.Block(np.ones((1, 48, 48, 1)), columns=1)]
    sheets.save_sheet(tmp_path / "sheet.png", title, blocks)
    picture = read(tmp_path / "sheet.png")
    written = np.flatnonzero((picture[: sheets.TITLE] < 128).any((0, 2)))
    assert written.min() >= sheets.MARGIN - 1 and written.max() < picture.shape[1] - sheets.MARGIN / 2


@pytest.mark.parametrize("across", [False, True])
def test_blocks_do_not_overlap(across):
    """Headings and marks have room of their own, and a long title widens the picture."""
    blocks = [sheets.Block(np.zeros((8, 28, 28, 1)), "real data", 4, ("class 0", "class 1"))] * 2
    (first, second), (width, height) = sheets.layout("T" * 200, blocks, across)
    if across:
        assert second.top == first.top and second.left > first.left + first.pixels.shape[1]
    else:
        assert second.left == first.left and second.top >= first.top + first.pixels.shape[0] + sheets.HEADING
    assert first.left > sheets.MARGIN + 7 * 7 and first.top > sheets.TITLE + sheets.HEADING
    assert width >= sheets.title_width("T" * 200) and height >= second.top + second.pixels.shape[0]


def test_images_lie_below_one_another_whatever_their_marks():
    """Beside one another, a block takes only the room of its own marks."""
    images = np.zeros((8, 28, 28, 1))
    blocks = [sheets.Block(images, marks=("a long mark",)), sheets.Block(images), sheets.Block(images, marks=("b",))]
    assert len({one.left for one in sheets.layout("t", blocks)[0]}) == 1
    first, second, third = sheets.layout("t", blocks, across=True)[0]
    width = first.pixels.shape[1]
    assert second.left == first.left + width + sheets.MARGIN and third.left > second.left + width + sheets.MARGIN


@pytest.mark.parametrize(
    ("arguments", "title"),
    [
        (("digits", 3, 20), "Sequential on digits, epoch 3 of 20"),
        (("digits", 3, None, "Samples"), "Samples: Sequential on digits, epoch 3"),
        (("digits", 7, 5), "Sequential on digits, epoch 7"),
        ((None, None), "Sequential"),
    ],
)
def test_titles_say_what_is_known(arguments, title):
    assert sheets.epoch_title(keras.Sequential(), *arguments) == title


def test_a_grid_has_words_only_if_it_is_told_some(tmp_path, monkeypatch):
    """With a data set or real data there is a sheet with the model, the epoch and both kinds of images."""
    sheet = []
    monkeypatch.setattr("keras_dl.callbacks.pictures.save_sheet", lambda path, *parts: sheet.append(parts))
    x = gan_images(4)
    plain = callbacks.SampleGrid(tmp_path / "plain", num_samples=4)
    words = callbacks.SampleGrid(tmp_path / "words", num_samples=4, dataset="digits", real=x)
    compiled(small_gan()).fit(x, verbose=0, epochs=2, callbacks=[plain, words])
    assert len(list((tmp_path / "plain").glob("[!.]*"))) == 2
    assert [title for title, _ in sheet] == ["GAN on digits, epoch 1 of 2", "GAN on digits, epoch 2 of 2"]
    real, samples = sheet[0][1]
    np.testing.assert_array_equal(real.images, x)
    assert (real.heading, samples.heading, len(samples.images)) == ("real data", "samples", 4)
    assert real.value_range == samples.value_range


def test_real_points_lie_behind_samples(tmp_path):
    points = np.random.default_rng(0).normal(size=(50, 2))
    callbacks.save_points(tmp_path / "alone.png", points)
    callbacks.save_points(tmp_path / "both.png", points, "GAN on ring, epoch 1", 0.5 * points)
    assert np.abs(read(tmp_path / "both.png") - read(tmp_path / "alone.png")).max() > 100
