"""What users call of StyleGAN: styles, images of styles, mixtures, truncation, and the styles of an image."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import check_count, check_number, refusal
from keras_dl.models import conditions, gan_checks, shapes
from keras_dl.models.base import Draw
from keras_dl.models.base.offers import Offers
from keras_dl.models.stylegan_projection import projected
from keras_dl.types import Tensor


class StyleMethods(Offers):
    """The part of `StyleGAN` that draws, by the averaged generator if there is one."""

    # Of the model.
    generator: keras.Model
    latent_size: int
    num_styles: int
    style_size: int
    noise_size: int
    carried: dict[str, Any]

    @property
    def mean_style(self) -> Tensor:
        """The average of styles over training, float32 of shape `(style_size,)`.

        It may be set, to that of published weights: what `networks.load_stylegan2_weights` returns.
        """
        return self.carried["mean_style"].value

    @mean_style.setter
    def mean_style(self, style: Tensor) -> None:
        row = shapes.as_rows(np.asarray(style)[None], (self.style_size,), "mean_style")
        self.carried["mean_style"].variable.assign(row[0])

    def style(self, latents: Tensor, condition: Tensor | None = None, truncation: float | None = None) -> Tensor:
        r"""Returns the styles of latents, $\bar w + \psi (w - \bar w)$ for each layer.

        Args:
            latents: Latents, shape `(rows, latent_size)`.
            condition: For conditional models: one condition for each row.
            truncation: $\psi$: 1 (or `None`) leaves styles as they are, 0 gives the mean style.

        Returns:
            Float32 tensor of shape `(rows, num_styles, style_size)`.
        """
        latents = shapes.as_latents(latents, self.latent_size)
        condition = self._condition(self.generator, condition, len(latents))
        psi = tf.constant(check_psi(truncation))
        return self.as_graph(self._style)(latents, condition, psi)

    def synthesize(self, styles: Tensor, noise: Tensor | None = None) -> Tensor:
        """Returns images of styles.

        Args:
            styles: Styles, shape `(rows, num_styles, style_size)`, or `(rows, style_size)` for all layers alike.
            noise: Noise of all layers, shape `(rows, noise_size)`, of standard normals; `None` takes the fixed noise
                that is saved with the model.

        Returns:
            Float32 tensor of shape `(rows, *data_shape)`.
        """
        styles = self._as_styles(styles)
        if noise is not None:
            noise = shapes.as_rows(noise, (self.noise_size,), "noise")
            if len(noise) != len(styles):
                raise refusal(f"noise should have {len(styles)} rows, as the styles have", f"{len(noise)}")
        return shapes.by_rows(self.as_graph(self._synthesize), styles, noise)

    def generate(
        self,
        latents: Tensor,
        condition: Tensor | None = None,
        truncation: float | None = None,
        noise: Tensor | None = None,
    ) -> Tensor:
        """Returns `synthesize(style(latents, condition, truncation), noise)`."""
        return self.synthesize(self.style(latents, condition, truncation), noise)

    def sample(
        self,
        num_samples: int,
        condition: Tensor | None = None,
        seed: int | None = None,
        truncation: float | None = None,
    ) -> Tensor:
        r"""Draws latents $z \sim \mathcal{N}(0, I)$ and noise, and returns images.

        Args:
            num_samples: How many.
            condition: For conditional models: one condition, or one for each sample.
            seed: Integer that fixes the draw; `None` gives others at every call.
            truncation: As for `style`.

        Returns:
            Float32 tensor of shape `(num_samples, *data_shape)`.
        """
        num_samples = check_count(num_samples, "num_samples")
        condition = conditions.repeated([self.generator], condition, num_samples)
        condition = self._condition(self.generator, condition, num_samples)
        psi = tf.constant(check_psi(truncation))
        return self.as_graph(self._sample)(tf.constant(num_samples), condition, *self.sampling_seed(seed), psi)

    def mix(self, coarse: Tensor, fine: Tensor, cut: int) -> Tensor:
        """Returns styles that are `coarse` in the first `cut` layers and `fine` from there on.

        Args:
            coarse: Styles, as for `synthesize`.
            fine: As many others.
            cut: Integer from 0 to `num_styles`.
        """
        coarse, fine = self._as_styles(coarse), self._as_styles(fine)
        if len(coarse) != len(fine):
            raise refusal(f"fine should have {len(coarse)} rows, as coarse has", f"{len(fine)}")
        if check_count(cut, "cut", least=0) > self.num_styles:
            raise refusal(f"cut should be an integer from 0 to {self.num_styles}", cut=cut)
        return tf.concat([coarse[:, :cut], fine[:, cut:]], axis=1)

    def project(
        self,
        images: Tensor,
        steps: int = 200,
        learning_rate: float = 0.1,
        features: Any = None,
        per_layer: bool = False,
        seed: int = 0,
    ) -> tuple:
        """Finds styles whose images, with the fixed noise, are near the given ones (Karras et al. 2020, appendix D).

        Adam from the mean style, with noise on the styles that fades over the first three quarters of the steps and a
        rate that rises in the first twentieth and falls in the last quarter.

        Args:
            images: Images, shape `(rows, *data_shape)`.
            steps: Steps of Adam.
            learning_rate: Its rate at most.
            features: Function of images whose outputs are compared, such as a network; `None` for pixels.
            per_layer: Whether each layer has a style of its own.
            seed: Integer that fixes the noise.

        Returns:
            `(styles, distances)`: float32 of shape `(rows, num_styles, style_size)`, and mean squared differences at
            the end, shape `(rows,)`.

        Raises:
            ValueError: If images are of another shape, or beyond what the generator's end can make.
        """
        images = shapes.as_rows(images, tuple(self.critic_shape), "images")
        options = {"per_layer": bool(per_layer), "features": features}
        steps, rate = check_count(steps, "steps"), check_number(learning_rate, "learning_rate", above=0)
        if not len(images):
            return tf.zeros((0, self.num_styles, self.style_size)), tf.zeros((0,))
        gan_checks.check_range(images, self.generator, "images")
        return projected(self, images, steps, rate, self.sampling_seed(seed)[0], **options)

    def _as_styles(self, styles):
        if np.ndim(styles) == 2:
            styles = shapes.as_rows(styles, (self.style_size,), "styles")
            return tf.repeat(styles[:, None], self.num_styles, axis=1)
        return shapes.as_rows(styles, (self.num_styles, self.style_size), "styles")

    # The graphs behind them.

    def _style(self, latents, condition=None, psi=None):
        mapping = self.averaged("generator").get_layer("mapping")
        style = tf.cast(conditions.apply(mapping, "latents", latents, condition), tf.float32)
        style = style if psi is None else self.mean_style + psi * (style - self.mean_style)
        return tf.repeat(style[:, None], self.num_styles, axis=1)

    def _synthesize(self, styles, noise=None):
        generator = self.averaged("generator")
        noise = generator.get_layer("fixed_noise")(styles) if noise is None else noise
        return tf.cast(generator.get_layer("synthesis")({"styles": styles, "noise": noise}), tf.float32)

    def _sample(self, num_samples, condition, seed, call, psi=None):
        draw = Draw.for_sampling(seed, call, num_samples)
        styles = self._style(draw.normal((self.latent_size,)), condition, psi)
        return self._synthesize(styles, draw.normal((self.noise_size,)))


def check_psi(truncation):
    """The factor of truncation as a float, 1 for `None`."""
    return 1.0 if truncation is None else float(check_number(truncation, "truncation"))
