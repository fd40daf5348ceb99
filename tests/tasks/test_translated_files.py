"""Translations of a folder of images as files: what is refused before any is written."""

import numpy as np
import pytest
from PIL import Image

from keras_dl.tasks.translated_files import translate_files


def test_images_of_one_name_are_named(tmp_path):
    source = tmp_path / "images"
    source.mkdir()
    for name in ("a.png", "a.bmp", "b.png"):
        Image.fromarray(np.zeros((4, 4), "uint8")).save(source / name)
    with pytest.raises(ValueError, match=r"one image per name. Received: a.bmp, a.png$"):
        translate_files(source, tmp_path / "out", (None, None, 1), lambda x: x, lambda items, title: items)
    assert not (tmp_path / "out").exists()
