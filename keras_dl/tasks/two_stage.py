"""Two-stage sampling: a mixture fitted on the latents of a trained autoencoder, in place of its prior."""

from typing import Any, Self

import numpy as np
import tensorflow as tf

from keras_dl.checks import check_count, check_seed, refusal
from keras_dl.models import GaussianMixture
from keras_dl.types import Tensor

#: Rows of training data on whose latents a mixture is fitted, and iterations of it.
ROWS, ITERATIONS = 10_000, 50


class TwoStage:
    """A model with latents, sampled from a mixture of Gaussians on them (Dai & Wipf 2019; Ghosh et al. 2020).

    The mixture follows the mean of the posteriors of data, which the prior need not match.

    Args:
        model: A trained `keras_dl.models.VAE`.
        components: How many full Gaussians.
        seed: Integer that decides draws of the posterior and the mixture's start.

    Example:

    >>> (x, _), _ = keras_dl.data.load("digits")
    >>> vae = keras_dl.models.VAE(
    ...     keras_dl.networks.mlp_encoder(x.shape[1:], latent_size=2, hidden=(8,)),
    ...     keras_dl.networks.mlp_decoder(2, x.shape[1:], hidden=(8,)),
    ... )
    >>> keras_dl.tasks.TwoStage(vae, components=3).fit(x[:200], epochs=2).sample(4).shape
    TensorShape([4, 8, 8, 1])
    """

    def __init__(self, model: Any, components: int = 10, seed: int = 0):
        self.model, self.seed = model, check_seed(seed)
        self.mixture = GaussianMixture((model.latent_size,), check_count(components, "components"), seed=seed)

    def fit(self, x: Tensor, condition: Tensor | None = None, epochs: int = ITERATIONS) -> Self:
        """Fits the mixture on a draw of every sample's posterior; returns itself.

        Args:
            x: Data as the model sees them, shape `(rows, *data_shape)`.
            condition: Their conditions, where the model is conditional.
            epochs: Iterations.
        """
        posterior = self.model.posterior_of(x, condition)
        noise = np.random.default_rng(self.seed).standard_normal((len(x), self.model.latent_size))
        latents = self.model.posterior.reparameterize(posterior, tf.constant(noise, tf.float32))
        self.mixture.fit(np.asarray(latents), batch_size=len(x), epochs=check_count(epochs, "epochs"), verbose=0)
        return self

    def sample(self, num_samples: int, condition: Tensor | None = None, seed: int | None = None) -> Tensor:
        """Draws latents from the mixture and decodes them.

        Args:
            num_samples: How many.
            condition: For conditional models: a condition per sample.
            seed: Integer that fixes the draw; `None` gives others at every call.

        Returns:
            Tensor of shape `(num_samples, *data_shape)`.

        Raises:
            ValueError: If the mixture has not been fitted.
        """
        if not self.mixture.state.initialized:
            raise refusal("A TwoStage should be fitted before it samples: fit(x)", "no data yet")
        return self.model.from_latents(self.mixture.sample(num_samples, seed=seed), condition)


def two_stage(model, data, components, options, seed):
    """Returns a `TwoStage` fitted on the first samples of a task's training data.

    Args:
        model: A trained model with latents.
        data: What the task's `load` returned.
        components: How many Gaussians.
        options: The run's `fit_options`.
        seed: Integer that decides the order of the data, and the mixture.

    Raises:
        ValueError: If there are fewer samples than components.
    """
    x, condition = data.first(data.pipelines(options, seed)[0], ROWS)
    if len(x) < components:
        raise refusal(f"The training data should have at least {components} samples", f"{len(x)}")
    return TwoStage(model, components, seed).fit(x, condition)
