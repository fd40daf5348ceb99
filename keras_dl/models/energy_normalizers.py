"""Normalisers of energy models: sums over a grid, annealed importance sampling, and learned ones."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from keras_dl import samplers
from keras_dl.checks import check_count, refusal
from keras_dl.models import energy_checks, shapes
from keras_dl.models.base import Draw
from keras_dl.models.energy_parts import LogNormalizer, noise_of
from keras_dl.objectives import quadrature
from keras_dl.types import Tensor

METHODS = ("auto", "grid", "ais", "reverse", "learned")
GRID_EDGE = 5.0  # deviations of the reference at which a grid ends


class Normalizers:
    """The part of an `EnergyModel` that computes its normaliser."""

    # Of the model.
    data_shape: tuple[int, ...]
    value_range: tuple[float, float] | None
    objective: Any
    sampler: Any
    reference: Any
    averaged: Callable
    energy_of: Callable
    as_graph: Callable
    refine: Callable
    _energy: Callable

    def log_normalizer(
        self,
        method: str = "auto",
        num_chains: int = 256,
        steps: int = 500,
        seed: int = 0,
        points: int = 512,
        bounds: Sequence | None = None,
        x: Tensor | None = None,
    ) -> LogNormalizer:
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
        num_chains, steps, seed = energy_checks.check_annealing(num_chains, steps, seed)
        points = check_count(points, "points")
        if method == "auto":
            method = "grid" if math.prod(self.data_shape) <= 2 else "ais"
        if method == "learned":
            if not self.objective.normalizes:
                raise refusal("`method` should be 'learned' of noise contrast alone", objective=self.objective)
            return LogNormalizer(tf.convert_to_tensor(self.averaged("normalizer").log_z), tf.constant(math.nan), method)
        if method == "grid":
            bounds = tuple(map(float, self._box())) if bounds is None else energy_checks.check_bounds(bounds)
            value = self.as_graph(self._on_grid)(bounds=bounds, points=points)
            return LogNormalizer(value, tf.constant(0.0), method)
        ends = None
        if method == "reverse":
            energy_checks.check_starts(x)
            rows = tf.gather(shapes.as_rows(x, self.data_shape), tf.range(num_chains) % len(x))
            ends = self.refine(rows, seed, 100, samplers.HMC(100, self.sampler.step_size, 5))
        arguments = tf.constant(num_chains), ends, tf.constant(seed, tf.int64), tf.constant(steps)
        value, error = self.as_graph(self._anneal)(*arguments)
        return LogNormalizer(value, error, method)

    # The graphs behind it.

    def _box(self):
        """The ends of a grid: the data's range, the objective's bounds, or far out in the reference."""
        bounds = self.value_range or getattr(self.objective, "bounds", None)
        if bounds is not None:
            return bounds
        loc, edge = self.reference.loc.numpy(), GRID_EDGE * self.reference.scale.numpy()
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
