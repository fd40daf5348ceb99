"""Pictures of scans with masks over them."""

import numpy as np

from keras_dl.data.segmentation.plan import slicing_axis
from keras_dl.tasks.drawing import pyplot


def overlays(path, cases, num_classes):
    """Draws cases, a row each: the image, with its mask where it has one, and with the predicted mask.

    Volumes are shown by the slice that holds most of the foreground, across their coarsest axis or else the last.

    Args:
        path: the PNG file.
        cases: list of `(Case, labels)`.
        num_classes: number of classes, which decides their colours.
    """
    plt = pyplot()
    with_masks = any(case.labels is not None for case, _ in cases)
    columns = ["image", *(["mask"] if with_masks else []), "model"]
    size = (2.6 * len(columns), 2.6 * len(cases) + 0.3)
    figure, panels = plt.subplots(len(cases), len(columns), figsize=size, squeeze=False, layout="constrained")
    for number, (case, labels) in enumerate(cases):
        row, (image, masks) = panels[number], slices(case, labels)
        shown = [None, *([masks[0]] if with_masks else []), masks[1]]
        for panel, mask, title in zip(row, shown, columns, strict=True):
            panel.imshow(image, cmap="gray")
            if mask is not None:
                colours = {"cmap": "tab10", "vmin": 1, "vmax": max(num_classes - 1, 10), "interpolation": "nearest"}
                panel.imshow(np.ma.masked_less_equal(mask, 0), alpha=0.5, **colours)
            panel.set(xticks=[], yticks=[])
            if number == 0:
                panel.set_title(title)
        row[0].set_ylabel(case.name, fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)
    plt.close(figure)


def slices(case, labels):
    """Returns an image in the plane, from 0 to 1 and grey or coloured, and its two masks, of which one may be None."""
    image, masks = case.image, [case.labels, labels]
    if labels.ndim == 3:
        axis = slicing_axis(case.spacing)
        known = case.labels if case.labels is not None else labels
        counts = (known > 0).sum(axis=tuple(a for a in range(3) if a != axis))
        index = int(np.argmax(counts)) if counts.any() else labels.shape[axis] // 2
        image = np.take(image, index, axis)
        masks = [None if mask is None else np.take(mask, index, axis) for mask in masks]
    image = image if image.shape[-1] == 3 else image[..., 0]
    low, high = np.percentile(image, (0.5, 99.5))
    return np.clip((image - low) / ((high - low) or 1.0), 0, 1), masks
