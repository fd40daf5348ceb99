"""Translation of images, by pairs or between two domains."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import keras
import numpy as np
import tensorflow as tf

import keras_dl.data
from keras_dl import metrics
from keras_dl.callbacks.sheets import Block, save_sheet
from keras_dl.checks import refusal
from keras_dl.data import images
from keras_dl.data.images import sources
from keras_dl.tasks import drawing
from keras_dl.tasks.arrays import HELD_OUT, MOST_HELD_OUT, Arrays, fitting
from keras_dl.tasks.base import Task
from keras_dl.tasks.measure import Context, Measure, untracked
from keras_dl.tasks.translated_files import check_no_seed, check_one_way, translate_files
from keras_dl.types import PathLike, Track

PICTURED = 12
MOST = 500  # held-out images that are measured


class TranslationSpec(NamedTuple):
    """What a recipe's `build(hp, data_spec)` learns of images to translate.

    Attributes:
        shape: shape of a source image.
        target_shape: shape of a translated image.
        num_classes: None.
        num_samples: rows of an epoch.
    """

    shape: tuple
    target_shape: tuple
    num_classes: None
    num_samples: int


@dataclasses.dataclass(frozen=True)
class Translations(Arrays):
    """Images of a source and of a target, row by row or, without pairs, each in an order of its own."""

    paired: bool = True
    source: Any = None

    @property
    def spec(self) -> TranslationSpec:  # type: ignore[override]  # of pairs
        return TranslationSpec(tuple(self.x.shape[1:]), tuple(self.y.shape[1:]), None, max(len(self.x), len(self.y)))

    def pipelines(self, options: dict[str, Any], seed: int) -> tuple[tf.data.Dataset, tf.data.Dataset]:
        batch_size = options.get("batch_size", 1)
        if self.paired:
            return super().pipelines(options, seed)
        training = images.unpaired(self.x, self.y, batch_size, seed=seed)
        return training, images.unpaired(self.x_test, self.y_test, batch_size, shuffle=False)

    def described(self) -> dict[str, Any]:
        return self.spec._asdict() | {"num_rows": [len(self.x), len(self.y)]}

    def check_resumed(self, config: dict[str, Any], path: PathLike, options: dict[str, Any]) -> None:
        now, then = [len(self.x), len(self.y)], list(config["data"]["num_rows"])
        if now != then:
            raise refusal(f"the run of {path} was begun with {then[0]} and {then[1]} images of {self.name}", f"{now}")

    def limited(self, count: int | None) -> Self:
        return dataclasses.replace(self, x_test=self.x_test[:count], y_test=self.y_test[:count])


class Translation(Task):
    """The task of a model with `translate(x)`, and `cycle(x, direction)` where it has no pairs.

    Args:
        paired: whether it learns from pairs. Of a named set of images the source is made, edges or grey images;
            without pairs, two domains.
        source: of a named set, one of `keras_dl.data.images.sources.SOURCES`; `None` for the edges of grey images and
            for grey versions of coloured ones.
    """

    card_pictures = ("translations.png",)
    progress = (("generator_l1", "critic_loss"), "generators_loss", "loss")
    first_goals = ("generator_l1",)
    #: What other weights of its parts make of a loss is another one; the least difference is that without a game.
    unsearched = {
        "generator_l1": ("l1_weight", "adversarial_weight"),
        "generator_loss": ("l1_weight", "adversarial_weight"),
        "generators_loss": ("cycle_weight", "identity_weight"),
    }

    def __init__(self, paired: bool = True, source: str | None = None):
        super().__init__("images")
        self.paired, self.source = paired, source

    @property
    def program(self) -> str | None:
        return "translate"

    def load(
        self,
        name: str,
        folder: PathLike | None = None,
        label_values: Sequence[int] | None = None,
        track: Track = untracked,
        reading: dict[str, Any] | None = None,
    ) -> "Translations":
        if folder is not None:
            opened = images.open_pairs if self.paired else images.open_unpaired
            x, y = opened(folder, channels=None, track=track)
            if x.shape[1:3] != y.shape[1:3]:
                sizes = " and ".join(f"{height}x{width}" for _, height, width, _ in (x.shape, y.shape))
                raise refusal(f"The images of both domains of {folder} should have one size", sizes)
            return self._split(name, x, y)
        (x, _), (x_test, _) = keras_dl.data.load(name)
        if x.ndim != 4:
            raise refusal("the recipe learns from images", f"{name!r}, samples of shape {x.shape[1:]}")
        if self.paired:
            source = self.source or ("edges" if x.shape[-1] == 1 else "grey")
            parts = sources.source_of(x, source), x, sources.source_of(x_test, source), x_test
        else:
            parts = (*sources.day_and_night(x), *sources.day_and_night(x_test, seed=1))
        return Translations(name, parts[0], parts[1], parts[2], parts[3], True, paired=self.paired)

    def views(self, model: keras.Model, options: dict[str, Any] | None = None) -> dict[str, dict]:
        if self.paired:
            return {"translate": {"ways": {"source to target": "translate"}}}
        # Images of B are shown only where they have the shape of those of A.
        back = {"B to A": "backward"} if model.shape_a == model.shape_b else {}
        return {"translate": {"ways": {"A to B": "forward", **back}}}

    def measures(self, model: keras.Model, data: Any, context: Context | None = None) -> dict[str, Measure]:
        context = context or Context()
        figures = super().measures(model, data, context)
        if not self.paired:
            for name, x, direction in (("a", data.x_test[:MOST], "forward"), ("b", data.y_test[:MOST], "backward")):
                error = np.abs(np.asarray(model.cycle(x, direction)) - x).mean()
                figures[f"cycle_l1_{name}"] = Measure(float(error), None, "min")
            return figures
        target = data.y_test[:MOST]
        translated = np.asarray(model.translate(data.x_test[:MOST]))
        figures["l1"] = Measure(float(np.abs(translated - target).mean()), None, "min")
        psnr = metrics.peak_signal_noise_ratio(translated, target, channels="all")
        figures["psnr"] = Measure(float(np.mean(psnr)), None, "max", unit="dB")
        return figures

    def pictures(self, model: keras.Model, data: Any, folder: Path, context: Context | None = None) -> dict[Path, str]:
        context = context or Context()
        path, x, y = folder / "translations.png", data.x_test[:PICTURED], data.y_test[:PICTURED]
        title = drawing.title("Translations", model, data, context)
        if self.paired:
            blocks = [("source", x), ("translation", model.translate(x)), ("target", y)]
            meaning = "held-out sources, what the model makes of them, and their targets"
        else:
            blocks = [("A", x), ("A to B", model.translate(x)), ("A to B to A", model.cycle(x))]
            back = [model.translate(y, "backward"), model.cycle(y, "backward")]
            blocks += [("B", y), ("B to A", back[0]), ("B to A to B", back[1])]
            meaning = "held-out images of both domains, translated, and back"
        blocks = [Block(np.asarray(part), heading, columns=PICTURED) for heading, part in blocks]
        save_sheet(path, title, blocks)
        return {path: meaning}

    def translate_folder(
        self,
        model: keras.Model,
        source: PathLike,
        folder: Path,
        track: Track = untracked,
        backward: bool = False,
        seed: int | None = None,
    ) -> dict[Path, str]:
        """Writes the translations of a folder of images as files; see `translate_files`."""
        if self.paired:
            check_one_way(backward)
            shape, options = model.source_shape, {"seed": seed}
        else:
            check_no_seed(seed)
            shape = model.shape_b if backward else model.shape_a
            options = {"direction": "backward" if backward else "forward"}
        return translate_files(source, folder, shape, lambda x: np.asarray(model.translate(x, **options)), track)

    def _split(self, name, x, y):
        """Holds a tenth of each column out, as much as memory takes well; the same rows of pairs."""
        rows, parts, most = np.random.default_rng(0), [], min(fitting(MOST_HELD_OUT, column) for column in (x, y))
        for column in (x, y):
            if not parts or not self.paired:
                order = rows.permutation(len(column))
            count = min(max(1, round(HELD_OUT * len(column))), len(column) - 1, most)
            if count < 1:
                raise refusal(f"{name} should have two images at least, to hold one out", f"{len(column)}")
            parts.append((column.take(np.sort(order[count:])), column[np.sort(order[:count])]))
        (x, x_test), (y, y_test) = parts
        return Translations(name, x, y, x_test, y_test, conditional=True, paired=self.paired)
