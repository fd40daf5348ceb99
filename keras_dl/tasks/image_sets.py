"""Data of images of any sizes, of which patches are trained on and a tenth is held out whole."""

import copy
from typing import Any, NamedTuple, Self

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.data import augment, images
from keras_dl.data.segmentation.problems import listed
from keras_dl.tasks.measure import untracked
from keras_dl.types import PathLike, Track

HELD_OUT = 0.1
VALIDATION_STEPS = 4


class ImageSpec(NamedTuple):
    """What a recipe's `build(hp, data_spec)` learns of a set of images.

    Attributes:
        shape: the median sizes of the images, and their channels.
        num_classes: None.
        num_samples: number of images.
    """

    shape: tuple
    num_classes: None
    num_samples: int


class ImageSets:
    """Images for super-resolution, a tenth of which, the same at every call, is held out.

    Args:
        name: the set's name, or its folder's.
        images: `keras_dl.data.images.Images`.

    Attributes:
        spec: `ImageSpec`.
        kind: what a table calls the images that are evaluated.
    """

    conditional = True

    def __init__(self, name: str, images: Any):
        self.name, self.images, self.kind = name, images, "held-out images"
        self.training, self._held_out = images.split(HELD_OUT)
        sizes = np.median(images.sizes, axis=0).astype(int).tolist()
        self.spec = ImageSpec((*sizes, images.channels), None, len(images))

    @classmethod
    def load(cls, name: str, folder: PathLike | None = None, track: Track = untracked) -> Self:
        """Opens a named set, or a folder of images, whose files are all checked."""
        if folder is None:
            return cls(name, images.named.load(name, track))
        return cls(name, images.open_folder(folder, channels=None, track=track))

    def described(self) -> dict[str, Any]:
        """What a run's config says of the data, as JSON holds it."""
        return self.spec._asdict() | {"names": list(self.images.names)}

    def held_out(self, options: dict[str, Any]) -> Any:
        """The images that a run has not been trained on, or those that `of_run` chose."""
        return self._held_out

    def num_held_out(self, options: dict[str, Any]) -> int:
        """How many images `held_out` returns."""
        return len(self._held_out)

    def pipelines(self, options: dict[str, Any], seed: int) -> tuple[tf.data.Dataset, tf.data.Dataset]:
        """Returns the patches to train on, and held-out ones, the same at every pass.

        Args:
            options: what a recipe's `fit_options` says: `scale`, `patch_size` (of the small images), `batch_size`,
                `steps` per epoch, `blur`, `noise` and `jpeg`.
            seed: integer.
        """
        degradation, size = degradation_of(options), options["scale"] * options["patch_size"]
        patches = [
            images.ImagePatches(part, size, degradation, options["batch_size"], seed=seed)
            for part in (self.training, self._held_out)
        ]
        steps = options["steps"]
        return patches[0].dataset(steps), patches[1].dataset(min(steps, VALIDATION_STEPS), repeat=True)

    def glance(self, options: dict[str, Any]) -> tuple:
        """A little of the held-out data, as arguments of `evaluate`."""
        return (self.pipelines(options, seed=0)[1].take(1),)

    def check_learnable(self, model: keras.Model, dataset: tf.data.Dataset) -> None:
        """Refuses data that a model cannot learn; patches are made to fit."""

    def check_resumed(self, config: dict[str, Any], path: PathLike, options: dict[str, Any]) -> None:
        """Refuses images that are not those of a run that goes on: others would be held out."""
        now, then = self.images.names, config["data"]["names"]
        if now != then:
            changed = sorted(set(now) ^ set(then)) or ["their order"]
            raise refusal(f"{path} was begun with other images than {self.name} holds now", f"{listed(changed)}")

    def of_run(self, config: dict[str, Any], path: PathLike, other: bool = False, limit: int | None = None) -> Self:
        """Returns the images with those to evaluate that a run held out, or with all of other data.

        Args:
            config: the run's config.
            path: the run's folder, for messages.
            other: whether these are other data than the run's own.
            limit: number of images, the first ones; None for all.
        """
        if self.images.channels != config["data"]["shape"][-1]:
            channels = config["data"]["shape"][-1]
            raise refusal(f"the model of {path} takes images of {channels} channels", f"{self.images.channels}")
        if not other:
            self.check_resumed(config, path, config["fit"])
        part = copy.copy(self)
        chosen = self.images if other else self._held_out
        part._held_out = chosen.select(range(len(chosen))[:limit])
        part.kind = f"images of {self.name}" if other else self.kind
        return part


def degradation_of(options):
    """The `Degradation` that options ask for: `scale`, and the largest `blur`, `noise` and lowest quality `jpeg`."""
    before = [augment.Blur((min(0.1, options["blur"]), options["blur"]))] if options.get("blur") else []
    noise = [augment.Noise((0.0, options["noise"]))] if options.get("noise") else []
    compression = [augment.JPEG((options["jpeg"], 95))] if options.get("jpeg") else []
    return images.Degradation(options["scale"], before, (*noise, *compression))
