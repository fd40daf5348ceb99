"""Pictures of scans with masks over them, with the classes, the errors and the scores in words."""

import numpy as np

from keras_dl import metrics
from keras_dl.callbacks.sheets import save_figure
from keras_dl.data.segmentation.spacings import slicing_axis

OPACITY = 0.55
#: Kinds of errors -> their colours, which are none of the classes'.
ERRORS = {"missed": "#00b7ff", "made up": "#ff2e2e", "wrong class": "#ffd400"}
CLASSES = ("#2ca02c", "#9467bd", "#ff7f0e", "#e377c2", "#17becf", "#8c564b", "#bcbd22", "#1f77b4", "#f4a582", "#66c2a5")


def overlays(path, cases, num_classes, title=None):
    """Draws cases, one per row: the image, with its mask and errors if it has one, and with the predicted mask.

    Volumes are shown by the slice that holds most of the foreground, across their coarsest axis or else the last.

    Args:
        path: the PNG file.
        cases: list of `(Case, labels)`.
        num_classes: number of classes, which decides their colours.
        title: the line above the panels; None for none.
    """
    from matplotlib.figure import Figure

    with_masks = any(case.labels is not None for case, _ in cases)
    columns = ["image", "mask", "model", "errors"] if with_masks else ["image", "model"]
    size = (2.7 * len(columns), 2.7 * len(cases) + 1.2)
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(len(cases), len(columns), squeeze=False)
    for row, (case, labels) in zip(panels, cases, strict=True):
        image, (mask, predicted), place = slices(case, labels)
        shown = {
            "mask": None if mask is None else class_colours(mask, num_classes),
            "model": class_colours(predicted, num_classes),
            "errors": None if mask is None else error_colours(mask, predicted),
        }
        for panel, column in zip(row, columns, strict=True):
            panel.imshow(image, cmap="gray", interpolation="nearest")
            if shown.get(column) is not None:
                panel.imshow(shown[column], interpolation="nearest")
            panel.set(xticks=[], yticks=[])
        row[0].set_ylabel(f"{case.name}{place}", fontsize=9)
        row[-1].set_xlabel(score_text(case, labels, num_classes), fontsize=9)
    for panel, column in zip(panels[0], columns, strict=True):
        panel.set_title(column, fontsize=11)
    figure.legend(handles=legend(num_classes, with_masks), loc="outside lower center", ncols=4, frameon=False)
    if title:
        figure.suptitle(title, fontsize=12, fontweight="bold")
    save_figure(path, figure)


def legend(num_classes, with_masks):
    """Returns the patches of a legend: the classes, and the kinds of errors where there are masks."""
    from matplotlib.patches import Patch

    classes = {f"class {label}": class_colour(label) for label in range(1, num_classes)}
    texts = {"missed": "mask, not model", "made up": "model, not mask", "wrong class": "mask and model differ"}
    errors = {f"{kind} ({texts[kind]})": colour for kind, colour in ERRORS.items()}
    if num_classes <= 2:
        del errors[f"wrong class ({texts['wrong class']})"]
    entries = classes | (errors if with_masks else {})
    return [Patch(color=colour, label=label) for label, colour in entries.items()]


def class_colour(label):
    """The colour of a class, which comes again after ten."""
    return CLASSES[(label - 1) % len(CLASSES)]


def class_colours(mask, num_classes):
    """Returns a mask as an RGBA image, transparent where there is background."""
    return _coloured(mask.shape, [(mask == label, class_colour(label)) for label in range(1, num_classes)])


def error_colours(mask, predicted):
    """Returns the errors of a predicted mask as an RGBA image, transparent where it is right or nothing counts."""
    known, counts = mask > 0, mask >= 0
    errors = {
        "missed": known & (predicted == 0),
        "made up": counts & ~known & (predicted > 0),
        "wrong class": known & (predicted > 0) & (predicted != mask),
    }
    return _coloured(mask.shape, [(where, ERRORS[kind]) for kind, where in errors.items()], opacity=0.85)


def score_text(case, labels, num_classes):
    """Returns the Dice scores of a whole case, a line for each few classes; nothing for a case without a mask.

    Example:

    >>> from keras_dl.data.segmentation import Case
    >>> case = Case(np.zeros((1, 4, 1)), np.array([[0, 1, 1, 0]]), (1.0, 1.0), "a")
    >>> score_text(case, np.array([[0, 1, 0, 0]]), 2)
    'Dice 0.667, whole case'
    """
    if case.labels is None:
        return ""
    scores = metrics.dice_score(case.labels, labels, num_classes)[1:]
    if np.isnan(scores).all():
        return "no foreground"
    if len(scores) == 1:
        return f"Dice {scores[0]:.3f}, whole case"
    each = [f"class {label}: {score:.3f}" for label, score in enumerate(scores, 1) if not np.isnan(score)]
    lines = [f"mean Dice {np.nanmean(scores):.3f}, whole case"]
    lines += [", ".join(each[start : start + 2]) for start in range(0, min(len(each), 6), 2)]
    return "\n".join(lines)


def _coloured(shape, areas, opacity=OPACITY):
    from matplotlib.colors import to_rgb

    picture = np.zeros((*shape, 4), "float32")
    for where, colour in areas:
        picture[where] = (*to_rgb(colour), opacity)
    return picture


def slices(case, labels):
    """Returns an image in the plane, from 0 to 1 and grey or coloured, its two masks, and what slice it is.

    The mask of the case may be None; the text is empty for an image that has two axes.
    """
    image, masks, place = case.image, [case.labels, labels], ""
    if labels.ndim == 3:
        axis = slicing_axis(case.spacing)
        known = case.labels if case.labels is not None else labels
        counts = (known > 0).sum(axis=tuple(a for a in range(3) if a != axis))
        index = int(np.argmax(counts)) if counts.any() else labels.shape[axis] // 2
        place = f"\nslice {index + 1} of {labels.shape[axis]}, axis {axis + 1}"
        image, *masks = (_slice(array, index, axis) for array in (image, *masks))
    image = image if image.shape[-1] == 3 else image[..., 0]
    low, high = np.percentile(image, (0.5, 99.5))
    return np.clip((image - low) / ((high - low) or 1.0), 0, 1), masks, place


def _slice(array, index, axis):
    return None if array is None else np.take(array, index, axis)
