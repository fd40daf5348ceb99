"""The mixture of the posteriors of trained pseudo-inputs as a prior over latents."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import check_count, check_number, check_seed, check_shape, optional, refusal
from keras_dl.likelihoods.mixture_priors import draw_component
from keras_dl.likelihoods.priors import Prior
from keras_dl.types import Shape, Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class VampPrior(Prior):
    r"""The mixture of the posteriors of pseudo-inputs, $p(z) = \tfrac1K \sum_k q_\phi(z | u_k)$, with trained $u_k$.

    (Tomczak & Welling 2018, "VAE with a VampPrior".)

    The prior of the largest bound is the mean of the posteriors of all data; $K$ pseudo-inputs stand for these. It has
    no analytic divergence: a `VAE` takes `kl="monte_carlo"`, or an objective such as `IWAE`. The encoder reads
    pseudo-inputs as in evaluation; a conditional one reads them with all labels in turn.

    Args:
        components: $K$, the number of pseudo-inputs.
        latent_size: Number of latents; `None` takes the model's.
        shape: Shape of a sample; `None` takes the model's.
        bounds: `(lowest, highest)` to which pseudo-inputs are clipped; `None` for none.
        loc: Mean of the first pseudo-inputs.
        spread: Their standard deviation.
        seed: Integer that decides the first pseudo-inputs.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    >>> (x, _), _ = keras_dl.data.load("digits")
    >>> vae = keras_dl.models.VAE(
    ...     keras_dl.networks.mlp_encoder((8, 8, 1), latent_size=2, hidden=(16,)),
    ...     keras_dl.networks.mlp_decoder(2, (8, 8, 1), hidden=(16,)),
    ...     prior=keras_dl.likelihoods.VampPrior(20),
    ...     kl="monte_carlo",
    ... )
    >>> vae.prior.start_from(x)
    >>> vae.sample(3).shape
    TensorShape([3, 8, 8, 1])
    """

    sized_by_model = True

    def __init__(
        self,
        components: int,
        latent_size: int | None = None,
        shape: Shape | None = None,
        bounds: Sequence[float] | None = (0.0, 1.0),
        loc: float = 0.05,
        spread: float = 0.01,
        seed: int = 0,
        **kwargs,
    ):
        super().__init__(latent_size, **kwargs)
        self.components, self.seed = check_count(components, "components"), check_seed(seed)
        self.shape = optional(check_shape)(shape, "shape")
        self.bounds = _check_bounds(bounds)
        self.loc, self.spread = float(check_number(loc, "loc")), float(check_number(spread, "spread", least=0))
        if self.shape is not None:
            self._add_weights()

    def fit_to(self, latent_size: int, shape: Shape | None = None) -> None:
        self.latent_size = latent_size if self.latent_size is None else self.latent_size
        super().fit_to(latent_size, shape)
        if self.shape is None:
            self.shape = check_shape(shape, "shape")
            self._add_weights()
        if shape is not None and tuple(shape) != tuple(self.shape):
            raise refusal(f"The pseudo-inputs of `prior` should have the data's shape {shape}", f"shape {self.shape}")

    def _add_weights(self):
        start = keras.initializers.RandomNormal(self.loc, self.spread, self.seed)
        options = {"dtype": "float32", "autocast": False, "initializer": start}
        self.pseudo_inputs = self.add_weight(name="pseudo_inputs", shape=(self.components, *self.shape), **options)

    def start_from(self, x: Tensor) -> None:
        """Sets the pseudo-inputs to random rows of data; of fewer rows than pseudo-inputs some come twice.

        Args:
            x: Data, shape `(rows, *shape)`, within the bounds.

        Raises:
            ValueError: If they are of another shape, not finite, or out of bounds.
        """
        x = np.asarray(x, "float32")
        if not np.isfinite(x).all():
            raise refusal("x should be finite", f"{np.sum(~np.isfinite(x))} values that are NaN or infinite")
        if x.shape[1:] != tuple(self.shape) or not len(x):
            raise refusal(f"x should have shape (rows, {', '.join(map(str, self.shape))})", f"shape {x.shape}")
        if self.bounds is not None and not (self.bounds[0] <= x.min() and x.max() <= self.bounds[1]):
            expected = f"x should lie within `bounds`, {tuple(self.bounds)}, to which pseudo-inputs are clipped"
            raise refusal(expected, f"values from {x.min():g} to {x.max():g}")
        rows = np.resize(np.random.default_rng(self.seed).permutation(len(x)), self.components)
        self.pseudo_inputs.assign(x[rows])

    def clipped(self) -> Tensor:
        """The pseudo-inputs within their bounds, shape `(components, *shape)`."""
        inputs = tf.convert_to_tensor(self.pseudo_inputs)
        return inputs if self.bounds is None else tf.clip_by_value(inputs, *self.bounds)

    def beside(self, encode: Callable, reparameterize: Callable) -> Any:
        return PosteriorMixture(self, encode, reparameterize)

    def __call__(self) -> Any:
        raise refusal("VampPrior should be called beside an encoder: vae.prior_beside(vae.encoder)", "no encoder")

    def draw_latents(self, draw: Any, temperature: float = 1.0) -> Tensor:
        raise refusal("VampPrior should draw beside an encoder: vae.prior_beside(vae.encoder)", "no encoder")

    def get_config(self) -> dict[str, Any]:
        names = ("components", "shape", "bounds", "loc", "spread", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


class PosteriorMixture:
    """A `VampPrior` beside an encoder: its log-density, and draws from it.

    Args:
        prior: The `VampPrior`.
        encode: Function of data and of integers that number them, which returns posteriors.
        reparameterize: Function of posteriors and standard normal noise that returns draws.

    Attributes:
        event_shape: Shape of a vector of latents.
    """

    def __init__(self, prior, encode, reparameterize):
        self._prior, self._encode, self._reparameterize = prior, encode, reparameterize
        self.event_shape = tf.TensorShape([prior.latent_size])
        self._posteriors = None

    def __call__(self):
        """Encodes all pseudo-inputs, once for any number of log-densities."""
        self._posteriors = self._encode(self._prior.clipped(), tf.range(self._prior.components))
        return self

    def log_prob(self, latents):
        """Log-density in nats of latents of shape `(..., latent_size)`."""
        count = self._prior.components
        every = tf.repeat(latents[..., None, :], count, -2)
        return tf.reduce_logsumexp(self._posteriors.log_prob(every), -1) - math.log(count)

    def draw_latents(self, draw, temperature=1.0):
        """Returns latents of shape `(rows, latent_size)`; see `Prior.draw_latents`."""
        count = self._prior.components
        component = draw_component(draw, tf.fill([count], 1.0 / count))
        posteriors = self._encode(tf.gather(self._prior.clipped(), component), component)
        return self._reparameterize(posteriors, temperature * draw.normal((self._prior.latent_size,)))


def _check_bounds(bounds):
    if bounds is None:
        return None
    if not isinstance(bounds, (tuple, list)) or len(bounds) != 2 or not bounds[0] < bounds[1]:
        raise refusal("`bounds` should be (lowest, highest) or None", bounds=bounds)
    return tuple(float(bound) for bound in bounds)
