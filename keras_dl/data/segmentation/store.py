"""Arrays kept for later: in memory while they are few, and then as memory maps of temporary files."""

import tempfile

import numpy as np

MEMORY = 250_000_000  # bytes; beyond it the system keeps of the files what it has memory for


class Store:
    """Keeps arrays, so that files are read once and data larger than memory can be trained on.

    The temporary files are where `tempfile` puts them (`$TMPDIR`), and go with the arrays, however the process ends.

    Args:
        memory: Bytes that arrays may take in memory; those beyond it are written to files.

    Example:

    >>> store = Store(memory=100)
    >>> [type(store.keep(np.zeros(10))).__name__ for _ in range(2)]
    ['ndarray', 'memmap']
    """

    def __init__(self, memory: int = MEMORY):
        self.memory = memory
        self._used = 0

    def keep(self, array: np.ndarray) -> np.ndarray:
        """Returns an array of the same values, which is in memory or a memory map, not to be changed."""
        array = np.ascontiguousarray(array)
        if self._used + array.nbytes <= self.memory:
            self._used += array.nbytes
            return array
        with tempfile.TemporaryFile(prefix="keras_dl_") as file:  # without a name: it goes with the map of it
            array.tofile(file)
            return np.memmap(file, array.dtype, "r", shape=array.shape)
