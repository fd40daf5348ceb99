"""Super-resolution: a model that enlarges images, measured beside bicubic enlargement."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_dl import metrics
from keras_dl.checks import refusal
from keras_dl.data import images
from keras_dl.data.segmentation.problems import listed
from keras_dl.tasks import enlargement_drawing
from keras_dl.tasks.base import Task
from keras_dl.tasks.image_sets import ImageSets, degradation_of
from keras_dl.tasks.measure import Context, Measure, Report, shown, untracked
from keras_dl.tasks.rows import write_rows
from keras_dl.tasks.translated_files import check_no_seed, check_one_way, translate_files
from keras_dl.types import PathLike, Track

PICTURED = 4
TILE = 192
NOTE = "PSNR and SSIM are of the luma (ITU-R BT.601), the border shaved by the scale"


class Enlargement(NamedTuple):
    """An image, its small version, and what became of it.

    Attributes:
        name: the image's name.
        small, bicubic, output, truth: float32 arrays `(height, width, channels)`.
        row: dict of its figures.
    """

    name: str
    small: np.ndarray
    bicubic: np.ndarray
    output: np.ndarray
    truth: np.ndarray
    row: dict


class SuperResolution(Task):
    """The task of a model with `upscale(x, tile=...)` and `scale`, which learns from images of any sizes.

    A recipe's `fit_options` says `scale`, `patch_size`, `batch_size`, `steps`, and `blur`, `noise` and `jpeg`, 0 for
    none: what makes small images of large ones.
    """

    card_pictures = ("comparison.png",)
    progress: tuple[str | tuple[str, ...], ...] = ("psnr", ("pixels_loss", "generator_loss", "critic_loss"), "loss")
    titles = {"psnr": "psnr of patches"}
    first_goals = ("psnr", "pixels_loss")
    unsearched = {"generator_loss": ("adversarial_weight", "relativistic", "features")}
    units = {"psnr": "dB"}
    problem = ("scale", "blur", "noise", "jpeg")

    def __init__(self):
        super().__init__("images")

    @property
    def program(self) -> str | None:
        return "translate"

    def views(self, model: keras.Model, options: dict[str, Any] | None = None) -> dict[str, dict]:
        return {"translate": {"ways": {"enlarged": next(iter(model.signatures()))}}}

    def examples(self, data: Any, options: dict[str, Any], count: int) -> tuple | None:
        """Returns small patches of held-out images."""
        small, _ = next(iter(data.pipelines(options, seed=0)[1].take(1)))
        return small.numpy()[:count], None

    def load(
        self,
        name: str,
        folder: PathLike | None = None,
        label_values: Sequence[int] | None = None,
        track: Track = untracked,
        reading: dict[str, Any] | None = None,
    ) -> ImageSets:
        if folder is None and name not in images.named.NAMES:
            names = ", ".join(images.named.NAMES)
            raise refusal(f"the recipe learns from images of any sizes; there are: {names}", f"{name!r}")
        return ImageSets.load(name, folder, track)

    def measures(self, model: keras.Model, data: Any, context: Context | None = None) -> dict[str, Measure]:
        context = context or Context()
        rows, _ = self.enlarged(model, data, context)
        figures = {}
        for name in ("psnr", "ssim"):
            unit = "dB" if name == "psnr" else ""
            for kind in ("", "_bicubic"):
                values = [row[f"{name}{kind}"] for row in rows]
                error = float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
                direction = None if kind else "max"
                figures[f"{name}{kind}"] = Measure(float(np.mean(values)), error, direction, None, NOTE, unit)
        return figures

    def evaluate(self, model: keras.Model, data: Any, context: Context | None = None) -> Report:
        context = context or Context()
        measures, rows = self.measures(model, data, context), data.num_held_out(context.options)
        title = f"{data.name}, {rows:,} {data.kind}"
        columns = {"mean": shown(measures)}
        return Report(measures, rows, [(title, columns)], self._written(context))

    def finish(self, model: keras.Model, data: Any, folder: Path, context: Context | None = None) -> Report:
        context = context or Context()
        report = self.evaluate(model, data, context)
        return report._replace(files=report.files | self.pictures(model, data, folder, context))

    def pictures(self, model: keras.Model, data: Any, folder: Path, context: Context | None = None) -> dict[Path, str]:
        context = context or Context()
        _, pictured = self.enlarged(model, data, context)
        path = folder / "comparison.png"
        enlargement_drawing.comparison(path, pictured, f"{data.name}, {model.scale} times as large")
        return {path: "held-out images: small, bicubic, the model's, the original, and a part of each enlarged"}

    def enlarged(self, model: keras.Model, data: Any, context: Context) -> tuple[list[dict], list]:
        """The held-out images, enlarged by the model and by bicubic interpolation.

        Returns:
            `(rows, pictured)`: a dict of each image's name and figures, and the `Enlargement`s of the first few. All of
            them would take more memory than there is where images are large and many.
        """
        if "enlarged" not in context.results:
            held_out, rows, pictured = data.held_out(context.options), [], []
            _check_measurable(held_out, model.scale)
            degradation = degradation_of({"scale": model.scale, **context.options})
            for number in context.track(range(len(held_out)), f"enlarging {len(held_out)} images"):
                one = enlargement(model, held_out.names[number], held_out[number], degradation, number)
                rows.append({"image": one.name, **one.row})
                pictured += [one] if number < PICTURED else []
            context.results["enlarged"] = rows, pictured
        return context.results["enlarged"]

    def translate_folder(
        self,
        model: keras.Model,
        source: PathLike,
        folder: Path,
        track: Track = untracked,
        backward: bool = False,
        seed: int | None = None,
    ) -> dict[Path, str]:
        """Writes the images of a folder, enlarged, as files; see `translate_files`."""
        check_one_way(backward)
        check_no_seed(seed)
        shape = (None, None, model.channels)
        return translate_files(source, folder, shape, lambda x: model.upscale(x, tile=TILE), track)

    def _written(self, context):
        if context.folder is None:
            return {}
        rows, _ = context.results["enlarged"]
        return {write_rows(context.folder / "images.csv", rows): "the figures of every image"}


def _check_measurable(held_out, scale):
    """Refuses images without a window of SSIM within the border, before any is enlarged."""
    least = -(-(metrics.image_quality.WINDOW + 2 * scale) // scale) * scale
    small = [
        f"{name} of {sides[0]}x{sides[1]}"
        for name, sides in zip(held_out.names, held_out.sizes, strict=True)
        if min(sides) < least
    ]
    if small:
        raise refusal(f"Images that are measured should have {least} pixels per side at least", listed(small))


def enlargement(model, name, image, degradation, number=0):
    """Makes an image small, enlarges it again, and measures both ways.

    Args:
        model: the model.
        name: the image's name.
        image: uint8 array `(height, width, channels)`.
        degradation: what makes it small.
        number: integer that decides what is random in that.
    """
    truth = images.cropped(image, model.scale)[None] / np.float32(255)
    small = degradation(tf.constant(truth), tf.constant([0, number], tf.int64)).numpy()
    bicubic = np.clip(images.enlarged(small, model.scale), 0.0, 1.0)
    output = np.clip(model.upscale(small, tile=TILE), 0.0, 1.0)
    row = {}
    for kind, enlarged in (("", output), ("_bicubic", bicubic)):
        row[f"psnr{kind}"] = float(metrics.peak_signal_noise_ratio(enlarged, truth, model.scale)[0])
        row[f"ssim{kind}"] = float(metrics.structural_similarity(enlarged, truth, model.scale)[0])
    return Enlargement(name, small[0], bicubic[0], output[0], truth[0], row)
