"""Pictures of what a model makes, drawn while it trains."""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_dl import files
from keras_dl.callbacks.arcs import on_arc
from keras_dl.callbacks.sheets import UNIT, Block, check_range, epoch_title, image_grid, save_points, save_sheet
from keras_dl.checks import check_count, check_path, check_seed, refusal
from keras_dl.models.base.offers import declared
from keras_dl.types import PathLike, Tensor


class SampleGrid(keras.callbacks.Callback):
    """Draws a grid of samples, or points in the plane, after 1, 2, 4, 8, ... epochs and at the end of training.

    Every picture is drawn with the same seed, so that a place in the grid can be followed through training. The files
    are named `samples_epoch_0001.png` and so on.

    Args:
        folder: where the pictures go; it is made if it does not exist.
        num_samples: integer, how many samples.
        condition: array with one condition a sample, or None; passed on to `model.sample`.
        columns: integer, samples in a row of the grid.
        seed: integer, passed on to `model.sample`.
        value_range: `(black, white)`, the values of images that are drawn so; None takes the range of the model's last
            activation (a GAN's `data_range`: -1 to 1 for tanh), and 0 to 1 where it has none.
        dataset: name of the data set, which a title above the picture says beside the model's class and the epoch;
            None for a picture without words.
        real: array of samples of the data, as the model sees them, which are drawn above the model's; points in the
            plane behind the model's. None for none.

    Raises:
        ValueError: if the model has no `sample` method, its samples are neither images nor points in the plane, or an
            argument is out of range.

    Example:

    >>> import keras_dl
    >>> grid = keras_dl.callbacks.SampleGrid("runs/pictures", num_samples=16, columns=4)
    >>> [epoch for epoch in range(1, 20) if grid.is_due(epoch)]
    [1, 2, 4, 8, 16]
    """

    name = heading = "samples"

    def __init__(
        self,
        folder: PathLike,
        num_samples: int = 64,
        condition: Tensor | None = None,
        columns: int = 8,
        seed: int = 0,
        value_range: Any = None,
        dataset: str | None = None,
        real: Tensor | None = None,
    ):
        super().__init__()
        self.folder = Path(check_path(folder, "folder"))
        self.num_samples = check_count(num_samples, "num_samples")
        self.condition = condition
        self.columns = check_count(columns, "columns")
        self.seed = check_seed(seed)
        self.value_range = None if value_range is None else check_range(value_range)
        self.dataset, self.real = dataset, real
        self._last_epoch = self._drawn_epoch = 0

    def set_model(self, model: Any) -> None:
        if declared(model, "sample") is None:
            raise refusal("the model should have a `sample` method", f"{type(model).__name__}")
        super().set_model(model)

    def is_due(self, epoch: int) -> bool:
        """Whether a picture is drawn after that many epochs: at the powers of two."""
        return epoch & (epoch - 1) == 0

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._last_epoch = epoch + 1
        if self.is_due(self._last_epoch):
            self._draw()

    def on_train_end(self, logs: dict | None = None) -> None:
        if self._last_epoch > self._drawn_epoch:
            self._draw()

    def _samples(self):
        return self.model.sample(self.num_samples, condition=self.condition, seed=self.seed)

    def _draw(self):
        path = self.folder / f"{self.name}_epoch_{self._last_epoch:04d}.png"
        value_range = self.value_range or declared(self.model, "data_range") or UNIT
        save_samples(path, self._samples(), self.columns, value_range, self._titled(), self.real, self.heading)
        self._drawn_epoch = self._last_epoch

    def _titled(self):
        """The title with the epoch; None where the picture has no words."""
        if self.dataset is None and self.real is None:
            return None
        return epoch_title(self.model, self.dataset, self._last_epoch, (self.params or {}).get("epochs"))


class LatentInterpolation(SampleGrid):
    """Draws paths between pairs of latents, a row a path, after 1, 2, 4, 8, ... epochs and at the end of training.

    The path from `a` to `b` is `sin((1 - t) w) / sin(w) a + sin(t w) / sin(w) b` with `w` the angle between them
    (White 2016, "Sampling generative networks"): on it latents stay as long as normal ones are.

    Args:
        folder: where the pictures go, as `interpolation_epoch_0001.png` and so on.
        num_paths: integer, how many.
        columns: integer, images on a path, with both its ends.
        condition: array with one condition a path, or None.
        seed: integer that fixes the latents.
        value_range: as for `SampleGrid`.
        dataset: as for `SampleGrid`.

    Raises:
        ValueError: if an argument is out of range, or the model has no `from_latents` method.

    Example:

    >>> import keras_dl
    >>> paths = keras_dl.callbacks.LatentInterpolation("runs/pictures", num_paths=4).latents(latent_size=16)
    >>> paths.shape
    (4, 8, 16)
    """

    name, heading = "interpolation", "paths between latents, one per row"

    def __init__(
        self,
        folder: PathLike,
        num_paths: int = 8,
        columns: int = 8,
        condition: Tensor | None = None,
        seed: int = 0,
        value_range: Any = None,
        dataset: str | None = None,
    ):
        columns = check_count(columns, "columns", least=2)
        super().__init__(folder, check_count(num_paths, "num_paths"), condition, columns, seed, value_range, dataset)
        if condition is not None and np.shape(condition)[:1] != (num_paths,):
            raise refusal(f"`condition` should have a row a path, {num_paths}", condition=condition)

    def set_model(self, model: Any) -> None:
        if declared(model, "from_latents") is None:
            raise refusal("the model should have a `from_latents` method", f"{type(model).__name__}")
        super().set_model(model)

    def latents(self, latent_size: int) -> Tensor:
        """Returns the latents of the paths, shape `(num_paths, columns, latent_size)`."""
        ends = np.random.default_rng(self.seed).standard_normal((2, self.num_samples, 1, latent_size))
        shares = np.linspace(0.0, 1.0, self.columns)[:, None]
        return on_arc(ends[0], ends[1], shares).astype("float32")

    def _samples(self):
        latents = self.latents(self.model.latent_size)
        condition = None if self.condition is None else np.repeat(self.condition, self.columns, axis=0)
        return self.model.from_latents(latents.reshape(-1, latents.shape[-1]), condition=condition)


def save_image_grid(
    path: PathLike, images: Tensor, columns: int = 8, min_width: int = 512, value_range: Any = UNIT
) -> None:
    """Writes `image_grid` of images as a picture, its pixels enlarged to at least `min_width`.

    Args:
        path: the file to write, by its suffix PNG or another format; its folder is made if it does not exist.
        images: as for `image_grid`.
        columns: integer, images in a row.
        min_width: integer, the least width of the picture in pixels (each pixel becomes a whole square).
        value_range: as for `image_grid`.
    """
    sheet = image_grid(images, columns, value_range=value_range)
    scale = -(-min_width // sheet.shape[1])
    sheet = sheet.repeat(scale, axis=0).repeat(scale, axis=1)
    pixels = np.round(sheet * 255)
    files.put(path, lambda new: keras.utils.save_img(new, pixels, data_format="channels_last", scale=False))


def save_samples(
    path: PathLike,
    samples: Tensor,
    columns: int = 8,
    value_range: Any = UNIT,
    title: str | None = None,
    real: Tensor | None = None,
    heading: str = "samples",
) -> None:
    """Writes samples as a picture: images as a grid, points in the plane as `save_points` does.

    Args:
        path: the file to write; its folder is made if it does not exist.
        samples: array or tensor of images, as for `image_grid`, or of points, shape `(num_points, 2)`.
        columns: integer, images in a row.
        value_range: as for `image_grid`.
        title: the line above the picture; None for a picture without words, as `save_image_grid` writes it.
        real: samples of the data, which are drawn above the images, or behind the points; None for none.
        heading: the line above the samples in a picture with words.
    """
    if len(samples.shape) == 2 and samples.shape[-1] == 2:
        save_points(path, samples, title, real)
    elif title is None and real is None:
        save_image_grid(path, samples, columns, value_range=value_range)
    else:
        above = [] if real is None else [Block(real, "real data", columns, (), value_range)]
        save_sheet(path, title or "", [*above, Block(samples, heading, columns, (), value_range)])
