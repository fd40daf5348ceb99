"""Segmentation: a model of patches that segments whole scans, alone or in an ensemble."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from keras_dl import files
from keras_dl.checks import refusal
from keras_dl.data import segmentation
from keras_dl.models.fitting.graphs import traced_alone
from keras_dl.tasks import dice_table, drawing, scan_drawing, showing
from keras_dl.tasks.base import Task
from keras_dl.tasks.measure import Context, Measure, Report, shown, untracked
from keras_dl.tasks.rows import write_rows
from keras_dl.tasks.scan_configs import plan_of
from keras_dl.tasks.scans import Scans
from keras_dl.types import PathLike, Track

PICTURED = 6


class Segmentation(Task):
    """The task of a model that maps patches to logits of classes, and learns from scans with masks.

    Args:
        plan: Function `plan(hp, data_spec)` that returns the `keras_dl.data.segmentation.Plan` by which scans are
            prepared and cut into patches.
    """

    card_pictures = ("overlays.png",)
    progress = ("dice", "loss")
    titles = {"dice": "dice of patches", "iou": "iou of patches"}

    def __init__(self, plan: Callable):
        super().__init__("masks")
        self.plan = plan

    @property
    def program(self) -> str | None:
        return "segment"

    def load(
        self,
        name: str,
        folder: PathLike | None = None,
        label_values: Sequence[int] | None = None,
        track: Track = untracked,
        reading: dict[str, Any] | None = None,
    ) -> Scans:
        if folder is None and name not in segmentation.NAMES:
            names = ", ".join(segmentation.NAMES)
            text = f"the recipe learns from masks, which {name} does not have; there are: {names}"
            raise refusal(text, f"{name!r}")
        return Scans.load(name, folder, label_values, track, reading)

    def views(self, model: keras.Model, options: dict[str, Any] | None = None) -> dict[str, dict]:
        options = options or {}
        return showing.masks(plan_of({"fit": options}), options.get("mirroring", True))

    def examples(self, data: Any, options: dict[str, Any], count: int) -> tuple | None:
        return showing.whole(data.held_out(options), count)

    def options(self, hp: Any, data_spec: Any) -> dict[str, Any]:
        return {"plan": self.plan(hp, data_spec).to_dict()}

    def measures(self, model: keras.Model, data: Any, context: Context | None = None) -> dict[str, Measure]:
        comparison = self.comparison(model, data, context or Context())
        return dice_table.measures(comparison.rows)

    def pictures(self, model: keras.Model, data: Any, folder: Path, context: Context | None = None) -> dict[Path, str]:
        context = context or Context()
        comparison = self.comparison(model, data, context)
        title = drawing.title("Held-out cases", model, data, context)
        scan_drawing.overlays(folder / "overlays.png", comparison.pictured, comparison.num_classes, title)
        return {folder / "overlays.png": "some cases: the image, its mask, what the model makes of it, its errors"}

    def comparison(self, model: keras.Model, data: Any, context: Context) -> "Comparison":
        """Returns the `Comparison` of held-out cases with their masks; measures and pictures share one."""
        if "comparison" not in context.results:
            ensemble = Ensemble([model], plan_of({"fit": context.options}), context.options["mirroring"])
            folder = context.folder and context.folder / "predictions"
            cases = data.held_out(context.options)
            context.results["comparison"] = ensemble.compare(cases, folder, context.track)
        return context.results["comparison"]

    def evaluate(self, model: keras.Model, data: Any, context: Context | None = None) -> Report:
        context = context or Context()
        measures, comparison = self.measures(model, data, context), self.comparison(model, data, context)
        own = dice_table.measures(comparison.rows)
        others = shown({name: measure for name, measure in measures.items() if name not in own})
        rows = data.num_held_out(context.options)
        title = f"{rows} {data.kind}, segmented whole"
        tables = [(title, dice_table.columns(comparison.rows)), *([("", {"held out": others})] if others else [])]
        written = self._write(comparison, context.folder) if context.folder else {}
        if context.folder:
            written |= self.pictures(model, data, context.folder / "pictures", context)
        if context.folder and (context.folder / "predictions").is_dir():
            written[context.folder / "predictions"] = "the masks that the model makes, as files like those of the data"
        return Report(measures, rows, tables, written)

    def finish(self, model: keras.Model, data: Any, folder: Path, context: Context | None = None) -> Report:
        context = context or Context()
        report = self.evaluate(model, data, context)
        return report if context.folder else report._replace(files=self.pictures(model, data, folder, context))

    def card(self, config: dict[str, Any]) -> list[str]:
        values = ", ".join(map(str, config["data"]["label_values"]))
        about = "Patches are cut from images that `keras_dl.data.segmentation.prepare` has prepared by this plan"
        about += f"; `predict` returns logits of the classes, which are the values {values} of the masks."
        return ["", "## Plan", "", about, "", "```json", json.dumps(config["fit"]["plan"], indent=2), "```"]

    @staticmethod
    def _write(comparison, folder):
        return {write_rows(folder / "cases.csv", comparison.rows): "the scores of every case and class"}


class Comparison(NamedTuple):
    """Cases that were segmented, beside their masks.

    Attributes:
        rows: list of dicts, of each case and class the scores; see `dice_table`.
        pictured: list of the first `(case, labels)`.
        num_classes: number of classes.
    """

    rows: list
    pictured: list
    num_classes: int


class Ensemble:
    """Models of one plan, whose probabilities are averaged; or one model alone.

    Args:
        models: list of models from patches to logits.
        plan: `keras_dl.data.segmentation.Plan`.
        mirror: whether the mirror images of every window are averaged, too.
        label_values: the value of each class in masks that are written; None for those of the cases.

    Raises:
        ValueError: if there is no model.
    """

    def __init__(
        self,
        models: Sequence[keras.Model],
        plan: segmentation.Plan,
        mirror: bool = True,
        label_values: Sequence[int] | None = None,
    ):
        if not models:
            raise refusal("`models` should hold at least one model", models=models)
        self.models, self.plan, self.mirror, self.label_values = list(models), plan, mirror, label_values

    def segmented(self, cases: Sequence, track: Track = untracked) -> Iterator[tuple]:
        """Yields each case with its labels, an int32 array of the case's sizes."""
        functions = [probabilities(model) for model in self.models]
        for case in track(cases, f"segmenting {len(cases)} cases"):
            yield case, segmentation.segment(functions, case, self.plan, mirror=self.mirror)

    def compare(self, cases: Sequence, folder: Path | None = None, track: Track = untracked) -> "Comparison":
        """Returns the `Comparison` of cases with their masks, and writes what it makes of them into a folder."""
        rows, pictured = [], []
        for case, labels in self.segmented(cases, track):
            rows += dice_table.scores(case, labels, self.plan.num_classes)
            if len(pictured) < PICTURED:
                pictured.append((case, labels))
            if folder is not None and case.source is not None:
                write_mask(case.source, labels, folder / f"{case.name}{case.source.suffix}")
        return Comparison(rows, pictured, self.plan.num_classes)

    def segment_folder(self, data: PathLike, folder: Path, track: Track = untracked) -> dict[Path, str]:
        """Segments the images of a folder and writes masks as files like the images, and a picture of some.

        Args:
            data: the folder of images; see `keras_dl.data.segmentation.open_folder`.
            folder: `pathlib.Path` of the folder of the masks.
            track: function `track(items, title)` that goes through items.

        Returns:
            Dict of the meanings of what was written by path.

        Raises:
            ValueError: if the images do not fit the models, or the masks would overwrite something of `data`.
            FileExistsError: if a file is there that we did not write.
            OSError: if a file cannot be read or written.
        """
        cases = self.open(data)
        if folder.resolve() in segmentation.taken(data):
            text = f"{folder} holds the images or masks of --data; give another folder"
            raise refusal(text, folder)
        picture = folder / "pictures" / "overlays.png"  # in a folder of its own, so that it is taken for no mask
        files.check_free([*(folder / f"{name}{cases[0].source.suffix}" for name in cases.names), picture])
        folder.mkdir(parents=True, exist_ok=True)
        pictured = []
        for case, labels in self.segmented(cases, track):
            source = case.source
            if self.label_values is not None:
                source = source._replace(label_values=tuple(self.label_values))
            write_mask(source, labels, folder / f"{case.name}{source.suffix}")
            if len(pictured) < PICTURED:
                pictured.append((case, labels))
        title = f"Predicted masks of {folder.name}: {len(pictured)} of {len(cases)} cases"
        scan_drawing.overlays(picture, pictured, self.plan.num_classes, title)
        meaning = f"the masks of {len(cases)} cases, as files like the images"
        return {folder: meaning, picture: "some of them over their images"}

    def open(self, data: PathLike) -> Any:
        """Opens a folder of images without masks that fit the models."""
        axes, channels = len(self.plan.spacing), len(self.plan.normalizations)
        cases = segmentation.open_folder(data, labelled=False, channels=channels)
        sizes = len(cases[0].spacing), len(cases.modalities)
        if sizes != (axes, channels):
            text = f"the models take images of {axes} axes and {channels} channels; those of {data} have {sizes[0]}"
            raise refusal(f"{text} and {sizes[1]}", data)
        cases.check_depth(self.plan.normalizations)
        return cases


def probabilities(model):
    """A compiled function from patches to the probabilities of their pixels' classes, at full resolution."""

    def graph_probabilities(patches):
        outputs = model(patches, training=False)
        return tf.nn.softmax(tf.nest.flatten(outputs)[0])

    graph = traced_alone(graph_probabilities, reduce_retracing=True)
    return lambda patches: keras.ops.convert_to_numpy(graph(tf.convert_to_tensor(patches)))


def write_mask(source, labels, path):
    """Writes labels as a file like those of their images, beside a file of the user's that is there."""
    files.put(path, lambda temporary: source.write(labels, temporary))
