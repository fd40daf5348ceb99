"""Restricted Boltzmann machines."""

import math
from collections.abc import Sequence
from typing import Any, Self

import keras
import tensorflow as tf

from keras_dl.checks import check_count, check_shape, refusal
from keras_dl.models import energy_checks, energy_signatures, rbm_layer, rbm_methods, shapes
from keras_dl.models.base import (
    Draw,
    ObjectiveModel,
    Rows,
    SampleBuffer,
    Signature,
    Update,
    mean_and_variance,
)
from keras_dl.models.base.averages import HalfLife
from keras_dl.objectives import ContrastiveDivergence, PersistentContrastiveDivergence
from keras_dl.types import Nest, Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class RBM(rbm_methods.RBMMethods, ObjectiveModel):  # type: ignore[misc, override]
    r"""Restricted Boltzmann machine of binary units (Smolensky 1986; Hinton 2002).

    $$p(v, h) = \frac1Z e^{b^T v + c^T h + v^T W h}, \qquad p(v) = \frac{e^{-F(v)}}{Z}$$

    trained by contrastive divergence with `steps` steps of block Gibbs sampling (CD-k), from the data or, with a
    `PersistentContrastiveDivergence`, from chains that go on. Data are zeros and ones; numbers between are taken as
    rates in training. With at most 16 visible or hidden units $Z$ is an exact sum.

    Args:
        shape: Shape of a sample.
        num_hidden: Number of hidden units.
        objective: `keras_dl.objectives.ContrastiveDivergence`, or a `PersistentContrastiveDivergence`; `None` for the
            first.
        steps: $k$, steps of block Gibbs sampling per training step.
        seed: Integer that decides noise and data order; `None` draws one.
        ema_momentum: Momentum of averaged weights, used by everything but training; `None` for none.
        name: Name of the model.

    Raises:
        TypeError: If the objective has no chains.
        ValueError: If an argument is out of range.

    Example:

    >>> x = (np.random.default_rng(0).random((64, 2, 2, 1)) < 0.5).astype("float32")
    >>> model = keras_dl.models.RBM((2, 2, 1), num_hidden=3)
    >>> model.compile(keras.optimizers.SGD(0.1))
    >>> history = model.fit(x, batch_size=16, epochs=1, verbose=0)
    >>> model.sample(5, steps=10).shape, model.log_normalizer().method
    (TensorShape([5, 2, 2, 1]), 'exact')
    """

    averaged_networks = ("layer",)

    def __init__(
        self,
        shape: Sequence[int],
        num_hidden: int,
        objective: Any = None,
        steps: int = 1,
        seed: int | None = None,
        ema_momentum: float | HalfLife | dict | None = None,
        name: str | None = None,
        **kwargs,
    ):
        shape = check_shape(shape, "shape")
        num_hidden = check_count(num_hidden, "num_hidden")
        objective = ContrastiveDivergence() if objective is None else objective
        if not isinstance(objective, ContrastiveDivergence) or objective.last_steps:
            expected = "`objective` should be a ContrastiveDivergence or a PersistentContrastiveDivergence"
            raise refusal(expected, objective=objective, error=TypeError)
        layer = rbm_layer.RestrictedBoltzmann(math.prod(shape), num_hidden)
        super().__init__({"layer": layer}, seed=seed, ema_momentum=ema_momentum, name=name, **kwargs)
        self.shape, self.num_hidden = shape, num_hidden
        self.objective, self.steps = objective, check_count(steps, "steps")
        self.persistent = isinstance(objective, PersistentContrastiveDivergence)
        self.log_prob_kind = "exact" if min(math.prod(shape), num_hidden) <= rbm_methods.EXACT else "estimate"
        if self.persistent:
            self.carry("buffer", SampleBuffer(self.objective.capacity, (math.prod(shape),), value_range=(0, 1)))

    def make_updates(self, optimizer: keras.optimizers.Optimizer) -> tuple[Update, ...]:
        terms = ("energy", "sample_energy", "reconstruction_error")
        return (Update("rbm", self.losses, (self.layer,), optimizer, terms, hands_back=tuple(self.carried)),)

    def losses(self, batch: Nest, draw: Draw) -> Nest:
        """The difference of free energies of every sample of a batch; see `Update.loss`."""
        (x,) = batch if isinstance(batch, (tuple, list)) else (batch,)
        v = self._flat(tf.cast(x, tf.float32))
        start, slots = v, None
        if self.persistent:
            slots = draw.slots(self.objective.capacity)
            anew = (draw.uniform() < self.objective.restart)[:, None]
            fresh = tf.cast(draw.uniform((v.shape[1],)) < tf.sigmoid(self.layer.rates), tf.float32)
            start = tf.where(anew, fresh, self.carried["buffer"].read(slots))
        place = draw.seed, draw.step, draw.stream + 8, draw.rows, draw.offset
        ends = tf.stop_gradient(self.layer.gibbs(start, self.steps, *place)[0])
        values, terms = self.objective(self.layer.free_energy, v, draw, ends)
        rates = tf.sigmoid(self.layer.visible_logits(tf.sigmoid(self.layer.hidden_logits(v))))
        terms["reconstruction_error"] = tf.reduce_mean(tf.square(v - rates), -1)
        return values, terms, {} if slots is None else {"buffer": Rows(slots, ends)}

    def initialize(self, batch: Nest, draw: Draw) -> None:
        """Takes the rates of the first batch."""
        x = self._flat(tf.cast(tf.nest.flatten(batch)[0], tf.float32))
        self.layer.begin(mean_and_variance(x)[0])
        if "layer" in self.ema_networks:
            for average, weight in zip(self.ema_networks["layer"].weights, self.layer.weights, strict=True):
                average.assign(weight.value)

    def call(self, inputs: Nest, training: bool = False) -> Tensor:
        """Returns free energies: what `predict` returns."""
        return self._energy(tf.cast(inputs[0] if isinstance(inputs, (tuple, list)) else inputs, tf.float32))

    def fit(
        self, x: Nest | None = None, y: Nest | None = None, batch_size: int | None = None, *args, **options
    ) -> keras.callbacks.History:
        energy_checks.check_batch(self.objective, x, batch_size)
        return super().fit(x, y, batch_size, *args, **options)

    def signatures(self) -> dict[str, Signature]:
        """What `export` writes: energy, encode, reconstruct, and sample with its number of steps."""
        return energy_signatures.of_rbm(self)

    def check_data(self, data: Nest) -> None:
        energy_checks.check_rates(shapes.alone(data, self.shape))

    def check_inputs(self, inputs: Nest) -> None:
        shapes.alone(inputs, self.shape)

    def get_config(self) -> dict[str, Any]:
        config = {"shape": self.shape, "num_hidden": self.num_hidden, "steps": self.steps}
        return {**super().get_config(), **config, "objective": keras.saving.serialize_keras_object(self.objective)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(**{**config, "objective": keras.saving.deserialize_keras_object(config["objective"])})
