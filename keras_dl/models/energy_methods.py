"""What users call of energy models: energies, scores, samples, and normalisers."""

import math
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from keras_dl import samplers
from keras_dl.checks import check_count, refusal
from keras_dl.likelihoods import LogDensity
from keras_dl.models import energy_checks, shapes
from keras_dl.models.base import Draw
from keras_dl.models.energy_parts import LogNormalizer, noise_of
from keras_dl.objectives import quadrature
from keras_dl.types import Tensor

METHODS = ("auto", "grid", "ais", "reverse", "learned")
_GRID_EDGE = 5.0  # deviations of the reference at which a grid ends


class EnergyMethods:
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
    def data_range(self):
        return self.value_range

    @property
    def log_prob_kind(self):
        """Whether `log_prob` is exact, by quadrature, or an estimate; see `log_density`."""
        return "exact" if math.prod(self.data_shape) <= 2 else "estimate"

    def energy(self, x: Tensor) -> Tensor:
        """Returns $E(x)$, shape `(batch,)`: minus the log-density, up to a constant."""
        return shapes.by_rows(self._graph(self._energy), shapes.as_rows(x, self.data_shape))

    def score(self, x: Tensor) -> Tensor:
        r"""Returns $\nabla \log p(x) = -\nabla E(x)$, of the shape of `x`."""
        return shapes.by_rows(self._graph(self._score), shapes.as_rows(x, self.data_shape))

    def anomaly_score(self, x: Tensor, kind: str = "energy") -> Tensor:
        r"""Returns a score of each sample, higher for anomalies; see `keras_dl.metrics.roc_auc`.

        Args:
            x: Data, shape `(batch, *data_shape)`.
            kind: `"energy"`, or `"gradient"` for $|\nabla E(x)|$ (Grathwohl et al. 2020, section 5.3).
        """
        if kind not in ("energy", "gradient"):
            raise refusal("`kind` should be 'energy' or 'gradient'", kind=kind)
        return self.energy(x) if kind == "energy" else tf.sqrt(samplers.chains.sum_per_row(tf.square(self.score(x))))

    def sample(
        self, num_samples: int, condition: Tensor | None = None, seed: int | None = None, steps: int | None = None,
        sampler: Any = None,
    ):  # fmt: skip
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
    ):  # fmt: skip
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
        refined = self.as_graph(self._refine)(shapes.as_rows(x, self.data_shape), steps, seed, call, sampler=sampler)
        return refined[0]

    def log_normalizer(self, method="auto", num_chains=256, steps=500, seed=0, points=512, bounds=None, x=None):
        r"""Returns $\log Z = \log \int e^{-E(x)} dx$ in nats, with its standard error.

        Args:
            method: `"grid"`, the midpoint rule in one or two dimensions; `"ais"`, annealed importance sampling from the
                reference (Neal 2001), which errs downwards; `"reverse"`, the same backwards from chains that begin at
                `x`, which errs upwards, so that both bracket the truth; `"learned"`, of noise contrast; or `"auto"`:
                the grid where there is one, else `"ais"`.
            num_chains: Number of chains.
            steps: Steps of annealing.
            seed: Integer that fixes the draws.
            points: Cells of the grid per axis.
            bounds: `(low, high)` of the grid's axes; `None` for the data's range, or 5 deviations of the reference.
            x: Data, from which `"reverse"` begins.

        Returns:
            A `LogNormalizer`: `value`, `standard_error`, `method`.
        """
        if method not in METHODS:
            raise refusal(f"`method` should be one of {METHODS}", method=method)
        if method == "auto":
            method = "grid" if math.prod(self.data_shape) <= 2 else "ais"
        if method == "learned":
            if not self.objective.normalizes:
                raise refusal("`method` should be 'learned' of noise contrast alone", objective=self.objective)
            return LogNormalizer(tf.convert_to_tensor(self.averaged("normalizer").log_z), tf.constant(math.nan), method)
        if method == "grid":
            bounds = tuple(map(float, self._box() if bounds is None else bounds))
            value = self.as_graph(self._on_grid)(bounds=bounds, points=check_count(points, "points"))
            return LogNormalizer(value, tf.constant(0.0), method)
        ends = None
        if method == "reverse":
            if x is None:
                raise refusal("`x` should be data, from which chains lead to the model's density", x=x)
            rows = tf.gather(shapes.as_rows(x, self.data_shape), tf.range(num_chains) % len(x))
            ends = self.refine(rows, seed, 100, samplers.HMC(100, self.sampler.step_size, 5))
        arguments = tf.constant(check_count(num_chains, "num_chains")), ends, tf.constant(seed, tf.int64)
        value, error = self.as_graph(self._anneal)(*arguments, steps=check_count(steps, "steps"))
        return LogNormalizer(value, error, method)

    def log_prob(self, x: Tensor, log_normalizer: Tensor | None = None) -> Tensor:
        r"""Returns $\log p(x) = -E(x) - \log Z$, shape `(batch,)`; see `log_density`."""
        return self.log_density(x, log_normalizer=log_normalizer).values

    def log_density(  # type: ignore[override]
        self, x: Tensor, condition: Tensor | None = None, num_samples: int = 256, seed: int = 0,
        log_normalizer: Tensor | None = None,
    ):  # fmt: skip
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
        energy_checks.check_parts(self.objective, sampler, self.data_shape)
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

    def _box(self):
        """The ends of a grid: the data's range, the objective's bounds, or far out in the reference."""
        bounds = self.value_range or getattr(self.objective, "bounds", None)
        if bounds is not None:
            return bounds
        loc, edge = self.reference.loc.numpy(), _GRID_EDGE * self.reference.scale.numpy()
        return (loc - edge).min(), (loc + edge).max()

    def _on_grid(self, bounds, points):
        def energy(flat):
            return self._energy(tf.reshape(flat, [-1, *self.data_shape]))

        return quadrature.log_integral(energy, bounds, points, math.prod(self.data_shape))

    def _anneal(self, num_chains, ends, seed, steps):
        call = tf.constant(0, tf.int64)
        start = self.reference.sample(Draw.for_sampling(seed, call, num_chains, stream=2))
        start = tf.ensure_shape(start, [None, *self.data_shape])
        noises = [noise_of(seed, call, Draw.for_sampling(seed, call, 1, stream=s).stream, num_chains) for s in (3, 4)]
        return tuple(
            samplers.annealed_importance(
                lambda x: -self.reference.log_prob(x),
                self.energy_of(self.averaged("network")),
                start,
                noises,
                steps,
                value_range=self.value_range,
                ends=ends,
            )
        )
