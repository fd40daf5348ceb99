"""Tasks: what a model is for. A task knows its data, measures, pictures and card; programs only ask it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from keras_dl.checks import refusal
from keras_dl.tasks.arrays import Arrays, check_arrays
from keras_dl.tasks.measure import Context, Measure, Report, direction, shown, untracked
from keras_dl.tasks.offers import Offers
from keras_dl.tasks.units import unit, without_repeats
from keras_dl.types import PathLike, Track


class Task(Offers):
    """Base of the tasks, and the task of a model that predicts: it is worth what its loss and metrics say.

    A recipe ends in `TASK = keras_dl.tasks.Density(...)`. A recipe's own measure or picture is a subclass:

    ```python
    class Faces(keras_dl.tasks.Generation):
        def measures(self, model, data, context=None):
            smiling = keras_dl.tasks.Measure(share(model.sample(100)), direction="max")
            return super().measures(model, data, context) | {"smiling": smiling}

        def pictures(self, model, data, folder, context=None):
            draw(folder / "faces.png", model)
            return super().pictures(model, data, folder, context) | {folder / "faces.png": "faces, enlarged"}

    TASK = Faces()
    ```

    What a task asks of a model is said in its docstring; nothing is guessed from the model's methods.

    Args:
        condition: What the model sees beside the samples: `"labels"`, `"values"`, which it learns to predict,
            `"masks"`, `"images"` that it learns to make, or `None`.
    """

    #: Patterns of the pictures, the best first, of which one goes onto the card of an exported model.
    card_pictures: tuple[str, ...] = ()
    #: Metrics that tell most about the progress of training, the first that there is; a tuple stands for several.
    progress: tuple[str | tuple[str, ...], ...] = ("loss",)
    #: Metric -> its unit, where its name alone does not say it.
    units: dict[str, str] = {}
    #: Whether the model has `log_density`, so that its measures are of likelihoods, not of samples.
    has_density: bool = False
    #: Metric -> its title in tables, where its name alone does not say what it is of.
    titles: dict[str, str] = {}
    #: Objective of a search -> hyperparameters that change its meaning, which are not searched for it.
    unsearched = {}
    #: Hyperparameters that say what is to be learned, which no search may choose: the easiest problem would win.
    problem: tuple[str, ...] = ()

    def __init__(self, condition: str | None = None):
        if condition not in (None, "labels", "values", "masks", "images"):
            raise refusal('`condition` should be "labels", "values", "masks", "images" or None', condition=condition)
        self.condition = condition

    def load(
        self,
        name: str,
        folder: PathLike | None = None,
        label_values: Sequence[int] | None = None,
        track: Track = untracked,
    ) -> Any:
        """Returns the data of a named set or of a folder.

        Args:
            name: Name of the set; of a folder or file, what it is called.
            folder: Folder or file of samples, see `keras_dl.data.open`; for segmentation a folder of images and masks;
                or `None`.
            label_values: Of such a folder, the values of a run's classes; see `Scans.load`.
            track: Function `track(items, title)` that goes through items.

        Returns:
            Data with `spec`, `pipelines(options, seed)`, `held_out(options)` and what else `tasks.Arrays` has.

        Raises:
            ValueError: If the set does not have what the model learns from, or is damaged.
            OSError: If a file cannot be read.
        """
        check_arrays(name, folder, self.condition)
        return Arrays.open(folder, name, self.condition) if folder else Arrays.load(name, self.condition)

    def options(self, hp: Any, data_spec: Any) -> dict[str, Any]:
        """Returns what goes into the run's options beside the recipe's `fit_options`, as JSON holds it."""
        return {}

    def callbacks(self, data: Any, folder: Path) -> list[keras.callbacks.Callback]:
        """Returns the callbacks that draw pictures into a folder while a model trains."""
        return []

    def measures(self, model: keras.Model, data: Any, context: Context | None = None) -> dict[str, Measure]:
        """Measures a model on held-out data.

        Args:
            model: The model.
            data: What `load` returned.
            context: `Context`: options, numbers of samples, folders; `None` for the defaults.

        Returns:
            Dict of `Measure`s by name: here the loss and the compiled metrics.
        """
        context = context or Context()
        held_out = data.pipelines(context.options, context.seed)[1]
        losses = model.evaluate(held_out, verbose=0, return_dict=True)
        return {
            name: Measure(float(value), None, direction(name), self.titles.get(name), unit=unit(name, self.units))
            for name, value in losses.items()
        }

    def pictures(self, model: keras.Model, data: Any, folder: Path, context: Context | None = None) -> dict[Path, str]:
        """Draws what can be shown of a trained model.

        Args:
            model: The model.
            data: What `load` returned.
            folder: Folder that the pictures go to.
            context: `Context`; `None` for the defaults.

        Returns:
            Dict of the meanings of the pictures by path.
        """
        return {}

    def evaluate(self, model: keras.Model, data: Any, context: Context | None = None) -> Report:
        """Returns the `Report` of a model on held-out data."""
        context = context or Context()
        measures, rows = self.measures(model, data, context), data.num_held_out(context.options)
        title = f"{data.name}, {rows:,} held-out samples"
        title = f"{context.folder} on {title}" if context.folder else title
        rest = without_repeats({name: measure.value for name, measure in measures.items()})
        column = shown({name: measures[name] for name in rest})
        return Report(measures, rows, [(title, {"held out": column})], {})

    def finish(self, model: keras.Model, data: Any, folder: Path, context: Context | None = None) -> Report:
        """Returns the `Report` that a training run ends with: here the pictures alone."""
        context = context or Context()
        pictures = self.pictures(model, data, folder, context)
        return Report({}, data.num_held_out(context.options), [], pictures)

    def card(self, config: dict[str, Any]) -> list[str]:
        """Returns lines of Markdown for the card of an exported model, made of the run's config."""
        return []
