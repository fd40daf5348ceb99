"""The density of a diffusion model, by its probability-flow equation."""

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from keras_dl.checks import check_count, check_number, check_seed, refusal
from keras_dl.likelihoods.log_density import LogDensity
from keras_dl.models import diffusion_checks, shapes
from keras_dl.models.anomaly_scores import AnomalyScores
from keras_dl.types import Tensor

_EXACT = 8  # values per sample up to which the divergence is exact by default


class Density(AnomalyScores):
    """The part of a `Diffusion` that says how probable data are."""

    # Of the model.
    data_shape: tuple[int, ...]
    process: Any
    value_range: tuple[float, float] | None
    seed: Any
    as_graph: Callable
    checked_condition: Callable
    _log_prob: Callable

    @property
    def log_prob_kind(self) -> str:  # type: ignore[override]
        """Whether `log_prob` is exact, up to the solver's tolerance, or an estimate; see `log_density`."""
        return "exact" if math.prod(self.data_shape) <= _EXACT else "estimate"

    def log_prob(
        self,
        x: Tensor,
        condition: Tensor | None = None,
        num_samples: int | None = None,
        seed: int | None = None,
        tolerance: float = 1e-5,
    ) -> Tensor:
        r"""Returns the values of `log_density`, $\log p(x)$ in nats: shape `(rows,)`."""
        return self.log_density(x, condition, num_samples, seed, tolerance).values

    def log_density(  # type: ignore[override]
        self,
        x: Tensor,
        condition: Tensor | None = None,
        num_samples: int | None = None,
        seed: int | None = None,
        tolerance: float = 1e-5,
    ) -> LogDensity:
        r"""Returns $\log p(x)$ by the probability-flow equation (Chen et al. 2018; Song et al. 2021, section 4.3).

        Args:
            x: Data, shape `(rows, *data_shape)`.
            condition: Their conditions, where the network is conditional.
            num_samples: Random directions along which the divergence is estimated, without bias; `None` means the exact
                divergence for up to 8 values per sample, else one direction.
            seed: Integer that fixes the directions; `None` means the model's seed: the same at every call.
            tolerance: Tolerance of the solver.

        Returns:
            A `keras_dl.likelihoods.LogDensity`: values and standard errors in nats, shape `(rows,)`, and their kind.
        """
        exact = num_samples is None and self.log_prob_kind == "exact"
        count = 0 if exact else check_count(1 if num_samples is None else num_samples, "num_samples")
        seed = tf.constant(self.seed if seed is None else check_seed(seed), tf.int64)
        x, condition = self._inputs(x, condition)
        tolerance = check_number(tolerance, "tolerance", above=0)

        def of_rows(x, condition):
            values = self.as_graph(self._log_prob)(x, condition, seed, num_samples=count, tolerance=tolerance)
            return tf.transpose(values)

        with diffusion_checks.solvable(tolerance):
            values = shapes.by_rows(of_rows, x, condition)
        if exact:
            return LogDensity.exact(values[:, 0])
        mean, variance = tf.nn.moments(values, 1)
        return LogDensity(mean, tf.sqrt(variance / (count - 1.0)), "estimate")  # of one draw: 0 / 0, which is NaN

    def _inputs(self, x, condition):
        """Checked tensors of data and condition."""
        x = shapes.as_rows(x, self.data_shape)
        self._check_scale(x.numpy())
        return x, self.checked_condition(condition, len(x))

    def _check_scale(self, x):
        x = np.asarray(x)
        if not x.size:
            return
        low, high = float(x.min()), float(x.max())
        if self.value_range is None:
            if x.std() > 10 * (self.process.sigma_data or 1.0):
                text = "x should have about the variance that the process expects; divide it by its standard deviation"
                warnings.warn(f"{text}. Received: standard deviation {x.std():.4g}", stacklevel=3)
        elif low < self.value_range[0] or high > self.value_range[1]:
            expected = f"x should lie in [{self.value_range[0]:g}, {self.value_range[1]:g}], the model's `value_range`"
            raise refusal(expected, f"values from {low:g} to {high:g}")
