"""Images of any sizes, in memory or in the files of a folder."""

import operator
from collections.abc import Callable, Sequence

import numpy as np

from keras_dl.checks import check_number, check_seed, refusal
from keras_dl.data.disk.decoding import decoded
from keras_dl.data.images import files
from keras_dl.types import PathLike

_IN_MEMORY = 2**30  # bytes of decoded files that are held


class Images:
    """A sequence of images of 8 bits, `(height, width, channels)` each, of any sizes.

    Args:
        arrays: List of uint8 arrays.
        names: List of their names; `None` for numbers.

    Raises:
        ValueError: If there are none, they differ in channels, or there are not as many names.

    Example:

    >>> images = Images([np.zeros((8, 9, 3), "uint8"), np.zeros((7, 6, 3), "uint8")])
    >>> len(images), images.sizes, images[1].shape
    (2, ((8, 9), (7, 6)), (7, 6, 3))
    """

    def __init__(self, arrays: Sequence, names: Sequence | None = None):
        self.arrays = [np.asarray(array) for array in arrays]
        fits = [array.dtype == np.uint8 and array.ndim == 3 for array in self.arrays]
        if not fits or not all(fits):
            wrong = fits.index(False) if fits else None
            text = "none" if wrong is None else f"{self.arrays[wrong].dtype} of shape {self.arrays[wrong].shape}"
            raise refusal("Images should be uint8 arrays (height, width, channels), one at least", text)
        if len({array.shape[-1] for array in self.arrays}) > 1:
            raise refusal("Images should have the same channels", f"{sorted({a.shape[-1] for a in self.arrays})}")
        self.channels = self.arrays[0].shape[-1]
        self.sizes = tuple(array.shape[:2] for array in self.arrays)
        self.names = [str(number) for number in range(len(self.arrays))] if names is None else list(names)
        if len(self.names) != len(self.arrays):
            raise refusal(f"`names` should be {len(self.arrays)}, one an image", f"{len(self.names)}")

    def __len__(self):
        return len(self.sizes)

    def __getitem__(self, index: int) -> np.ndarray:
        """One image as a uint8 array."""
        return self.arrays[index]

    def select(self, numbers: Sequence) -> "Images":
        """The same with some images only.

        Raises:
            ValueError: If there is no image of one of the numbers, or none is named.
        """
        numbers = self._numbers(numbers)
        return Images([self.arrays[number] for number in numbers], [self.names[number] for number in numbers])

    def split(self, fraction: float, seed: int = 0) -> tuple:
        """Divides them into two: `(training, held_out)`.

        Args:
            fraction: Part that is held out, above 0 and below 1.
            seed: Integer that decides which.
        """
        fraction, count = check_number(fraction, "fraction", above=0, below=1), len(self)
        if count < 2:
            raise refusal("There should be two images at least, to hold one out", count)
        order = np.random.default_rng(check_seed(seed)).permutation(count)
        held_out = min(max(1, round(fraction * count)), count - 1)
        return self.select(sorted(order[held_out:])), self.select(sorted(order[:held_out]))

    def _numbers(self, numbers):
        """Numbers of images as a list, negative ones from the end."""
        count = len(self)
        try:
            chosen = [count if isinstance(number, bool) else operator.index(number) for number in numbers]
        except TypeError:
            chosen = []
        if not chosen or not all(-count <= number < count for number in chosen):
            expected = f"`numbers` should be those of images, at least one, from 0 to {count - 1}"
            raise refusal(expected, numbers=numbers)
        return chosen


class ImageFolder(Images):
    """Images of files, which are read when they are asked for, and held in memory up to 1 GiB.

    Args:
        paths: List of the files.
        sizes: List of `(height, width)`.
        channels: Their channels.
    """

    def __init__(self, paths: Sequence, sizes: Sequence, channels: int):
        self.paths, self.sizes, self.channels = list(paths), tuple(sizes), channels
        self.names = [path.name for path in self.paths]
        self._decoded, self._room = {}, _IN_MEMORY

    def __getitem__(self, index: int) -> np.ndarray:
        if index in self._decoded:
            return self._decoded[index]
        array = decoded(self.paths[index])
        if array.shape != (*self.sizes[index], self.channels) or array.dtype != np.uint8:
            text = f"{self.paths[index]} should be as it was when it was opened, {self.sizes[index]}"
            raise refusal(text, f"{array.dtype} of shape {array.shape}")
        if array.nbytes <= self._room:
            self._decoded[index] = array
            self._room -= array.nbytes
        return array

    def select(self, numbers: Sequence) -> "ImageFolder":
        numbers = self._numbers(numbers)
        paths, sizes = ([part[number] for number in numbers] for part in (self.paths, self.sizes))
        return ImageFolder(paths, sizes, self.channels)


def open_folder(path: PathLike, channels: int | None = 3, track: Callable | None = None) -> "ImageFolder":
    """Opens a folder of images of any sizes, for super-resolution; all files are decoded once, to check them.

    Args:
        path: The folder.
        channels: 3 for colours, 1 for grey, `None` for what the first image is.
        track: Function `track(items, title)` that goes through items, or `None`.

    Returns:
        An `ImageFolder`.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If it holds something other than whole opaque images of 8 bits, each of which is named.

    Example:

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     keras.utils.save_img(f"{folder}/a.png", np.zeros((8, 9, 3)), scale=False)
    ...     images = open_folder(folder)
    ...     names = images.names, images.sizes
    >>> names
    (['a.png'], ((8, 9),))
    """
    paths = files.paths_in(path)
    channels = files.channels_of(paths, channels)
    return ImageFolder(paths, files.sizes_of(paths, channels, track), channels)
