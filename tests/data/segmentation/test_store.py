"""Arrays that are kept for later."""

import tempfile

import numpy as np

from keras_dl.data.segmentation import Store


def test_arrays_beyond_the_memory_are_maps_of_files_that_nothing_leaves_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    store, arrays = Store(memory=100), [np.arange(12.0).reshape(3, 4).T, np.arange(6, dtype="int16")]
    kept = [store.keep(array) for array in (*arrays, *arrays)]
    assert [isinstance(array, np.memmap) for array in kept] == [False, True, True, True]
    assert list(tmp_path.iterdir()) == []
    for array, found in zip((*arrays, *arrays), kept, strict=True):
        np.testing.assert_array_equal(found, array, strict=True)
