"""Random patches of prepared cases, some of them on foreground, in an order that seed and step decide."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_dl.checks import check_count, refusal
from keras_dl.data.pipeline import Order, finished, mark_of
from keras_dl.data.segmentation import places
from keras_dl.data.segmentation.plan import Plan
from keras_dl.types import Tensor

PLACES_A_CLASS = 10_000


class Patches:
    """Draws batches of patches from cases in memory (Isensee et al., 2021).

    The last third of a batch, at least one patch of two, is on foreground: a case, one of its classes and one of that
    class's pixels are drawn, and the patch is centred on it as far as the image reaches. The others lie anywhere. A
    batch too small for that share has one such patch in as many steps as make the share up: of batches of one, a third.
    Images smaller than the patch are surrounded by zeros, and the background. Of a case with ignored pixels every patch
    is centred on one that is not, likewise; a case without any such pixel is not drawn.

    Batch number `step` is a function of `(seed, step)` alone.

    Args:
        cases: `Prepared` cases with labels.
        plan: The `Plan` that they were prepared by.
        foreground: Share of the patches that are on foreground.
        patch_size: Sizes of the patches, if not the plan's: larger if they are turned and cut afterwards.
        batch_size: Patches per batch, if not the plan's.
        seed: Integer of at least 0.

    Raises:
        ValueError: If there are no cases, one has no labels, all pixels are ignored, or an argument is out of range.

    Example:

    >>> from keras_dl.data.segmentation import Case, Fingerprint, plan, prepare
    >>> case = Case(np.ones((9, 12, 1), "float32"), np.eye(9, 12, dtype=int), (1.0, 1.0), "a")
    >>> network_plan = plan(Fingerprint(((1.0, 1.0),), ((9, 12),), num_classes=2))
    >>> images, labels = Patches([prepare(case, network_plan)], network_plan, patch_size=(4, 4)).batch(0)
    >>> images.shape, labels.shape
    ((2, 4, 4, 1), (2, 4, 4))
    """

    def __init__(
        self,
        cases: Sequence,
        plan: Plan,
        foreground: float = 1 / 3,
        patch_size: Sequence[int] | None = None,
        batch_size: int | None = None,
        seed: int = 0,
    ):
        self.cases = list(cases)
        self.plan = plan
        self.foreground = foreground
        self.patch_size = tuple(check_count(n, "patch_size") for n in patch_size or plan.patch_size)
        self.batch_size = check_count(batch_size or plan.batch_size, "batch_size")
        self.seed = check_count(seed, "seed", least=0)
        if not self.cases or any(case.labels is None for case in self.cases):
            raise refusal("cases should be prepared and have labels", f"{len(self.cases)} cases, some without")
        if not 0 <= foreground <= 1 or len(self.patch_size) != len(plan.patch_size):
            raise refusal(
                f"`foreground` should be from 0 to 1, and `patch_size` have {len(plan.patch_size)} entries",
                foreground=foreground,
                patch_size=patch_size,
            )
        self._window = self.patch_size if plan.slice_axis is None else (1, *self.patch_size)
        self._places, self._annotated = [], []
        for number, case in enumerate(self.cases):
            rng = np.random.default_rng((self.seed, number))
            self._places.append(places.of_classes(case.labels, PLACES_A_CLASS, rng))
            self._annotated.append(places.annotated(case.labels, PLACES_A_CLASS, rng))
        self._drawn = [i for i, found in enumerate(self._annotated) if found is None or len(found)]
        if not self._drawn:
            raise refusal("some pixels should not be ignored", f"{len(self.cases)} cases of ignored pixels alone")

    def batch(self, step: int) -> tuple:
        """Returns batch number `step`: float32 `(batch, *patch_size, channels)` and int32 `(batch, *patch_size)`."""
        channels = self.cases[0].image.shape[-1]
        images = np.zeros((self.batch_size, *self._window, channels), "float32")
        labels = np.zeros((self.batch_size, *self._window), "int32")
        anywhere = self.batch_size - self._on_foreground(int(step))
        for row in range(self.batch_size):
            rng = np.random.default_rng((self.seed, 1, int(step), row))
            index = self._drawn[int(rng.integers(len(self._drawn)))]
            start = self._start(index, row >= anywhere, rng)
            _copy(self.cases[index].image, start, images[row])
            _copy(self.cases[index].labels, start, labels[row])
        if self.plan.slice_axis is not None:
            return images[:, 0], labels[:, 0]
        return images, labels

    def dataset(
        self, steps: int, strides: Sequence | None = None, transform: Callable | None = None, repeat: bool = False
    ) -> tf.data.Dataset:
        """Returns a `tf.data.Dataset` of one epoch of batches, another one each time; see `keras_dl.data.pipeline`.

        Args:
            steps: Batches per epoch.
            strides: For a network with several outputs: the strides of each (`Plan.output_strides`), for which the
                labels become a tuple, every so manieth pixel of them; `None` for the labels alone.
            transform: Function of images, labels and a key (two int64: seed and step) that returns images and labels;
                `lambda x, y, key: augment(transforms, x, y, seed=key)` augments them. `None` for none.
            repeat: Whether every epoch is the first one again, as for validation.

        Returns:
            A dataset of `(images, labels)`, whose attribute `order` lets `fit` continue a saved run.

        Raises:
            ValueError: If `steps` is not a positive integer.
        """
        steps = check_count(steps, "steps")
        shapes = [case.image.shape for case in self.cases]
        order = Order(None, steps, self.batch_size, mark_of((), ("patches", steps, self.batch_size, self.seed, shapes)))

        def batch_at(step):
            images, labels = tf.numpy_function(self.batch, [step], (tf.float32, tf.int32), stateful=False)
            images = tf.ensure_shape(images, (self.batch_size, *self.patch_size, self.cases[0].image.shape[-1]))
            labels = tf.ensure_shape(labels, (self.batch_size, *self.patch_size))
            if transform is not None:
                images, labels = transform(images, labels, tf.stack([tf.cast(self.seed, tf.int64), step]))
            if strides is None:
                return images, labels
            return images, tuple(at_stride(labels, stride) for stride in strides)

        def one_epoch(_):
            epoch = order.epoch.assign_add(1) - 1
            first = 0 * epoch if repeat else epoch * steps
            numbers = tf.data.Dataset.range(steps)
            return numbers.map(lambda i: batch_at(first + i), num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)

        return finished(tf.data.Dataset.range(1).flat_map(one_epoch), steps, order)

    def _on_foreground(self, step):
        """Number of patches per batch that are on foreground."""
        count = self.batch_size - round(self.batch_size * (1 - self.foreground))
        if count:
            return count
        return int(np.random.default_rng((self.seed, 2, step)).random() < self.batch_size * self.foreground)

    def _start(self, index, on_foreground, rng):
        """Draws where a patch begins, which is before the image's first pixel if the image is smaller."""
        shape, of_classes, centres = self.cases[index].labels.shape, self._places[index], self._annotated[index]
        low = [-(max(window - n, 0) // 2) for n, window in zip(shape, self._window, strict=True)]
        high = [max(n - window, first) for n, window, first in zip(shape, self._window, low, strict=True)]
        if on_foreground and of_classes:
            centres = of_classes[int(rng.integers(len(of_classes)))]
        if centres is not None:
            centre = np.unravel_index(centres[int(rng.integers(len(centres)))], shape)
            start = np.subtract(centre, np.array(self._window) // 2)
            return np.clip(start, low, high)
        return rng.integers(low, np.add(high, 1))


def at_stride(labels: Tensor, strides: Any) -> Tensor:
    """Returns every so manieth pixel of a batch of labels: targets for an output that is coarser than the image.

    Example:

    >>> at_stride(np.arange(12).reshape(1, 2, 6), (1, 3)).tolist()
    [[[0, 3], [6, 9]]]
    """
    return labels[(slice(None), *(slice(None, None, stride) for stride in strides))]


def _copy(array, start, patch):
    """Copies what an array has of a patch that begins at `start` into the patch."""
    sizes = array.shape[: len(start)]
    read, write = [], []
    for first, n, window in zip(start, sizes, patch.shape, strict=False):
        begin, end = max(int(first), 0), min(int(first) + window, n)
        read.append(slice(begin, end))
        write.append(slice(begin - int(first), end - int(first)))
    patch[tuple(write)] = array[tuple(read)]
