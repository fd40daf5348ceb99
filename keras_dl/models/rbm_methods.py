"""What users call of restricted Boltzmann machines: energies, hidden units, samples, and normalisers."""

import math
from collections.abc import Callable

import tensorflow as tf

from keras_dl import samplers
from keras_dl.checks import check_count, refusal
from keras_dl.likelihoods import LogDensity
from keras_dl.models import energy_checks, rbm_layer, shapes
from keras_dl.models.anomaly_scores import check_score, squared_error
from keras_dl.models.base import Draw
from keras_dl.models.energy_parts import LogNormalizer
from keras_dl.types import Tensor

EXACT = 16  # units up to which the normaliser is a sum over all states
METHODS = ("auto", "exact", "ais", "reverse")


class RBMMethods:
    """The part of an `RBM` that computes with its layer, in graphs that take any number of rows."""

    # Of the model.
    shape: tuple[int, ...]
    log_prob_kind: str
    averaged: Callable
    as_graph: Callable
    sampling_seed: Callable

    @property
    def data_range(self) -> tuple[float, float] | None:
        return (0.0, 1.0)

    def energy(self, x: Tensor) -> Tensor:
        """Returns the free energy $F(v)$, shape `(batch,)`."""
        return self.as_graph(self._energy)(self._rows(x))

    #: What `anomaly_score` knows.
    anomaly_scores = ("energy", "reconstruction")

    def anomaly_score(self, x: Tensor, score: str = "energy") -> Tensor:
        r"""Returns how unlike the training data each sample is: higher for anomalies; see `keras_dl.metrics.roc_auc`.

        Args:
            x: Data, shape `(batch, *shape)`.
            score: `"energy"`, the free energy $F(v)$; or `"reconstruction"`, $|v - \hat v|^2$, the squared error of
                `reconstruct`.

        Returns:
            Tensor of shape `(batch,)`.

        Raises:
            ValueError: If there is no such score.
        """
        check_score(self, score)
        return self.energy(x) if score == "energy" else squared_error(x, self.reconstruct(x))

    def encode(self, x: Tensor) -> Tensor:
        """Returns the probabilities of the hidden units, shape `(batch, num_hidden)`."""
        return self.as_graph(self._encode)(self._rows(x))

    def reconstruct(self, x: Tensor) -> Tensor:
        """Returns the rates of visible units given the hidden units' probabilities, of the shape of `x`."""
        return self.as_graph(self._reconstruct)(self._rows(x))

    def sample(
        self, num_samples: int, condition: Tensor | None = None, seed: int | None = None, steps: int = 1000
    ) -> Tensor:
        """Draws samples: rates of the visible units after `steps` steps of block Gibbs sampling from the data's rates.

        Args:
            num_samples: How many.
            condition: Must be `None`.
            seed: Integer that fixes the draw; `None` gives others at every call.
            steps: Number of steps.
        """
        if condition is not None:
            raise refusal("condition should be None: the model takes none", condition=condition)
        counts = check_count(num_samples, "num_samples"), check_count(steps, "steps")
        return self.as_graph(self._sample)(*map(tf.constant, counts), *self.sampling_seed(seed))

    def log_normalizer(
        self, method: str = "auto", num_chains: int = 512, steps: int = 1000, seed: int = 0, x: Tensor | None = None
    ) -> LogNormalizer:
        r"""Returns $\log Z$ in nats, a `LogNormalizer`.

        Args:
            method: `"exact"`, a sum over the states of at most 16 units; `"ais"`, annealed importance sampling from the
                data's rates (Salakhutdinov & Murray 2008), which errs downwards; `"reverse"`, the same backwards from
                chains that begin at `x`, which errs upwards; `"auto"`: the sum where there is one, else `"ais"`.
            num_chains: Number of chains.
            steps: Steps of annealing.
            seed: Integer that fixes the draws.
            x: Data, from which `"reverse"` begins.
        """
        if method not in METHODS:
            raise refusal(f"`method` should be one of {METHODS}", method=method)
        num_chains, steps, seed = energy_checks.check_annealing(num_chains, steps, seed)
        exact = self.log_prob_kind == "exact"
        method = ("exact" if exact else "ais") if method == "auto" else method
        if method == "exact":
            if not exact:
                raise refusal(f"`method` should be 'exact' of at most {EXACT} units alone", method=method)
            return LogNormalizer(self.as_graph(self._exact)(), tf.constant(0.0), method)
        ends = None
        if method == "reverse":
            energy_checks.check_starts(x)
            ends = tf.gather(self._rows(x), tf.range(num_chains) % len(x))
        arguments = tf.constant(num_chains), ends, tf.constant(seed, tf.int64), tf.constant(steps)
        value, error = self.as_graph(self._anneal)(*arguments)
        return LogNormalizer(value, error, method)

    def log_prob(self, x: Tensor, log_normalizer: LogNormalizer | None = None) -> Tensor:
        r"""Returns $\log p(v) = -F(v) - \log Z$, shape `(batch,)`; see `log_density`."""
        return self.log_density(x, log_normalizer=log_normalizer).values

    def log_density(
        self,
        x: Tensor,
        condition: Tensor | None = None,
        num_samples: int = 512,
        seed: int = 0,
        log_normalizer: LogNormalizer | None = None,
    ) -> LogDensity:
        r"""Returns $\log p(v)$ and what it is, a `keras_dl.likelihoods.LogDensity`; see `EnergyModel.log_density`."""
        energy_checks.check_density(log_normalizer, condition)
        z = self.log_normalizer(num_chains=num_samples, seed=seed) if log_normalizer is None else log_normalizer
        values = -self.energy(x) - z.value
        kind = "exact" if z.method == "exact" else "estimate"
        return LogDensity(values, tf.fill(tf.shape(values), z.standard_error), kind)

    # The graphs behind them.

    def _flat(self, x):
        return tf.reshape(x, [-1, math.prod(self.shape)])

    def _rows(self, x):
        energy_checks.check_rates(x)
        return shapes.as_rows(x, self.shape)

    def _energy(self, x):
        return self.averaged("layer").free_energy(self._flat(x))

    def _encode(self, x):
        return tf.sigmoid(self.averaged("layer").hidden_logits(self._flat(x)))

    def _reconstruct(self, x):
        rates = tf.sigmoid(self.averaged("layer").visible_logits(self._encode(x)))
        return tf.reshape(rates, [-1, *self.shape])

    def _from_rates(self, seed, call, rows, stream):
        layer, draw = self.averaged("layer"), Draw.for_sampling(seed, call, rows, stream=stream)
        return tf.cast(draw.uniform((layer.num_visible,)) < tf.sigmoid(layer.rates), tf.float32)

    def _sample(self, num_samples, steps, seed, call):
        v, stream = self._from_rates(seed, call, num_samples, 0), Draw.for_sampling(seed, call, 1, stream=1).stream
        rates = self.averaged("layer").gibbs(v, steps, seed, call, stream, num_samples)[1]
        return tf.reshape(rates, [-1, *self.shape])

    def _exact(self):
        return self.averaged("layer").log_z()

    def _anneal(self, num_chains, ends, seed, steps):
        layer, call = self.averaged("layer"), tf.constant(0, tf.int64)
        streams = [Draw.for_sampling(seed, call, 1, stream=number).stream for number in (3, 4)]
        base = layer.log_z_of_rates()
        if ends is None:
            v = self._from_rates(seed, call, num_chains, 2)
            ratio = samplers.log_mean_weight(rbm_layer.anneal(layer, v, seed, call, streams[0], steps))
            return base + ratio.value, ratio.standard_error
        v = layer.gibbs(self._flat(ends), 500, seed, call, streams[1], num_chains)[0]
        ratio = samplers.log_mean_weight(-rbm_layer.anneal(layer, v, seed, call, streams[0], steps, backwards=True))
        return base - ratio.value, ratio.standard_error
