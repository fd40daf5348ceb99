"""Mixtures of normals as priors over latents."""

from typing import Any

import keras
import tensorflow as tf

from keras_dl.checks import check_count, check_number, check_seed
from keras_dl.likelihoods.priors import Prior
from keras_dl.types import Shape, Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class MixturePrior(Prior):
    r"""A mixture $p(z) = \sum_k \pi_k \mathcal{N}(\mu_k, \operatorname{diag}(\sigma_k^2))$ with trained parameters.

    A posterior has no analytic divergence from it: a `VAE` takes `kl="monte_carlo"`, or an objective such as `IWAE`.
    `responsibilities` says to which component a latent vector belongs, which clusters the data (Jiang et al. 2017,
    "Variational deep embedding").

    Args:
        components: $K$, the number of components.
        latent_size: Number of latents; `None` takes the model's.
        spread: Standard deviation of the first means.
        seed: Integer that decides the first means.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    >>> vae = keras_dl.models.VAE(
    ...     keras_dl.networks.mlp_encoder((8, 8, 1), latent_size=2, hidden=(16,)),
    ...     keras_dl.networks.mlp_decoder(2, (8, 8, 1), hidden=(16,)),
    ...     prior=keras_dl.likelihoods.MixturePrior(10),
    ...     kl="monte_carlo",
    ... )
    >>> vae.prior.responsibilities(tf.zeros([3, 2])).shape
    TensorShape([3, 10])
    """

    sized_by_model = True

    def __init__(self, components: int, latent_size: int | None = None, spread: float = 1.0, seed: int = 0, **kwargs):
        super().__init__(latent_size, **kwargs)
        self.components, self.seed = check_count(components, "components"), check_seed(seed)
        self.spread = float(check_number(spread, "spread", least=0))
        if self.latent_size is not None:
            self._add_weights()

    def fit_to(self, latent_size: int, shape: Shape | None = None) -> None:
        if self.latent_size is None:
            self.latent_size = latent_size
            self._add_weights()
        super().fit_to(latent_size, shape)

    def _add_weights(self):
        options, shape = {"dtype": "float32", "autocast": False}, (self.components, self.latent_size)
        start = keras.initializers.RandomNormal(stddev=self.spread, seed=self.seed)
        self.loc = self.add_weight(name="loc", shape=shape, initializer=start, **options)
        self.log_scale = self.add_weight(name="log_scale", shape=shape, initializer="zeros", **options)
        self.logits = self.add_weight(name="logits", shape=shape[:1], initializer="zeros", **options)

    def __call__(self) -> Any:
        from keras_dl.likelihoods import distributions

        normals = distributions.Normal(tf.convert_to_tensor(self.loc), tf.exp(self.log_scale))
        return distributions.MixtureSameFamily(
            distributions.Categorical(logits=tf.convert_to_tensor(self.logits)),
            distributions.Independent(normals, reinterpreted_batch_ndims=1),
        )

    def draw_latents(self, draw: Any, temperature: float = 1.0) -> Tensor:
        component = draw_component(draw, tf.nn.softmax(self.logits))
        loc, scale = tf.gather(self.loc, component), tf.exp(tf.gather(self.log_scale, component))
        return loc + temperature * scale * draw.normal((self.latent_size,))

    @property
    def probabilities(self) -> Tensor:
        r"""The components' probabilities $\pi$, shape `(components,)`."""
        return tf.nn.softmax(self.logits)

    def responsibilities(self, latents: Tensor) -> Tensor:
        """Returns $p(k | z)$ of latents of shape `(..., latent_size)`, shape `(..., components)`."""
        mixture = self()
        joint = mixture.components_distribution.log_prob(tf.convert_to_tensor(latents)[..., None, :])
        return tf.nn.softmax(joint + tf.nn.log_softmax(self.logits))

    def get_config(self) -> dict[str, Any]:
        own = {"components": self.components, "spread": self.spread, "seed": self.seed}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="keras_dl")
class NormalMixture(MixturePrior):
    r"""A `MixturePrior` over a number of latents that is known beforehand.

    Args:
        latent_size: Number of latents.
        components: Number of components.
        spread: Standard deviation of the first means.
        seed: Integer that decides the first means.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Example:

    >>> prior = NormalMixture(2, components=3, spread=0.0)
    >>> round(float(prior().log_prob([0.0, 0.0])), 4)     # three times the standard normal
    -1.8379
    """

    sized_by_model = False

    def __init__(self, latent_size: int, components: int, spread: float = 1.0, seed: int = 0, **kwargs):
        super().__init__(components, latent_size, spread, seed, **kwargs)


def draw_component(draw, probabilities):
    """A component per row, an int32 vector."""
    ends = tf.cumsum(probabilities)[:-1]
    return tf.reduce_sum(tf.cast(draw.uniform()[:, None] >= ends, tf.int32), -1)
