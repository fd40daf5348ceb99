"""Pairs of images and two domains: what is opened, and what is refused before anything trains on it."""

import time

import numpy as np
import pytest

from keras_dl.data.images import open_pairs, open_unpaired
from keras_dl.data.images.files import by_name
from tests.data.images.test_folders import array, write


def test_pairs_side_by_side(tmp_path):
    pictures = [write(tmp_path / f"{name}.png", array(seed=seed)) for seed, name in enumerate("ab")]
    source, target = open_pairs(tmp_path)
    assert source.shape == target.shape == (2, 8, 5, 3)
    np.testing.assert_allclose(source[1], pictures[1][:, :5] / 255, atol=1e-6)
    np.testing.assert_allclose(target[[0]], pictures[0][None, :, 5:] / 255, atol=1e-6)
    np.testing.assert_array_equal(open_pairs(tmp_path, reverse=True)[0][1], target[1])


def pair_of_folders(folder, names=("x", "y")):
    for side, suffix in (("source", "png"), ("target", "bmp")):
        for seed, name in enumerate(names):
            write(folder / side / f"{name}.{suffix}", array(seed=seed + 10 * (side == "target")))


def test_pairs_in_two_folders(tmp_path):
    pair_of_folders(tmp_path)
    source, target = open_pairs(tmp_path)
    np.testing.assert_allclose(source[1], array(seed=1) / 255, atol=1e-6)
    np.testing.assert_allclose(target[1], array(seed=11) / 255, atol=1e-6)


def test_missing_partners_are_named(tmp_path):
    pair_of_folders(tmp_path)
    (tmp_path / "target" / "x.bmp").unlink()
    write(tmp_path / "target" / "z.png", array())
    with pytest.raises(ValueError, match="a partner of its name.*Received: source/x.png, target/z.png"):
        open_pairs(tmp_path)


def test_pairs_of_other_sizes_are_named(tmp_path):
    pair_of_folders(tmp_path)
    write(tmp_path / "target" / "y.bmp", array(8, 12))
    with pytest.raises(ValueError, match="same size.*Received: y.png of 8x10 beside 8x12"):
        open_pairs(tmp_path)
    write(tmp_path / "source" / "y.png", array(8, 12))
    with pytest.raises(ValueError, match="of one size, 8x10 as x.png.*Received: y.png of 8x12"):
        open_pairs(tmp_path)


def test_side_by_side_takes_even_widths(tmp_path):
    write(tmp_path / "a.png", array(8, 9))
    with pytest.raises(ValueError, match="even width.*Received: 9"):
        open_pairs(tmp_path)


def test_two_names_alike_are_refused(tmp_path):
    pair_of_folders(tmp_path)
    write(tmp_path / "source" / "x.bmp", array())
    with pytest.raises(ValueError, match=r"one image per name. Received: x.bmp, x.png"):
        open_pairs(tmp_path)


def test_folders_of_other_names_are_told_theirs(tmp_path):
    for name in ("Source", "Target"):
        write(tmp_path / name / "1.png", array())
    with pytest.raises(ValueError, match="two folders, called source and target or .*Received: Source, Target"):
        open_pairs(tmp_path)


def test_many_names_are_compared_at_once():
    """Each was compared with all others: 50,000 took a minute."""
    names = [f"{number}.png" for number in range(50_000)]
    began = time.process_time()
    assert len(by_name("folder", names)) == 50_000
    assert time.process_time() - began < 5


def test_domains_without_pairs(tmp_path):
    for side, count in (("a", 3), ("b", 2)):
        for seed in range(count):
            write(tmp_path / side / f"{seed}.png", array(seed=seed))
    a, b = open_unpaired(tmp_path)
    assert (a.shape, b.shape) == ((3, 8, 10, 3), (2, 8, 10, 3))
    write(tmp_path / "b" / "9.png", array(9, 9))
    with pytest.raises(ValueError, match="Received: 9.png of 9x9"):
        open_unpaired(tmp_path)


def test_two_pairs_of_folders_are_refused(tmp_path):
    """The first was taken."""
    for name in ("source", "target", "trainA", "trainB"):
        write(tmp_path / name / "1.png", array())
    for opened in (open_pairs, open_unpaired):
        with pytest.raises(ValueError, match="one pair of folders.*Received: source and target, trainA and trainB"):
            opened(tmp_path)
    (tmp_path / "target").rename(tmp_path / "old")
    assert len(open_pairs(tmp_path)[0]) == 1


def test_one_folder_is_no_two_domains(tmp_path):
    write(tmp_path / "a.png", array())
    with pytest.raises(ValueError, match="two folders of images"):
        open_unpaired(tmp_path)
