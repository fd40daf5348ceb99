"""Arrays kept for later: in memory while they are few, and then as memory maps of temporary files."""

import shutil
import tempfile
import weakref
from pathlib import Path

import numpy as np

MEMORY = 250_000_000  # bytes; beyond it the system keeps of the files what it has memory for


class Store:
    """Keeps arrays, so that files are read once and data larger than memory can be trained on.

    The temporary files are in a folder of `tempfile`'s choice (`$TMPDIR`), which goes with the store.

    Args:
        memory: Bytes that arrays may take in memory; those beyond it are written to files.

    Example:

    >>> store = Store(memory=100)
    >>> [type(store.keep(np.zeros(10))).__name__ for _ in range(2)]
    ['ndarray', 'memmap']
    """

    def __init__(self, memory: int = MEMORY):
        self.memory = memory
        self._used, self._number = 0, 0
        self._folder: Path | None = None

    def keep(self, array: np.ndarray) -> np.ndarray:
        """Returns an array of the same values, which is in memory or a memory map, not to be changed."""
        array = np.ascontiguousarray(array)
        if self._used + array.nbytes <= self.memory:
            self._used += array.nbytes
            return array
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="keras_dl_"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        path = self._folder / f"{self._number}.npy"
        self._number += 1
        np.save(path, array)
        return np.load(path, mmap_mode="r")
