"""What users call of hierarchical autoencoders: codes, reconstructions, samples and log-densities."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from keras_dl.checks import check_count, check_number, refusal
from keras_dl.likelihoods import LogDensity
from keras_dl.likelihoods.log_density import weigh
from keras_dl.models import hierarchical_checks, monte_carlo, shapes
from keras_dl.models.base import Draw
from keras_dl.models.hierarchical_draws import Chosen, Means, PosteriorDraws
from keras_dl.types import Tensor

_CHUNK = 16  # importance samples drawn together: the networks are deep
_DECODED_AT_ONCE = 1024


class HierarchicalMethods:
    """The part of a `HierarchicalVAE` that computes with its networks, in graphs compiled for any number of rows."""

    # Of the model.
    latent_size: int
    encoder: Any
    decoder: Any
    likelihood: Any
    averaged: Callable
    as_graph: Callable
    sampling_seed: Callable
    check_data: Callable
    flows: Callable
    seed: int

    def encode(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Returns the posterior's means on the way down, shape `(batch, latent_size)`, the coarsest group first.

        `decoder.split` takes them apart by groups.
        """
        return self.as_graph(self._encode)(self._inputs(x, condition))

    def decode(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        """Returns the mean of $p(x | z)$, shape `(batch, *data_shape)`, for latents `(batch, latent_size)`."""
        hierarchical_checks.check_no_condition(condition)
        latents = shapes.as_latents(latents, self.latent_size)
        return shapes.by_rows(lambda z, _: self.as_graph(self._decode)(z), latents)

    def from_latents(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        """Returns the data that standard normal noise `(batch, latent_size)` makes on the way down the priors."""
        hierarchical_checks.check_no_condition(condition)
        latents = shapes.as_latents(latents, self.latent_size)
        return shapes.by_rows(lambda z, _: self.as_graph(self._from_noise)(z, tf.constant(1.0)), latents)

    def reconstruct(
        self,
        x: Tensor,
        condition: Tensor | None = None,
        keep: Any = None,
        temperature: float = 0.0,
        seed: int | None = None,
    ) -> Tensor:
        """Returns the mean of $p(x | z)$ for latents of which some groups are the posterior's means.

        Args:
            x: Data, shape `(batch, *data_shape)`.
            condition: `None`: the model takes none.
            keep: How many groups, the coarsest first, take the posterior, or a list of their indices; `None` for all.
                The others are drawn from the prior given those above: what the kept ones hold of the data is what does
                not change.
            temperature: Factor of the prior's standard deviations; at 0 the other groups are its means.
            seed: Integer that fixes the draws; `None` gives others at every call.

        Returns:
            Tensor of the shape of `x`.

        Raises:
            ValueError: If there is no such group.
        """
        numbers = hierarchical_checks.group_numbers(keep, len(self.decoder.groups))
        temperature = tf.constant(float(check_number(temperature, "temperature", least=0)))
        x = self._inputs(x, condition)
        if len(numbers) == len(self.decoder.groups):
            return self.as_graph(self._reconstruct)(x)
        return self.as_graph(self._completed)(x, temperature, *self.sampling_seed(seed), keep=tuple(sorted(numbers)))

    def interpolate(self, x: Tensor, y: Tensor, steps: int = 8, groups: Any = None) -> Tensor:
        """Returns data between pairs of data, on straight lines between the latents of some groups.

        Args:
            x: Data at which the lines begin, shape `(batch, *data_shape)`; the other groups keep their latents.
            y: Data at which they end.
            steps: How many points per line, with its ends.
            groups: How many groups, the coarsest first, or a list of their indices; `None` for all.

        Returns:
            Tensor of shape `(batch, steps, *data_shape)`.
        """
        steps = check_count(steps, "steps", least=2)
        numbers = hierarchical_checks.group_numbers(groups, len(self.decoder.groups), "groups")
        expected = shapes.input_shape(self.encoder, "x")
        start, end = (self.encode(shapes.as_rows(data, expected, name)) for name, data in (("x", x), ("y", y)))
        if len(start) != len(end):
            raise refusal("`x` and `y` should have the same number of rows", f"{len(start)} and {len(end)}")
        moves = np.concatenate([np.full(s, i in numbers, "float32") for i, s in enumerate(self.decoder.sizes)])
        shares = np.linspace(0, 1, steps, dtype="float32")[:, None] * moves
        latents = start[:, None] + shares * (end - start)[:, None]
        data = self.decode(tf.reshape(latents, [-1, self.latent_size]))
        return tf.reshape(data, [len(start), steps, *data.shape[1:]])

    def sample(
        self, num_samples: int, condition: Tensor | None = None, seed: int | None = None, temperature: float = 1.0
    ) -> Tensor:
        r"""Draws $z_l \sim p(z_l | z_{<l})$, group by group, and returns the mean of $p(x | z)$.

        Args:
            num_samples: How many.
            condition: `None`: the model takes none.
            seed: Integer that fixes the draw; `None` gives others at every call.
            temperature: Factor of the priors' standard deviations. See `recalibrate` for networks with batch norm.

        Returns:
            Tensor of shape `(num_samples, *data_shape)`, on the scale of the data.
        """
        hierarchical_checks.check_no_condition(condition)
        num_samples = tf.constant(check_count(num_samples, "num_samples"))
        temperature = tf.constant(float(check_number(temperature, "temperature", least=0)))
        return self.as_graph(self._sample)(num_samples, temperature, *self.sampling_seed(seed))

    def log_prob(
        self, x: Tensor, condition: Tensor | None = None, num_samples: int = 512, seed: int | None = None
    ) -> Tensor:
        """Returns the values of `log_density`, an estimate of $\\log p(x)$: shape `(batch,)`, in nats."""
        return self.log_density(x, condition, num_samples, seed).values

    def log_density(
        self,
        x: Tensor,
        condition: Tensor | None = None,
        num_samples: int = 512,
        seed: int | None = None,
        kind: str = "estimate",
    ) -> LogDensity:
        r"""Estimates or bounds $\log p(x)$ by importance weights, in chunks; as `VAE.log_density`.

        $$w_k = p(x | z_k) \prod_l \frac{p(z_{kl} | z_{k,<l})}{q(z_{kl} | x, z_{k,<l})}$$

        Args:
            x: Data, shape `(batch, *data_shape)`.
            condition: `None`: the model takes none.
            num_samples: How many weights.
            seed: Integer that fixes the draws; `None` means the model's seed: the same draws at every call.
            kind: `"estimate"`, $\log \tfrac1K \sum_k w_k$, or `"bound"`, $\tfrac1K \sum_k \log w_k$.

        Returns:
            A `keras_dl.likelihoods.LogDensity`: values and standard errors in nats, shape `(batch,)`.
        """
        x = self._inputs(x, condition)
        sizes = {"chunk": _CHUNK, "at_once": _DECODED_AT_ONCE}
        return monte_carlo.log_density(self, self._weigh_latents, x, None, num_samples, seed, kind, **sizes)

    def bits_per_dim(
        self, x: Tensor, condition: Tensor | None = None, num_samples: int = 512, seed: int | None = None
    ) -> Tensor:
        r"""Returns $-\log_2 p(x) / D$, $D$ the values of a sample, shape `(batch,)`, by a discrete likelihood."""
        if not self.likelihood.discrete:
            raise refusal("bits_per_dim should be of levels, by a discrete likelihood", likelihood=self.likelihood.name)
        values = self.log_prob(x, condition, num_samples, seed)
        return -values / (math.prod(np.shape(x)[1:]) * math.log(2.0))

    def active_units(self, x: Tensor, threshold: float = 0.01) -> list[int]:
        r"""Counts the latents of each group whose posterior means vary: $\mathrm{Var}_x\, \mathbb{E}_q[z] > t$.

        (Burda et al. 2016, "Importance weighted autoencoders".)

        Args:
            x: Data, shape `(batch, *data_shape)`.
            threshold: $t$.

        Returns:
            List of integers, the coarsest group first.
        """
        threshold = check_number(threshold, "threshold", least=0)
        rows = [self.encode(x[start : start + 256]).numpy() for start in range(0, max(1, len(x)), 256)]
        active = np.var(np.concatenate(rows).astype("float64"), 0) > threshold
        return [int(part.sum()) for part in np.split(active, np.cumsum(self.decoder.sizes)[:-1])]

    # The graphs behind them.

    def _features(self, x):
        return tf.nest.flatten(self.averaged("encoder")(x))

    def _down(self, x, chosen, rows):
        """The mean of the data on the way down, with features of `x` where there is one."""
        features = None if x is None else self._features(x)
        return self.likelihood.mean(self.averaged("decoder").descend(rows, chosen.choose, features))

    def _encode(self, x):
        means = Means(self, set(range(len(self.decoder.groups))), self.flows(averaged=True))
        self._down(x, means, tf.shape(x)[0])
        return self.decoder.join(means.latents)

    def _decode(self, latents):
        return self._down(None, Chosen(self.decoder.split(latents)), tf.shape(latents)[0])

    def _reconstruct(self, x):
        means = Means(self, set(range(len(self.decoder.groups))), self.flows(averaged=True))
        return self._down(x, means, tf.shape(x)[0])

    def _completed(self, x, temperature, seed, call, keep=()):
        rows = tf.shape(x)[0]
        noise = self.decoder.split(Draw.for_sampling(seed, call, rows, stream=3).normal((self.latent_size,)))
        return self._down(x, Means(self, set(keep), self.flows(averaged=True), noise, temperature), rows)

    def _from_noise(self, noise, temperature):
        return self._down(None, Means(self, (), (), self.decoder.split(noise), temperature), tf.shape(noise)[0])

    def _sample(self, num_samples, temperature, seed, call):
        noise = Draw.for_sampling(seed, call, num_samples).normal((self.latent_size,))
        return self._from_noise(noise, temperature)

    def _weigh_latents(self, x, condition, num_samples, seed, offset):
        rows, decoder = tf.shape(x)[0], self.averaged("decoder")
        features, flows = self._features(x), self.flows(averaged=True)

        def log_weights(index, count):
            noise = Draw.for_sampling(seed, index, rows, offset, stream=1).normal((_CHUNK, self.latent_size))
            noise = tf.reshape(tf.transpose(noise[:, :count], [1, 0, 2]), [count * rows, self.latent_size])
            repeated = [tf.repeat(feature[None], count, 0) for feature in features]
            repeated = [tf.reshape(feature, [-1, *feature.shape[2:]]) for feature in repeated]
            drawn = PosteriorDraws(self, decoder.split(noise), flows)
            parameters = decoder.descend(count * rows, drawn.choose, repeated)
            parameters = tf.reshape(parameters, tf.concat([[count, rows], tf.shape(parameters)[1:]], 0))
            parameters.set_shape([None, None, *decoder.head.output_shape[1:]])
            fit = self.likelihood(parameters, event_rank=parameters.shape.rank - 2).log_prob(x)
            return fit + tf.reshape(tf.add_n(drawn.log_ratios), [count, rows])

        return weigh(log_weights, num_samples, rows, _CHUNK)

    def _inputs(self, x, condition=None):
        """A checked tensor of data."""
        hierarchical_checks.check_no_condition(condition)
        if not shapes.is_symbolic(x):
            x = shapes.as_rows(x, shapes.input_shape(self.encoder, "x"))
            self.check_data(x)
        return tf.cast(x, tf.float32)
