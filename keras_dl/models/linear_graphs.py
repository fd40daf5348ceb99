"""The graphs of linear Gaussian models, and what users call."""

import numpy as np
import tensorflow as tf

from keras_dl.checks import check_count, refusal
from keras_dl.data.checks import check_finite, is_finite
from keras_dl.models import expectation, linear_checks, linear_gaussian, linear_signatures, mixture_starts, shapes
from keras_dl.models.base import Draw, Signature
from keras_dl.models.solved import SolvedModel
from keras_dl.types import Nest, Tensor


class LinearGraphs(SolvedModel):
    """What a model with a `LinearGaussian` offers. Everything is compiled once and takes any number of rows."""

    # What users call.

    def call(self, inputs: Nest, training: bool = False) -> Tensor:
        """Reconstructs data: what `predict` returns."""
        return self._reconstruct(inputs)

    def encode(self, x: Tensor) -> Tensor:
        """Returns $p(z | x)$, exact: a `tfp.distributions.MultivariateNormalTriL` of batch shape `(batch,)`."""
        from keras_dl.likelihoods import distributions

        loc, scale = self.as_graph(self._posterior)(self._inputs(x))
        return distributions.MultivariateNormalTriL(loc, scale)

    def transform(self, x: Tensor) -> Tensor:
        r"""Returns the posterior means $M^{-1} W^\top (x - \mu)$, $M = W^\top W + \sigma^2 I$: `(batch, q)`."""
        return self.as_graph(self._transform)(self._inputs(x))

    def inverse_transform(self, latents: Tensor) -> Tensor:
        r"""Returns the least-squares reconstruction $W (W^\top W)^{-1} M z + \mu$ of posterior means `z`."""
        return self.as_graph(self._inverse_transform)(shapes.as_latents(latents, self.latent_size))

    def decode(self, latents: Tensor) -> Tensor:
        r"""Returns the mean $W z + \mu$ of $p(x | z)$, shape `(batch, *shape)`."""
        return self.as_graph(self._decode)(shapes.as_latents(latents, self.latent_size))

    def from_latents(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        """Returns `decode(latents)`."""
        return self.decode(latents)

    def reconstruct(self, x: Tensor) -> Tensor:
        """Returns `inverse_transform(transform(x))`."""
        return self.as_graph(self._reconstruct)(self._inputs(x))

    def impute(self, x: Tensor) -> Tensor:
        """Returns `x` with $W E[z | x] + \\mu$ in the place of its missing values."""
        return self.as_graph(self._impute)(self._inputs(x))

    def log_prob(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        r"""Returns $\log p(x)$, exact, shape `(batch,)`; of the values that are there where some are missing."""
        return self.as_graph(self._log_prob)(self._inputs(x))

    def sample(self, num_samples: int, condition: Tensor | None = None, seed: int | None = None) -> Tensor:
        """Draws from $p(x)$, shape `(num_samples, *shape)`; `seed` fixes the draw."""
        seed, call = self.sampling_seed(seed)
        return self.as_graph(self._sample)(tf.constant(check_count(num_samples, "num_samples")), seed, call)

    def signatures(self) -> dict[str, Signature]:
        """What `export` writes: named functions with named inputs. See `keras_dl.runtime.export`."""
        return linear_signatures.signatures(self)

    def check_data(self, data: Nest) -> None:
        x = shapes.alone(data, self.shape)
        if not self.missing:
            if not is_finite(x):
                hint = ' (missing values need method="em", missing=True)' if np.isnan(x).any() else ""
                check_finite(x, f"x{hint}")
        elif np.isinf(x).any():
            raise refusal("x should be finite, or NaN where a value is missing", f"{np.isinf(x).sum()} infinities")

    def check_training(self, x: Tensor) -> None:
        x = np.asarray(x)
        linear_checks.check_rows(len(x), self.num_components)
        mixture_starts.check_distinct(x)

    def check_inputs(self, inputs: Nest) -> None:
        self.check_data(inputs)

    # The graphs behind them.

    def _parameters(self):
        density = self.density
        return tuple(tf.convert_to_tensor(weight) for weight in (density.mean, density.loadings, density.log_noise))

    def _flat(self, x):
        return tf.reshape(tf.cast(x, tf.float32), [-1, self.density.size])

    def _shaped(self, x):
        return tf.reshape(x, [-1, *self.shape])

    def _filled(self, x):
        """Rows as vectors, with expectations in the place of missing values."""
        x = self._flat(x)
        if not self.missing:
            return x
        mean, loadings, _ = self._parameters()
        expected = tf.matmul(self._posterior(x)[0], loadings, transpose_b=True) + mean
        return tf.where(tf.math.is_finite(x), x, expected)

    def _posterior(self, x):
        x = self._flat(x)
        if self.missing:
            mean, loadings, log_noise = self._parameters()
            z, inverse, *_ = expectation.posterior(x, mean, loadings, log_noise)
            return z, tf.linalg.cholesky(tf.exp(log_noise) * inverse)
        z = tf.matmul(x - self.density.mean, self.density.projection, transpose_b=True)
        return z, tf.tile(self.density.posterior_scale[None], [tf.shape(z)[0], 1, 1])

    def _transform(self, x):
        return self._posterior(x)[0]

    def _inverse_transform(self, latents):
        return self._shaped(tf.matmul(latents, self.density.expansion, transpose_b=True) + self.density.mean)

    def _decode(self, latents):
        return self._shaped(tf.matmul(latents, self.density.loadings, transpose_b=True) + self.density.mean)

    def _reconstruct(self, x):
        return self._inverse_transform(self._transform(x))

    def _impute(self, x):
        return self._shaped(self._filled(x))

    def _log_prob(self, x):
        x = self._flat(x)
        mean, loadings, log_noise = self._parameters()
        if self.missing:
            return expectation.log_density(x, mean, loadings, log_noise)
        z = tf.matmul(x - mean, self.density.projection, transpose_b=True)
        residual = x - mean - tf.matmul(z, loadings, transpose_b=True)
        return linear_gaussian.density_at(residual, z, tf.exp(log_noise), self.density.log_det)

    def _sample(self, num_samples, seed, call):
        draw = Draw.for_sampling(seed, call, num_samples)
        latents = draw.normal((self.latent_size,))
        noise = tf.exp(0.5 * self.density.log_noise) * draw.normal((self.density.size,))
        return self._decode(latents) + self._shaped(noise)

    def _inputs(self, x):
        if not shapes.is_symbolic(x):
            self.check_data(x)
        return tf.cast(x, tf.float32)
