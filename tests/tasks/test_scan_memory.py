"""Scans larger than memory: their cases are memory maps, and memory does not grow with their number."""

import tracemalloc

import numpy as np
import pytest

from keras_dl.data import segmentation
from keras_dl.tasks.scans import Scans

nibabel = pytest.importorskip("nibabel")

SIZES = (40, 36, 32)


def folder_of(folder, count):
    for number in range(count):
        image = np.random.default_rng(number).integers(0, 1000, SIZES).astype("int16")
        labels = np.zeros(SIZES, "uint8")
        labels[9:20, 9:20, 9:20] = 1
        for kind, array in (("imagesTr", image), ("labelsTr", labels)):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            affine = np.diag([1 + 0.05 * (number % 2), 1, 1, 1])  # every other one is resampled
            nibabel.save(nibabel.Nifti1Image(array, affine), folder / kind / f"{number}.nii")
    return folder


def peak_of(folder):
    """Peak of memory in bytes, and the patches."""
    tracemalloc.start()
    data = Scans.load("scans", str(folder))
    plan = segmentation.plan(data.spec.fingerprint)
    prepared = data._prepare(data.cases.names, plan)
    patches = segmentation.Patches(prepared, plan, patch_size=(8, 8, 8), batch_size=2)
    patches.batch(0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak, patches


def test_memory_does_not_grow_with_the_cases(tmp_path, monkeypatch):
    store = segmentation.Store
    monkeypatch.setattr(segmentation, "Store", lambda: store(memory=0))
    monkeypatch.setattr("keras_dl.data.segmentation.folder.Store", lambda memory: store(memory=0))
    peak_of(folder_of(tmp_path / "first", 2))  # what is imported late
    (few, _), (many, patches) = (peak_of(folder_of(tmp_path / str(count), count)) for count in (2, 8))
    assert many < 1.1 * few
    for case in patches.cases:
        assert isinstance(case.image, np.memmap) and isinstance(case.labels, np.memmap)
        assert case.labels.dtype.itemsize == 1
