"""What users call of LAPGANs: samples, images that are refined, pyramids, and scores."""

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from keras_dl.checks import check_count
from keras_dl.models import conditions, gan_checks, lapgan_checks, shapes
from keras_dl.models import lapgan_game as game
from keras_dl.models.base import Draw
from keras_dl.models.scorer import Scorer
from keras_dl.types import Tensor


class LAPGANMethods:
    """The part of a `LAPGAN` that computes with its networks, in graphs that take any number of rows."""

    # Of the model.
    shapes: list[tuple[int, ...]]
    latent_size: int
    latent_sizes: list[int]
    value_range: Sequence[float] | None
    networks: list[keras.Model]
    averaged: Callable
    as_graph: Callable
    sampling_seed: Callable

    def generate(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        """Returns the images of latents `(rows, latent_size)`: the noise of all levels side by side, coarsest first."""
        latents = shapes.as_latents(latents, self.latent_size)
        return shapes.by_rows(self.as_graph(self._generate), latents, self._condition(condition, len(latents)))

    def from_latents(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        """Returns `generate(latents)`."""
        return self.generate(latents, condition)

    def sample(self, num_samples: int, condition: Tensor | None = None, seed: int | None = None) -> Tensor:
        """Draws images, from the coarsest level to the finest, shape `(num_samples, *data_shape)`; as `GAN.sample`."""
        return self.sample_levels(num_samples, condition, seed)[-1]

    def sample_levels(self, num_samples: int, condition: Tensor | None = None, seed: int | None = None) -> list[Tensor]:
        """Returns what `sample` draws as a list of the images of every level, coarsest first.

        Args:
            num_samples: How many.
            condition: For conditional models: one condition, or one for each sample.
            seed: Integer that fixes the draw; `None` gives others at every call.
        """
        num_samples = check_count(num_samples, "num_samples")
        condition = self._condition(conditions.repeated(self._generators(), condition, num_samples), num_samples)
        return self.as_graph(self._sample_levels)(tf.constant(num_samples), condition, *self.sampling_seed(seed))

    def refine(self, x: Tensor, condition: Tensor | None = None, seed: int | None = None) -> Tensor:
        """Draws what images of any level lack, level by level; returns images of the finest.

        The noise is that of `sample` with this seed, so a sample's own coarse images give the sample.

        Args:
            x: Images of one level; those of the finest are returned as they are.
            condition, seed: As for `sample_levels`.
        """
        level = lapgan_checks.level_of(self, x)
        x = shapes.as_rows(x, self.shapes[level])
        condition = self._condition(conditions.repeated(self._generators(), condition, len(x)), len(x))
        draw = self.sampling_seed(seed)
        return shapes.by_rows(lambda x, c: self.as_graph(self._refine)(x, c, *draw, level=level), x, condition)

    def pyramid(self, x: Tensor) -> list[Tensor]:
        r"""Returns the Laplacian pyramid of images: the coarsest ones, and the difference of each finer level.

        Images are again $x_k = u(x_{k-1}) + h_k$, level by level.

        Args:
            x: Images of the finest level.
        """
        levels = game.gaussian_pyramid(shapes.as_rows(x, self.shapes[-1]), len(self.shapes))
        pairs = zip(levels[:-1], levels[1:], strict=True)
        return [levels[0], *(fine - game.pyramid.up(coarse) for coarse, fine in pairs)]

    def discriminate(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Returns the scores, shape `(rows,)`, of images of any level by that level's critic."""
        level = lapgan_checks.level_of(self, x)
        x = shapes.as_rows(x, self.shapes[level])
        condition = self._condition(condition, len(x))
        return shapes.by_rows(lambda x, c: self.as_graph(self._discriminate)(x, c, level=level), x, condition)

    # The graphs behind them.

    def _generators(self):
        return [self.averaged(f"generator_{level}") for level in range(len(self.shapes))]

    def _condition(self, condition, rows):
        gan_checks.check_condition(self, self._generators(), condition, rows)
        return conditions.as_tensor(self._generators(), condition)

    def _generate(self, latents, condition=None):
        return self._generate_levels(latents, condition)[-1]

    def _generate_levels(self, latents, condition=None):
        *levels, finest = game.chain(self._generators(), latents, condition)
        return [*levels, gan_checks.clipped(finest, self.value_range)]

    def _sample_levels(self, num_samples, condition, seed, call):
        return self._generate_levels(self._noise(seed, call, num_samples), condition)

    def _sample(self, num_samples, condition, seed, call):
        return self._sample_levels(num_samples, condition, seed, call)[-1]

    def _refine(self, x, condition, seed, call, level=0):
        noise = self._noise(seed, call, tf.shape(x)[0])
        latents = noise[:, sum(self.latent_sizes[: level + 1]) :]
        finer = game.chain(self._generators()[level + 1 :], latents, condition, x)
        return gan_checks.clipped(finer[-1], self.value_range) if finer else x

    def _noise(self, seed, call, rows):
        return Draw.for_sampling(seed, call, rows).uniform((self.latent_size,), -1.0, 1.0)

    def _discriminate(self, x, condition=None, level=-1):
        return Scorer(self.networks[len(self.shapes) :][level], condition)(x)
