"""Pictures of enlarged images: small, bicubic, the model's, the original, and a part of each enlarged."""

import numpy as np

from keras_dl.callbacks.sheets import save_figure
from keras_dl.tasks.drawing import pyplot

PART = 4  # the sides of an image over those of its part that is shown enlarged
DPI = 110


def comparison(path, enlargements, title):
    """Draws images in pairs of rows: whole, and below a part with many details.

    Args:
        path: the PNG file.
        enlargements: list of `keras_dl.tasks.super_resolution.Enlargement`s.
        title: the line above.
    """
    plt = pyplot()
    rows = 2 * len(enlargements)
    figure, panels = plt.subplots(rows, 4, figsize=(11, 2.6 * rows + 0.5), layout="constrained", squeeze=False)
    for number, one in enumerate(enlargements):
        place = most_detailed(one.truth)
        scale = one.truth.shape[0] // one.small.shape[0]
        captions = {
            "small image": one.small,
            f"bicubic, {one.row['psnr_bicubic']:.2f} dB, SSIM {one.row['ssim_bicubic']:.3f}": one.bicubic,
            f"model, {one.row['psnr']:.2f} dB, SSIM {one.row['ssim']:.3f}": one.output,
            f"original, {one.name}": one.truth,
        }
        for column, (caption, image) in enumerate(captions.items()):
            shrinks = scale if column == 0 else 1  # the first image is the small one
            parts = tuple(edge // shrinks for edge in place)
            whole, part = panels[2 * number, column], panels[2 * number + 1, column]
            _show(whole, image, caption)
            _show(part, image[parts[0] : parts[1], parts[2] : parts[3]])
            frame = (parts[2] - 0.5, parts[0] - 0.5), parts[3] - parts[2], parts[1] - parts[0]
            whole.add_patch(plt.Rectangle(*frame, fill=False, color="tab:red", linewidth=1))
    figure.suptitle(title, fontsize=12, fontweight="bold")
    save_figure(path, figure, DPI)
    plt.close(figure)


def most_detailed(image):
    """The part, `(top, bottom, left, right)`, of a fourth of an image's sides whose neighbouring pixels differ most."""
    grey = image.mean(-1)
    change = np.zeros_like(grey)
    change[:-1] += np.abs(np.diff(grey, axis=0))
    change[:, :-1] += np.abs(np.diff(grey, axis=1))
    height, width = (max(8, n // PART) for n in grey.shape)
    sums = np.pad(change.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    within = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
    top, left = np.unravel_index(within.argmax(), within.shape)
    return int(top), int(top) + height, int(left), int(left) + width


def _show(panel, image, caption=""):
    panel.imshow(np.clip(image, 0, 1).squeeze(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    panel.set_axis_off()
    if caption:
        panel.set_title(caption, fontsize=8)
