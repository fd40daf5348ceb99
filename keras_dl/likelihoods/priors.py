"""Priors over latents: their base, the standard normal, one that is learned, and a mixture that is not."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import check_count, check_number, check_numbers, refusal
from keras_dl.types import Shape, Tensor


class Prior(keras.layers.Layer):
    """Base class of priors over vectors of latents.

    Calling it without arguments gives a `tfp.distributions.Distribution` of event shape `(latent_size,)`. Like a
    likelihood it is a Keras layer so that a model saves it and trains its weights. A subclass writes `__call__` and
    `draw_latents`.

    Args:
        latent_size: Number of latents.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Raises:
        ValueError: If `latent_size` is not a positive integer.
    """

    #: Whether `latent_size` may be `None` until a model gives it by `fit_to`.
    sized_by_model = False

    def __init__(self, latent_size: int, **kwargs):
        from keras_dl.likelihoods import distributions  # noqa: F401 - tfp, before a graph is traced

        super().__init__(**kwargs)
        later = latent_size is None and self.sized_by_model
        self.latent_size = None if later else check_count(latent_size, "latent_size")
        self.built = True

    def __call__(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__} should define __call__(), which returns a distribution.")

    def fit_to(self, latent_size: int, shape: Shape | None = None) -> None:
        """Takes the sizes of the model that the prior becomes part of.

        Args:
            latent_size: The model's number of latents.
            shape: Shape of a sample of its data.

        Raises:
            ValueError: If the prior is of other sizes.
        """
        if self.latent_size != latent_size:
            raise refusal(
                f"prior should be over {latent_size} latents, event shape ({latent_size},)",
                f"event shape ({self.latent_size},)",
            )

    def beside(self, encode: Callable, reparameterize: Callable) -> Any:
        """Returns what gives the distribution and its draws beside an encoder: the prior itself, where it reads none.

        Args:
            encode: Function of data `(rows, *shape)` and of integers that number them, shape `(rows,)`, which returns
                the posteriors $q(z | x)$.
            reparameterize: Function of posteriors and of standard normal noise that returns draws.
        """
        return self

    def draw_latents(self, draw: Any, temperature: float = 1.0) -> Tensor:
        """Returns latents of shape `(rows, latent_size)`.

        Args:
            draw: A `keras_dl.models.base.Draw`, whose noise belongs to the row.
            temperature: Factor of the standard deviations: below 1, samples are more typical and less varied.
        """
        raise NotImplementedError(f"{type(self).__name__} should define draw_latents(draw, temperature).")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "latent_size": self.latent_size}


@keras.saving.register_keras_serializable(package="keras_dl")
class StandardNormal(Prior):
    r"""The prior $p(z) = \mathcal{N}(0, I)$.

    Args:
        latent_size: Number of latents.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Raises:
        ValueError: If `latent_size` is not a positive integer.

    Example:

    >>> prior = StandardNormal(2)
    >>> round(float(prior().log_prob([0.0, 0.0])), 4)     # -log(2 pi)
    -1.8379
    """

    def __call__(self) -> Any:
        from keras_dl.likelihoods import distributions

        normal = distributions.Normal(tf.zeros([self.latent_size]), tf.ones([self.latent_size]))
        return distributions.Independent(normal, reinterpreted_batch_ndims=1)

    def draw_latents(self, draw: Any, temperature: float = 1.0) -> Tensor:
        return temperature * draw.normal((self.latent_size,))


@keras.saving.register_keras_serializable(package="keras_dl")
class LearnedNormal(Prior):
    r"""The prior $p(z) = \mathcal{N}(\mu, \operatorname{diag}(\sigma^2))$ with trained $\mu$ and $\log \sigma$, from 0.

    Args:
        latent_size: Number of latents.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Example:

    >>> prior = LearnedNormal(2)
    >>> round(float(prior().log_prob([0.0, 0.0])), 4), len(prior.trainable_weights)
    (-1.8379, 2)
    """

    def __init__(self, latent_size: int, **kwargs):
        super().__init__(latent_size, **kwargs)
        options = {"shape": (self.latent_size,), "dtype": "float32", "autocast": False, "initializer": "zeros"}
        self.loc = self.add_weight(name="loc", **options)
        self.log_scale = self.add_weight(name="log_scale", **options)

    def __call__(self) -> Any:
        from keras_dl.likelihoods import distributions

        normal = distributions.Normal(tf.convert_to_tensor(self.loc), tf.exp(self.log_scale))
        return distributions.Independent(normal, reinterpreted_batch_ndims=1)

    def draw_latents(self, draw: Any, temperature: float = 1.0) -> Tensor:
        return self.loc + temperature * tf.exp(self.log_scale) * draw.normal((self.latent_size,))


@keras.saving.register_keras_serializable(package="keras_dl")
class FixedMixture(Prior):
    r"""A mixture $p(z) = \frac1k \sum_k \mathcal{N}(\mu_k, \sigma^2 I)$ that is not trained: a source of flow matching.

    Args:
        centres: The means $\mu_k$, nested sequences of numbers of shape `(k, latent_size)`.
        scale: Standard deviation $\sigma$.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Raises:
        ValueError: If `centres` is no such table, or `scale` is not positive.

    Example:

    >>> prior = FixedMixture([[-1.0], [1.0]], scale=1.0)
    >>> round(float(prior().log_prob([0.0])), 4)           # a normal at distance 1
    -1.4189
    """

    def __init__(self, centres: Tensor, scale: float = 1.0, **kwargs):
        table = np.asarray(check_numbers(centres, "centres"), "float32")
        if table.ndim != 2 or not table.size:
            raise refusal("`centres` should have shape (k, latent_size)", f"shape {table.shape}")
        super().__init__(table.shape[1], **kwargs)
        self.centres, self.scale = table.tolist(), float(check_number(scale, "scale", above=0))

    def __call__(self) -> Any:
        from keras_dl.likelihoods import distributions

        loc = tf.constant(self.centres)
        normals = distributions.Normal(loc, self.scale * tf.ones_like(loc))
        return distributions.MixtureSameFamily(
            distributions.Categorical(logits=tf.zeros(len(self.centres))),
            distributions.Independent(normals, reinterpreted_batch_ndims=1),
        )

    def draw_latents(self, draw: Any, temperature: float = 1.0) -> Tensor:
        component = draw.integers(high=len(self.centres))
        return tf.gather(tf.constant(self.centres), component) + (
            temperature * self.scale * draw.normal((self.latent_size,))
        )

    def get_config(self) -> dict[str, Any]:
        config = {name: value for name, value in super().get_config().items() if name != "latent_size"}
        return {**config, "centres": self.centres, "scale": self.scale}
