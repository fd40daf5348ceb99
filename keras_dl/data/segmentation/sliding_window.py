"""Predictions of images of any size from a network of one size: overlapping windows, weighted and mirrored."""

import itertools
from collections.abc import Callable, Sequence

import numpy as np

from keras_dl.checks import check_count, refusal
from keras_dl.types import Tensor


def sliding_window(
    predict: Callable,
    image: Tensor,
    patch_size: Sequence[int],
    overlap: float = 0.5,
    weighting: str = "gaussian",
    mirror_axes: Sequence[int] = (),
    batch_size: int = 1,
    margin: int | Sequence[int] = 0,
) -> np.ndarray:
    """Predicts an image from overlapping windows.

    Each pixel is the mean of what the windows over it predict, `sum w_k y_k / sum w_k`, w being a Gaussian of the
    window's size with a standard deviation of an eighth of it, which trusts a window's middle more than its border
    (Isensee et al., 2021). An image smaller than the window is surrounded by zeros. With `mirror_axes`, each window is
    also predicted flipped along each subset of these axes, flipped back and averaged.

    Args:
        predict: Function from windows `(n, *sizes, channels)` to predictions `(n, *patch_size, outputs)`, of a network
            or any other; what is averaged is what it returns, so logits or probabilities. `n` is the same in all
            calls, so that it is compiled once.
        image: Array `(*sizes, channels)`.
        patch_size: The window's sizes, one per axis.
        overlap: Least share of a window that its neighbour covers, from 0 to less than 1.
        weighting: `"gaussian"` or `"uniform"`.
        mirror_axes: Spatial axes of the image, from 0, along which to mirror.
        batch_size: Windows a call.
        margin: For a network whose output is smaller than its input by as much on either side (unpadded convolutions):
            how much, a number or one per axis. Windows are `patch_size + 2 margin` then, and the image is continued by
            its mirror image (the overlap-tile strategy of Ronneberger et al., 2015).

    Returns:
        Float32 array `(*sizes, outputs)`.

    Raises:
        ValueError: If an argument is out of range, or `predict` returns another shape.

    Example:

    >>> image = np.random.default_rng(0).random((7, 9, 1)).astype("float32")
    >>> copy = sliding_window(lambda windows: windows, image, (4, 4), mirror_axes=(0, 1))
    >>> bool(np.allclose(copy, image))
    True
    """
    image, patch, mirror_axes = np.asarray(image), _tuple(patch_size), _tuple(mirror_axes)
    margins: tuple = (margin,) * len(patch) if np.ndim(margin) == 0 else tuple(margin)  # type: ignore[arg-type]
    _check(image, patch, overlap, weighting, mirror_axes, margins)
    batch_size = check_count(batch_size, "batch_size")
    sizes = image.shape[:-1]
    short = [max(p - n, 0) for p, n in zip(patch, sizes, strict=True)]
    before = [s // 2 for s in short]
    padded = np.pad(image, [*((b, s - b) for b, s in zip(before, short, strict=True)), (0, 0)])
    reflected = [*((m, m) for m in margins), (0, 0)]
    large = np.pad(padded, reflected, mode="reflect") if any(margins) else padded
    weights = _weights(patch, weighting)[..., None]
    starts = list(itertools.product(*(_starts(n, p, overlap) for n, p in zip(padded.shape, patch, strict=False))))
    window = [p + 2 * m for p, m in zip(patch, margins, strict=True)]
    total, norm = None, np.zeros((*padded.shape[:-1], 1), "float32")
    for first in range(0, len(starts), batch_size):
        chosen = starts[first : first + batch_size]
        values = _predictions(predict, large, chosen, window, patch, mirror_axes, min(batch_size, len(starts)))
        if total is None:
            total = np.zeros((*padded.shape[:-1], values.shape[-1]), "float32")
        for start, value in zip(chosen, values, strict=True):
            place = _place(start, patch)
            total[place] += weights * value
            norm[place] += weights
    total /= norm
    return total[_place(before, sizes)]


def _predictions(predict, image, starts, window, patch, mirror_axes, count):
    """Means over the mirrorings, `(len(starts), *patch, outputs)`; `predict` is called with `count` windows."""
    filled = [*starts, *[starts[-1]] * (count - len(starts))]
    windows = np.stack([image[_place(start, window)] for start in filled])
    total = np.zeros((), "float32")  # grows to the shape of what is predicted
    flips = _subsets([axis + 1 for axis in mirror_axes])
    for axes in flips:
        values = np.asarray(predict(np.ascontiguousarray(np.flip(windows, axes))), "float32")
        if values.shape[:-1] != (count, *patch) or not values.shape[-1]:
            raise refusal(
                f"`predict` should return an array of shape {(count, *patch)} and outputs",
                f"{values.shape} for windows of shape {windows.shape}",
            )
        total = total + np.flip(values, axes)
    return total[: len(starts)] / len(flips)


def _starts(size, patch, overlap):
    """Where windows begin on an axis: evenly spread from the first pixel to the last, as few as the overlap allows.

    Example:

    >>> _starts(10, 4, overlap=0.5), _starts(4, 4, overlap=0.5)
    ([0, 2, 4, 6], [0])
    """
    steps = -(-(size - patch) // max(patch * (1 - overlap), 1))
    if not steps:
        return [0]
    return [int(round(i * (size - patch) / steps)) for i in range(int(steps) + 1)]


def _weights(patch, weighting):
    weights = np.ones(patch, "float32")
    if weighting == "gaussian":
        for axis, n in enumerate(patch):
            offsets = (np.arange(n) - (n - 1) / 2) / (n / 8)
            others = tuple(i for i in range(len(patch)) if i != axis)
            weights *= np.expand_dims(np.exp(-(offsets**2) / 2), others)
    return weights


def _place(start, sizes):
    return tuple(slice(s, s + n) for s, n in zip(start, sizes, strict=True))


def _subsets(axes):
    return [c for k in range(len(axes) + 1) for c in itertools.combinations(axes, k)]


def _tuple(value):
    """A value, or several, as a tuple."""
    return (value,) if np.ndim(value) == 0 else tuple(value)


def _check(image, patch, overlap, weighting, mirror_axes, margins):
    rank = image.ndim - 1
    if image.size == 0:
        raise refusal("an image should have pixels and channels", f"shape {image.shape}")
    if not patch or not all(isinstance(p, (int, np.integer)) and p > 0 for p in patch) or len(patch) != rank:
        raise refusal(
            "`patch_size` should be a positive integer for each of the image's axes but the channels",
            f"patch_size={patch} for an image of shape {image.shape}",
        )
    if np.ndim(overlap) or isinstance(overlap, str) or not 0 <= overlap < 1:
        raise refusal("`overlap` should be at least 0 and less than 1", overlap=overlap)
    if weighting not in ("gaussian", "uniform"):
        raise refusal('`weighting` should be "gaussian" or "uniform"', weighting=weighting)
    if len(set(mirror_axes)) != len(mirror_axes) or not set(mirror_axes) <= set(range(rank)):
        raise refusal(f"`mirror_axes` should be different axes from 0 to {rank - 1}", mirror_axes)
    if len(margins) != rank or not all(isinstance(m, (int, np.integer)) and m >= 0 for m in margins):
        raise refusal(f"`margin` should be a number of at least 0, or {rank} of them", f"margin={margins}")
