"""Held-out images of super-resolution and translation: memory does not grow with their number without end."""

import numpy as np
import pytest

from keras_dl import models, networks, tasks
from keras_dl.data.images import Images
from keras_dl.tasks import arrays
from keras_dl.tasks.image_sets import ImageSets, degradation_of
from keras_dl.tasks.measure import Context
from keras_dl.tasks.super_resolution import PICTURED
from tests.data.images.test_folders import array, write


def test_of_enlarged_images_figures_are_kept_and_the_pictured_ones():
    rng = np.random.default_rng(0)
    images = Images([rng.integers(0, 256, (24, 24, 3), dtype="uint8") for _ in range(60)])
    model = models.SuperResolution(networks.espcn((None, None, 3), 2, (2,), (3, 3)))
    rows, pictured = tasks.SuperResolution().enlarged(model, ImageSets("made", images), Context())
    assert len(rows) == 6 > PICTURED == len(pictured)
    assert [row["image"] for row in rows[:PICTURED]] == [one.name for one in pictured]
    assert {"psnr", "ssim", "psnr_bicubic", "ssim_bicubic"} <= set(rows[-1])


def test_images_too_small_to_be_measured_are_named():
    images = Images([array(16, 16), array(14, 30)], ["large.png", "small.png"])
    model = models.SuperResolution(networks.espcn((None, None, 3), 2, (2,), (3, 3)))
    sets = ImageSets("made", images)
    sets._held_out = images
    with pytest.raises(ValueError, match="should have 16 pixels per side at least. Received: small.png of 14x30"):
        tasks.SuperResolution().enlarged(model, sets, Context())


def test_domains_of_two_sizes_are_refused(tmp_path):
    for side, size in (("a", 8), ("b", 12)):
        for number in range(2):
            write(tmp_path / side / f"{number}.png", array(size, size, seed=number))
    with pytest.raises(ValueError, match="should have one size. Received: 8x8 and 12x12"):
        tasks.Translation(paired=False).load("mine", tmp_path)


def test_the_least_blur_is_that_asked_for():
    """A blur below 0.1 made a range that descends, and was refused by a name nobody had given."""
    small, large = (degradation_of({"scale": 2, "blur": blur}).before[0].stddev for blur in (0.05, 1.5))
    assert (small, large) == ((0.05, 0.05), (0.1, 1.5))


@pytest.mark.parametrize("paired", [True, False])
def test_a_tenth_is_held_out_unless_memory_is_short(tmp_path, monkeypatch, paired):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        for number in range(30):
            write(tmp_path / folder / f"{number}.png", array(seed=number))
    task = tasks.Translation(paired)
    assert len(task.load("made", tmp_path).x_test) == 3
    monkeypatch.setattr(arrays, "MOST_NUMBERS", 2 * np.prod(task.load("made", tmp_path).x.shape[1:]))
    data = task.load("made", tmp_path)
    assert (len(data.x), len(data.x_test), len(data.y), len(data.y_test)) == (28, 2, 28, 2)
