"""Generation of images by networks that grow while they train."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_dl import files
from keras_dl.callbacks.sheets import Block, save_sheet
from keras_dl.tasks import drawing
from keras_dl.tasks.films import film_of_latents
from keras_dl.tasks.generation import Generation
from keras_dl.tasks.measure import Context, untracked
from keras_dl.tasks.padding import to_powers_of_two
from keras_dl.types import PathLike, Track


class Growing(Generation):
    """The task of a `ProgressiveGAN`: `Generation` of a model with phases, whose samples are kept for each of them.

    Images of named sets are padded to powers of two: those of 28x28 become 32x32.

    Args:
        condition: `"labels"` for a model of classes, or `None`.
    """

    def __init__(self, condition: str | None = None):
        super().__init__(condition, latents=True, critic=True)

    def load(
        self,
        name: str,
        folder: PathLike | None = None,
        label_values: Sequence[int] | None = None,
        track: Track = untracked,
    ) -> Any:
        return to_powers_of_two(super().load(name, folder, label_values, track))

    def callbacks(self, data: Any, folder: Path) -> list[keras.callbacks.Callback]:
        condition = drawing.classes_in_turn(data.spec.num_classes if self.condition else None)
        return [*super().callbacks(data, folder), PhaseSamples(folder, condition)]

    def pictures(self, model: keras.Model, data: Any, folder: Path, context: Context | None = None) -> dict[Path, str]:
        pictures = super().pictures(model, data, folder, context)
        if not self.condition:
            pictures |= film_of_latents(folder / "film.gif", model.generate, model.latent_size)
        names = [phase.name for phase in model.phases.phases]
        paths = [(name, folder / _file(number)) for number, name in enumerate(names)]
        paths = [(name, path) for name, path in paths if path.is_file()]
        if not paths:
            return pictures
        title = drawing.title("Samples at the end of each phase", model, data, context or Context())
        marks = tuple(name for name, _ in paths)
        images = np.concatenate([np.load(path, allow_pickle=False) for _, path in paths])
        save_sheet(folder / "growth.png", title, [Block(images, columns=drawing.COLUMNS, marks=marks)])
        return pictures | {folder / "growth.png": "samples of the same latents, a row per phase"}


class PhaseSamples(keras.callbacks.Callback):
    """Keeps samples of the same latents for each phase, those after its last epoch, as `phase_0.npy` and so on.

    Args:
        folder: A `pathlib.Path`, where the files go.
        condition: Labels of the samples; `None` for a model without classes.
    """

    def __init__(self, folder, condition=None):
        super().__init__()
        self.folder, self.condition = folder, condition

    def on_epoch_end(self, epoch, logs=None):
        samples = keras.ops.convert_to_numpy(self.model.sample(drawing.COLUMNS, self.condition, seed=0))
        path = self.folder / _file(self.model.state.phase)
        files.replace(path, lambda temporary: np.save(temporary, samples, allow_pickle=False))


def _file(phase):
    return f"phase_{phase}.npy"
