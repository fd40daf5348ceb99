"""Generation of images level by level, each twice as large as the one before."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
from scipy import special

from keras_dl.callbacks.sheets import Block, save_sheet
from keras_dl.models import lapgan_signatures
from keras_dl.tasks import drawing
from keras_dl.tasks.films import film_of_latents
from keras_dl.tasks.generation import Generation
from keras_dl.tasks.measure import Context, untracked
from keras_dl.tasks.padding import to_powers_of_two
from keras_dl.types import PathLike, Track

_MOST_LEVELS = 8


class Pyramid(Generation):
    """The task of a `LAPGAN`: `Generation` of a model that has `pyramid(x)` and `sample_levels(num_samples)`.

    Images of named sets are padded to powers of two, so that those of 28x28 have levels of 8, 16 and 32 pixels.

    Args:
        condition: `"labels"` for a model of classes, or `None`.
    """

    progress = (*((f"generator_{k}_loss", f"critic_{k}_loss") for k in reversed(range(_MOST_LEVELS))), "loss")

    def load(
        self,
        name: str,
        folder: PathLike | None = None,
        label_values: Sequence[int] | None = None,
        track: Track = untracked,
    ) -> Any:
        return to_powers_of_two(super().load(name, folder, label_values, track))

    def pictures(self, model: keras.Model, data: Any, folder: Path, context: Context | None = None) -> dict[Path, str]:
        context = context or Context()
        x = data.x_test[: drawing.COLUMNS]
        title = drawing.title("Levels of held-out images", model, data, context)
        save_sheet(folder / "pyramid.png", title, [differences(model.pyramid(x)), Block(x, "the images")])
        condition = drawing.classes_in_turn(data.spec.num_classes if self.condition else None)
        levels = model.sample_levels(drawing.COLUMNS, condition=condition, seed=0)
        title = drawing.title("Samples, level by level", model, data, context)
        save_sheet(folder / "levels.png", title, [rows(levels)])
        pictures = {
            folder / "pyramid.png": "the coarsest images, and what each finer level adds",
            folder / "levels.png": "samples, from the coarsest level to the finest",
        }
        if not self.condition:
            pictures |= film_of_latents(folder / "film.gif", partial(_of_normals, model), model.latent_size)
        return super().pictures(model, data, folder, context) | pictures

    def views(self, model: keras.Model, options: dict[str, Any] | None = None) -> dict[str, dict]:
        pairs = zip(model.shapes, model.latent_sizes, strict=True)
        levels = [{"shape": list(shape), "noise": int(size)} for shape, size in pairs]
        return {"pyramid": {"shape": levels[-1]["shape"], "levels": levels}}

    def page_signatures(self, model: keras.Model) -> dict[str, Any]:
        return lapgan_signatures.by_level(model)


def _of_normals(model, latents):
    """Images of normal latents, as the uniform ones of the same probability."""
    return model.generate((2 * special.ndtr(latents) - 1).astype("float32"))


def rows(levels):
    """A block of images with a row per level, coarse ones enlarged to the size of the finest."""
    levels = [keras.ops.convert_to_numpy(level) for level in levels]
    side = levels[-1].shape[1]
    marks = tuple(f"{level.shape[1]} x {level.shape[2]}" for level in levels)
    images = [level.repeat(side // level.shape[1], 1).repeat(side // level.shape[1], 2) for level in levels]
    return Block(np.concatenate(images), columns=len(levels[0]), marks=marks)


def differences(pyramid):
    """A block of the coarsest images of a pyramid, and of the differences of its finer levels, drawn around grey."""
    coarsest, *finer = [keras.ops.convert_to_numpy(level) for level in pyramid]
    shown = [coarsest, *(0.5 + difference for difference in finer)]
    return rows(shown)._replace(heading="coarsest level; differences, grey where there is none")
