"""A run reads each file of its folder once, the evaluation at its end included."""

import collections

import pytest

from apps import train
from keras_dl.data.segmentation import nifti
from tests.apps.scan_files import nifti_folder

TINY = ["--epochs", 1, "--set=steps=1", "--set=filters=4", "--set=batch_size=2"]
RECIPES = {"nnunet": TINY, "unet": [*TINY, "--set=patch_size=16", "--set=levels=2"]}


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.grid("unet")
def test_each_nifti_file_is_decoded_once(run, recipe, tmp_path, monkeypatch):
    nibabel = pytest.importorskip("nibabel", reason="needs the extra medical: nibabel")
    nifti_folder(nibabel, tmp_path / "scans")
    files, arrays = collections.Counter(), collections.Counter()
    load, values = nifti._load, nibabel.arrayproxy.ArrayProxy._get_scaled

    def counted_load(path):
        files[path.name, path.parent.name] += 1
        return load(path)

    def counted_values(proxy, *arguments, **options):
        arrays[recipe] += 1
        return values(proxy, *arguments, **options)

    monkeypatch.setattr(nifti, "_load", counted_load)
    monkeypatch.setattr(nibabel.arrayproxy.ArrayProxy, "_get_scaled", counted_values)
    assert run(train.main, recipe, "--data", tmp_path / "scans", "--out", tmp_path / "run", *RECIPES[recipe]) == 0
    assert (tmp_path / "run" / "cases.csv").is_file()
    assert len(files) == 10 and set(files.values()) == {1} and arrays[recipe] == 10
