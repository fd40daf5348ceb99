"""Whole cases segmented by networks for patches."""

from collections.abc import Callable, Sequence

import numpy as np

from keras_dl.checks import refusal
from keras_dl.data.segmentation.case import Case
from keras_dl.data.segmentation.plan import Plan
from keras_dl.data.segmentation.preprocessing import prepare, restore
from keras_dl.data.segmentation.sliding_window import sliding_window


def segment(
    predict: Callable | Sequence[Callable],
    case: Case,
    plan: Plan,
    overlap: float = 0.5,
    mirror: bool = True,
    batch_size: int = 1,
) -> np.ndarray:
    """Segments a case: prepared by the plan, predicted window by window, and brought back to its own grid.

    Args:
        predict: Function from patches `(n, *plan.patch_size, channels)` to probabilities (or logits)
            `(n, *plan.patch_size, num_classes)`; or a list of them, an ensemble, whose results are averaged.
        case: A `Case`, with or without labels.
        plan: The `Plan` that the network was made for.
        overlap: Least share of a window that its neighbour covers.
        mirror: Whether to average over the windows' mirror images too, along all axes.
        batch_size: Windows a call.

    Returns:
        Int32 array of the case's sizes; `case.source.write(labels, path)` writes it like the file the case came from.

    Raises:
        ValueError: If the case does not fit the plan, or an argument is out of range.

    Example:

    >>> from keras_dl.data.segmentation import Case, Fingerprint, plan
    >>> image = np.random.default_rng(0).standard_normal((9, 7, 1)).astype("float32")
    >>> threshold = lambda patches: np.concatenate([0 * patches, patches - 0.5], axis=-1)
    >>> network_plan = plan(Fingerprint(((1.0, 1.0),), ((9, 7),), num_classes=2))
    >>> labels = segment(threshold, Case(image, None, (1.0, 1.0), "a"), network_plan)
    >>> bool((labels == (image[..., 0] > image.mean() + 0.5 * image.std())).all())
    True
    """
    prepared = prepare(case, plan)
    patch, first = plan.patch_size, 0
    functions: list | tuple = predict if isinstance(predict, (list, tuple)) else [predict]
    if not functions:
        raise refusal("`predict` should be a function, or a list of some", predict=predict)
    if plan.slice_axis is not None:
        functions, patch, first = [_of_slices(function) for function in functions], (1, *patch), 1
    axes = tuple(range(first, len(patch))) if mirror else ()
    options: dict = {"overlap": overlap, "mirror_axes": axes, "batch_size": batch_size}
    scores = sliding_window(functions[0], prepared.image, patch, **options)
    for function in functions[1:]:
        scores += sliding_window(function, prepared.image, patch, **options)
    scores /= len(functions)
    return restore(scores, prepared)


def _of_slices(function):
    """A function of slices as one of windows that are one slice deep."""
    return lambda windows: np.asarray(function(windows[:, 0]))[:, None]
