"""What users call of energy models: energies, scores, samples, and normalisers."""

import math
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from keras_dl import samplers
from keras_dl.checks import check_count, refusal
from keras_dl.likelihoods import LogDensity
from keras_dl.models import energy_checks, shapes
from keras_dl.models.anomaly_scores import check_score
from keras_dl.models.base import Draw
from keras_dl.models.energy_normalizers import Normalizers
from keras_dl.models.energy_parts import noise_of
from keras_dl.samplers import Chains
from keras_dl.types import Tensor


class EnergyMethods(Normalizers):
    """The part of an `EnergyModel` that computes with its network, in graphs that take any number of rows."""

    # Of the model.
    data_shape: tuple[int, ...]
    value_range: tuple[float, float] | None
    objective: Any
    sampler: Any
    sample_steps: int | None
    reference: Any
    normalizer: Any
    seed: int
    averaged: Callable
    energy_of: Callable
    as_graph: Callable
    sampling_seed: Callable

    @property
    def data_range(self) -> tuple[float, float] | None:
        return self.value_range

    @property
    def log_prob_kind(self) -> str:
        """Whether `log_prob` is exact, by quadrature, or an estimate; see `log_density`."""
        return "exact" if math.prod(self.data_shape) <= 2 else "estimate"

    def energy(self, x: Tensor) -> Tensor:
        """Returns $E(x)$, shape `(batch,)`: minus the log-density, up to a constant."""
        return shapes.by_rows(self._graph(self._energy), shapes.as_rows(x, self.data_shape))

    def score(self, x: Tensor) -> Tensor:
        r"""Returns $\nabla \log p(x) = -\nabla E(x)$, of the shape of `x`."""
        return shapes.by_rows(self._graph(self._score), shapes.as_rows(x, self.data_shape))

    #: What `anomaly_score` knows.
    anomaly_scores = ("energy", "gradient")

    def anomaly_score(self, x: Tensor, score: str = "energy") -> Tensor:
        r"""Returns how unlike the training data each sample is: higher for anomalies; see `keras_dl.metrics.roc_auc`.

        Args:
            x: Data, shape `(batch, *data_shape)`.
            score: `"energy"`, or `"gradient"` for $|\nabla E(x)|$ (Grathwohl et al. 2020, section 5.3).

        Returns:
            Tensor of shape `(batch,)`.

        Raises:
            ValueError: If there is no such score.
        """
        check_score(self, score)
        return self.energy(x) if score == "energy" else tf.sqrt(samplers.chains.sum_per_row(tf.square(self.score(x))))

    def sample(
        self, num_samples: int, condition: Tensor | None = None, seed: int | None = None, steps: int | None = None,
        sampler: Any = None,
    ) -> Tensor:  # fmt: skip
        """Draws samples: chains that begin at the reference.

        Args:
            num_samples: How many.
            condition: Must be `None`.
            seed: Integer that fixes the draw; `None` gives others at every call.
            steps: Number of steps; `None` for the model's `sample_steps`, or of another sampler its own.
            sampler: A `keras_dl.samplers.MarkovChain`; `None` for the model's.

        Returns:
            Tensor of shape `(num_samples, *data_shape)`.
        """
        return self.chains(num_samples, condition, seed, steps, sampler).x

    def chains(
        self, num_samples: int, condition: Tensor | None = None, seed: int | None = None, steps: int | None = None,
        sampler: Any = None,
    ) -> Chains:  # fmt: skip
        """Returns samples with acceptance and step sizes, a `keras_dl.samplers.Chains`; arguments are `sample`'s."""
        if condition is not None:
            raise refusal("condition should be None: the model takes none", condition=condition)
        num_samples = check_count(num_samples, "num_samples")
        steps, sampler = self._sampling(steps, sampler)
        return samplers.Chains(
            *self.as_graph(self._sample)(tf.constant(num_samples), steps, *self.sampling_seed(seed), sampler=sampler)
        )

    def refine(self, x: Tensor, seed: int | None = None, steps: int | None = None, sampler: Any = None) -> Tensor:
        """Returns the ends of chains that begin at `x`: data with noise become more likely.

        Args:
            x: Samples within the model's `value_range`, shape `(batch, *data_shape)`.
            seed: As for `sample`.
            steps: As for `sample`.
            sampler: As for `sample`; with `temperature=0` Langevin's steps go straight downhill.
        """
        energy_checks.check_values(x, self.value_range)
        steps, sampler = self._sampling(steps, sampler)
        seed, call = self.sampling_seed(seed)

        def refined(x, _):
            return self.as_graph(self._refine)(x, steps, seed, call, sampler=sampler)[0]

        return shapes.by_rows(refined, shapes.as_rows(x, self.data_shape))

    def log_prob(self, x: Tensor, log_normalizer: Tensor | None = None) -> Tensor:
        r"""Returns $\log p(x) = -E(x) - \log Z$, shape `(batch,)`; see `log_density`."""
        return self.log_density(x, log_normalizer=log_normalizer).values

    def log_density(  # type: ignore[override]
        self, x: Tensor, condition: Tensor | None = None, num_samples: int = 256, seed: int = 0,
        log_normalizer: Tensor | None = None,
    ) -> LogDensity:  # fmt: skip
        r"""Returns $\log p(x) = -E(x) - \log Z$ and what it is.

        In one and two dimensions $Z$ is a sum over a grid, and the values are exact. Elsewhere it is estimated by
        annealed importance sampling, with one error that all rows share.

        Args:
            x: Data, shape `(batch, *data_shape)`.
            condition: Must be `None`.
            num_samples: Number of chains of the estimate.
            seed: Integer that fixes it.
            log_normalizer: What `log_normalizer` returned, to use it again; `None` computes it.

        Returns:
            A `keras_dl.likelihoods.LogDensity`.
        """
        energy_checks.check_density(log_normalizer, condition)
        if log_normalizer is None:
            log_normalizer = self.log_normalizer(num_chains=num_samples, seed=seed)
        values = -self.energy(x) - log_normalizer.value
        if self.value_range is not None:
            low, high = self.value_range
            x = shapes.as_rows(x, self.data_shape)
            inside = tf.reduce_all((x >= low) & (x <= high), list(range(1, x.shape.rank)))
            values = tf.where(inside, values, -math.inf)
        kind = "exact" if log_normalizer.method == "grid" else "estimate"
        return LogDensity(values, tf.fill(tf.shape(values), log_normalizer.standard_error), kind)

    # The graphs behind them.

    def _graph(self, method):
        return lambda x, _: self.as_graph(method)(x)

    def _energy(self, x):
        return self.energy_of(self.averaged("network"))(x)

    def _score(self, x):
        return -samplers.energies_and_slopes(self.energy_of(self.averaged("network")), x)[1]

    def _sampling(self, steps, sampler):
        if sampler is None:
            sampler, steps = self.sampler, self.sample_steps if steps is None else steps
        energy_checks.check_sampler(sampler)
        return tf.constant(check_count(sampler.steps if steps is None else steps, "steps")), sampler

    def _sample(self, num_samples, steps, seed, call, sampler):
        start = self.reference.sample(Draw.for_sampling(seed, call, num_samples))
        return self._refine(start, steps, seed, call, sampler)

    def _refine(self, x, steps, seed, call, sampler):
        return self._run(self.energy_of(self.averaged("network")), x, steps, seed, call, sampler)

    def _run(self, energy, x, steps, seed, call, sampler):
        x = tf.ensure_shape(x, [None, *self.data_shape])
        noise = noise_of(seed, call, Draw.for_sampling(seed, call, 1, stream=1).stream, tf.shape(x)[0])
        return tuple(sampler(energy, x, noise, steps, value_range=self.value_range))
