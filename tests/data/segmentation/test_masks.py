"""Masks as pictures of other kinds than eight bits of grey."""

import numpy as np
import pytest
from PIL import Image
from skimage.io import imread, imsave

from keras_dl.data.segmentation import open_folder


@pytest.fixture
def folder(tmp_path):
    """A folder of two images."""
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
    for name in ("a", "b"):
        imsave(tmp_path / "images" / f"{name}.png", np.full((6, 7), 10, "uint8"), check_contrast=False)
    return tmp_path


def test_masks_of_one_bit(folder):
    """They are 0 and 255, also beside masks of eight bits."""
    mask = np.zeros((6, 7), bool)
    mask[2:4, 3:6] = True
    Image.fromarray(mask).save(folder / "masks" / "a.png")
    imsave(folder / "masks" / "b.png", mask.astype("uint8") * 255, check_contrast=False)
    assert imread(folder / "masks" / "a.png").dtype == bool
    cases = open_folder(folder)
    assert cases.label_values == (0, 255)
    for case in cases:
        np.testing.assert_array_equal(case.labels, mask)


def test_masks_with_a_palette(folder):
    """Labels are indices into a coloured palette, of which one mask may hold greys alone, and values of a grey one."""
    labels = np.zeros((6, 7), "uint8")
    labels[2:4, 3:6] = 1
    for name, values in (("a", labels), ("b", 2 * labels)):
        picture = Image.fromarray(values).convert("P")
        picture.putpalette([0, 0, 0, 128, 0, 0, 90, 90, 90])
        picture.save(folder / "masks" / f"{name}.png")
    cases = open_folder(folder)
    assert cases.label_values == (0, 1, 2)
    np.testing.assert_array_equal(cases[0].labels, labels)
    np.testing.assert_array_equal(cases[1].labels, 2 * labels)
    for name in ("a", "b"):
        picture = Image.fromarray(labels).convert("P")
        picture.putpalette([0, 0, 0, 255, 255, 255])
        picture.save(folder / "masks" / f"{name}.png")
    assert open_folder(folder).label_values == (0, 255)
