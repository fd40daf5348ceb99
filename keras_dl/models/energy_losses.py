"""What an energy model minimises: data against the ends of chains, and what these leave behind."""

import math
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from keras_dl import samplers
from keras_dl.models.base import Draw, Rows, mean_and_variance
from keras_dl.models.base.noise import INITIALIZE, stream_id
from keras_dl.models.energy_parts import noise_of
from keras_dl.types import Nest, Tensor

_CHAINS = 8  # a stream of draws, beside the loss's own
_OTHERS = 16


class EnergyLosses:
    """The part of an `EnergyModel` that computes its loss."""

    # Of the model.
    data_shape: tuple[int, ...]
    value_range: tuple[float, float] | None
    network: Any
    objective: Any
    penalty: Any
    sampler: Any
    reference: Any
    normalizer: Any
    carried: dict
    energy_limit: float
    energy_of: Callable

    def losses(self, batch: Nest, draw: Draw) -> Nest:
        """The objective's loss of every sample of a batch; see `Update.loss`."""
        (x,) = batch if isinstance(batch, (tuple, list)) else (batch,)
        return self.contrast(tf.cast(x, tf.float32), draw, self.energy_of(self.network, draw.training))

    def contrast(self, x: Tensor, draw: Draw, energy: Callable) -> Nest:
        """Loss, terms and what is handed back, for an energy of samples."""
        ends, slots, terms, handed_back = None, None, {}, {}
        if self.objective.chains:
            ends, slots, terms, handed_back = self._chains(x, draw)
        negatives = None if ends is None else tf.stop_gradient(ends)
        log_z = tf.convert_to_tensor(self.normalizer.log_z) if self.objective.normalizes else None
        values, energies = self.objective(energy, x, draw, negatives, self.reference, log_z)
        if self.objective.last_steps:
            charge, more = self.objective.of_chains(energy, ends, *self._others(draw, slots))
            values, terms = values + charge, {**terms, **more}
        if self.penalty is not None:
            terms["penalty"] = self.penalty(energy, x, negatives, draw)
            values += terms["penalty"]
        # An energy beyond the limit becomes an infinity, which the base notices before weights are NaN.
        inside = {
            name: tf.where(tf.abs(value) < self.energy_limit, value, math.inf) for name, value in energies.items()
        }
        return values, {**inside, **terms}, handed_back

    def _chains(self, x, draw):
        """The ends of chains, the slots that they came from, terms, and what the model remembers of them."""
        slots, start = None, x
        if self.objective.chains == "buffer":
            slots = draw.slots(self.objective.capacity)
            anew = samplers.chains.per_row(draw.uniform() < self.objective.restart, x)
            start = tf.where(anew, self.reference.sample(draw), self.carried["buffer"].read(slots))
        start = tf.ensure_shape(start, [None, *self.data_shape])
        noise = noise_of(draw.seed, draw.step, draw.stream + _CHAINS, draw.rows, draw.offset)
        ends, terms, handed_back = self._run_chains(start, noise)
        if slots is not None:
            handed_back["buffer"] = Rows(slots, tf.stop_gradient(ends))
        return ends, slots, terms, handed_back

    def _run_chains(self, start, noise):
        energy, options = self.energy_of(self.network), {"value_range": self.value_range}
        if self.objective.last_steps:
            return self.sampler.differentiable(energy, start, noise, self.objective.last_steps, **options), {}, {}
        size = self.carried["step_size"].value if "step_size" in self.carried else None
        ends = self.sampler(energy, start, noise, step_size=size, **options)
        if not self.sampler.adjusted:
            return ends.x, {}, {}
        terms = {"acceptance": tf.stop_gradient(ends.acceptance)}
        return ends.x, terms, {"step_size": tf.stop_gradient(ends.step_size)}

    def _others(self, draw, slots):
        """Samples of the buffer, the same for all rows and replicas, and which of them a row's chain began at."""
        whole = Draw(draw.seed, draw.step, draw.stream + _OTHERS, tf.constant(self.objective.neighbours))
        others = whole.slots(self.objective.capacity)
        return self.carried["buffer"].read(others), slots[:, None] == others

    def initialize(self, batch: Nest, draw: Draw) -> None:
        """Takes the moments of the first batch, and fills the buffer from the reference."""
        x = tf.cast(tf.nest.flatten(batch)[0], tf.float32)
        self.reference.fit(*mean_and_variance(x))
        if self.objective.chains == "buffer":
            zero = tf.constant(0, tf.int64)
            rows = tf.constant(self.objective.capacity)
            every = Draw(draw.seed, zero, stream_id(INITIALIZE, 1), rows)  # the same samples on all replicas
            self.carried["buffer"].samples.assign(self.reference.sample(every))
