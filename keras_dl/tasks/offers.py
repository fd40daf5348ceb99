"""What a task may offer beside measures and pictures: samples, files, goals of a search, views in a browser."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_dl.checks import refusal
from keras_dl.tasks.measure import Context, direction, untracked
from keras_dl.types import PathLike, Track


class Offers:
    """The part of a `Task` that not every model can do; a task of those that can writes the method."""

    condition: str | None
    #: Whether the model has `sample`.
    generates: bool = False
    #: Metrics by which a search compares models before all others, the best known first.
    first_goals: tuple[str, ...] = ()

    @property
    def program(self) -> str | None:
        """The program that uses a trained model: `"sample"`, `"segment"`, `"translate"`, or `None` for none."""
        return "sample" if self.generates else None

    def samples(
        self,
        model: keras.Model,
        num_classes: int | None = None,
        num_samples: int | None = None,
        labels: Sequence[int] | None = None,
        seed: int | None = None,
    ) -> np.ndarray:
        """Draws samples from a model, a row per class if it is conditional and none are named.

        Args:
            model: The model.
            num_classes: Number of classes of a conditional model.
            num_samples: How many; `None` for 64, or 8 per class.
            labels: Sequence of labels, repeated in turn; `None` for all.
            seed: Integer that fixes the samples, or `None` for others at every call.

        Returns:
            Array of samples.

        Raises:
            ValueError: If the model does not generate, or takes no labels.
        """
        text = f"the model does not generate: {type(model).__name__} has no `sample` that its task knows of"
        raise refusal(text, model=model)

    def translate_folder(
        self,
        model: keras.Model,
        source: PathLike,
        folder: Path,
        track: Track = untracked,
        backward: bool = False,
        seed: int | None = None,
    ) -> dict[Path, str]:
        """Writes what a model makes of the images of a folder as files; a task of such models writes this method.

        Args:
            model: The model.
            source: The folder of images.
            folder: The folder that the files go to.
            track: Function `track(items, title)` that goes through items.
            backward: Whether the second domain of a model of two is translated to the first.
            seed: Integer that decides the noise of a model that has some; `None` for translations without noise.

        Returns:
            Dict of the meanings of what was written by path.

        Raises:
            ValueError: If the model makes no images of images.
        """
        raise refusal(f"the model makes no images of images: {type(model).__name__}", f"{source}")

    def two_stage(self, model: keras.Model, data: Any, components: int, options: dict[str, Any], seed: int = 0) -> Any:
        """Returns what samples from a mixture fitted on the model's latents of training data; see `tasks.TwoStage`.

        Args:
            model: The model.
            data: What `load` returned.
            components: How many Gaussians the mixture has.
            options: The run's `fit_options`.
            seed: Integer that decides the order of the data, and the mixture.

        Raises:
            ValueError: If the model has no latents to be sampled.
        """
        raise refusal("A mixture of latents should be fitted for a VAE, which has them", model=model)

    def goals(
        self, model: keras.Model, data: Any, options: dict[str, Any], features: PathLike | None = None
    ) -> list[str]:
        """Returns the names of the metrics by which a search can compare models, the best known first.

        Args:
            model: A model that the recipe built.
            data: What `load` returned.
            options: The recipe's `fit_options`.
            features: File of features to compare images by, or `None`.
        """
        names = list(filter(direction, model.evaluate(*data.glance(options), verbose=0, return_dict=True)))
        first = [name for name in self.first_goals if name in names]
        # The loss of a critic grows as what it judges becomes better.
        others = [name for name in names if name not in first and not name.startswith("critic")]
        return first + sorted(others, key=lambda name: name == "loss")

    def watches(
        self, goal: str, data: Any, epochs: int, context: Context | None = None
    ) -> list[keras.callbacks.Callback]:
        """Returns the callbacks that log a goal after an epoch as `val_<goal>`, if validation does not.

        Args:
            goal: One of `goals`.
            data: What `load` returned.
            epochs: Largest number of epochs of a trial, in which the goal is measured about ten times.
            context: `Context`, of which `folder`, `features` and `options` count.
        """
        return []

    def views(self, model: keras.Model, options: dict[str, Any] | None = None) -> dict[str, dict]:
        """Returns what can be seen of a model in a browser: what each view needs to know, by its name.

        Args:
            model: The model.
            options: The recipe's `fit_options`, and what `options` added.

        Returns:
            Dict whose keys are among those of `keras_dl.explore.manifest.SIGNATURES`; empty if nothing is shown.
        """
        return {"classify": {}} if self.condition == "labels" else {}

    def page_signatures(self, model: keras.Model) -> dict[str, Any]:
        """Returns `Signature`s by name that views need, and that exports do not have."""
        return {}

    def examples(self, data: Any, options: dict[str, Any], count: int) -> tuple | None:
        """Returns a few held-out samples as the model takes them, and their labels.

        Args:
            data: What `load` returned.
            options: The recipe's `fit_options`.
            count: How many at most.

        Returns:
            Arrays `(x, y)`, the second of them `None` if there are no labels; of samples of several shapes a list of
            arrays, and as a third part a list of what a view needs to know of each, dicts. `None` if there is nothing
            to be shown.
        """
        x, y = data.held_out(options)
        return x[:count], None if y is None else y[:count]
