"""Continuous normalizing flows."""

from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from keras_dl import processes, samplers
from keras_dl.checks import check_count, check_number
from keras_dl.models import (
    conditions,
    denoiser,
    diffusion_checks,
    diffusion_density,
    diffusion_paths,
    diffusion_signatures,
    shapes,
)
from keras_dl.models.base import Draw, ObjectiveModel, Signature, Update
from keras_dl.models.base.averages import HalfLife
from keras_dl.types import Nest, Tensor

#: How many steps evaluation takes for one of training.
EVALUATED = 4


@keras.saving.register_keras_serializable(package="keras_dl")
class ContinuousFlow(  # type: ignore[misc, override]
    denoiser.Denoiser, diffusion_paths.Paths, diffusion_density.Density, ObjectiveModel
):
    r"""Continuous normalizing flow, trained by maximum likelihood through its differential equation: FFJORD.

    $$\frac{dx_t}{dt} = f(x_t, t), \qquad
      \log p(x_0) = \log \mathcal{N}(x_1; 0, I) + \int_0^1 \nabla \cdot f(x_t, t)\, dt$$

    (Chen et al. 2018; Grathwohl et al. 2019, "FFJORD"). The loss in nats per sample is

    $$-\log p(x) + \lambda_K \int_0^1 |f(x_t, t)|^2 dt + \lambda_J \int_0^1 |\nabla f(x_t, t)|_F^2 dt$$

    whose last terms keep paths short and straight (Finlay et al. 2020, "How to train your neural ODE"). Training solves
    the equation in steps of the classical Runge-Kutta method, equal but for a shift drawn per batch, with the gradient
    of these very steps, each computed again on the way back. Where a field becomes so steep that such steps miss it,
    the loss falls below what is possible: `evaluate` takes four times as many and shows it; more steps or $\lambda_J$
    are the remedy. Everything else solves the equation by Dormand and Prince's adaptive method. Data are `x`, or `(x,
    condition)`.

    Args:
        network: Built Keras model from `{"x": ..., "time": ...}`, with `"condition"` if it is conditional, to a
            velocity of the shape of `x`; smooth, as `keras_dl.networks.denoising_mlp` is with `"tanh"` or `"gelu"`, and
            without layers that draw noise or keep statistics, such as dropout and batch normalization.
        num_probes: Random directions along which training estimates the divergence (Hutchinson), each the same during
            a whole solution; `None` for the exact one for up to 8 values per sample, else one direction.
        kinetic: $\lambda_K$.
        jacobian: $\lambda_J$.
        solver_steps: Whole steps of the solver in training.
        value_range: `(low, high)` of the data, which are mapped to [-1, 1] inside; samples are clipped to it. `None`
            leaves them as they are.
        sampler: Sampler that `sample` uses if none is named: `"adaptive"`, `"euler"` or `"heun"`.
        steps: Its number of steps, where it does not choose its own.
        seed: Integer that decides noise and data order; `None` draws one.
        ema_momentum: Momentum of averaged weights, used by everything but training; `None` for none.
        name: Name of the model.

    Raises:
        ValueError: If the network does not fit, or an argument is out of range.

    Example:

    >>> x = np.random.default_rng(0).normal(size=(64, 2)).astype("float32")
    >>> model = keras_dl.models.ContinuousFlow(keras_dl.networks.denoising_mlp((2,), 8, 8, 1), solver_steps=2)
    >>> model.compile(keras.optimizers.Adam(1e-3), jit_compile=False)
    >>> history = model.fit(x, batch_size=32, verbose=0)
    >>> sorted(history.history)
    ['jacobian', 'kinetic', 'log_prob', 'loss']
    >>> model.log_prob(x[:3]).shape
    TensorShape([3])
    """

    averaged_networks = ("network",)
    has_conditions = True
    follows_velocity = True
    denoises = False
    prediction = "velocity"
    condition_dropout = 0.0
    weighting = None

    def __init__(
        self,
        network: keras.Model,
        num_probes: int | None = None,
        kinetic: float = 0.0,
        jacobian: float = 0.0,
        solver_steps: int = 8,
        value_range: Any = None,
        sampler: Any = "adaptive",
        steps: int = 25,
        seed: int | None = None,
        ema_momentum: float | HalfLife | dict | None = 0.999,
        name: str | None = None,
        **kwargs,
    ):
        diffusion_checks.check_network(network)
        diffusion_checks.check_without_states(network)
        super().__init__({"network": network}, seed=seed, ema_momentum=ema_momentum, name=name, **kwargs)
        self.data_shape = tuple(network.input["x"].shape[1:])
        self.process = processes.Plain()
        self.num_probes = num_probes if num_probes is None else check_count(num_probes, "num_probes")
        self.kinetic = check_number(kinetic, "kinetic", least=0)
        self.jacobian = check_number(jacobian, "jacobian", least=0)
        self.solver_steps, self.steps = check_count(solver_steps, "solver_steps"), check_count(steps, "steps")
        self.value_range = diffusion_checks.check_range(value_range, ())
        self.sampler = diffusion_checks.check_sampler(sampler)
        self.checked_sampler(sampler)

    def make_updates(self, optimizer: keras.optimizers.Optimizer) -> tuple[Update, ...]:
        terms = ("log_prob", "kinetic", "jacobian")
        return (Update("network", self.loss_terms, (self.network,), optimizer, terms=terms),)

    def loss_terms(self, batch: Nest, draw: Draw) -> Nest:
        """Minus the log-density of every sample of a batch, and what its path costs; see `Update.loss`."""
        x, condition = conditions.unpack(batch)
        x = tf.ensure_shape(self.scaled(tf.cast(x, tf.float32)), [None, *self.data_shape])
        exact = self.num_probes is None and self.log_prob_kind == "exact"
        probes = samplers.axes(x) if exact else self._probes(draw, self.num_probes or 1)
        over_probes, axes = tf.reduce_sum if exact else tf.reduce_mean, list(range(2, probes.shape.rank))

        def derivative(t, state, weights):
            field = self._field_of(weights, condition, tf.shape(probes)[0], draw.training)
            velocity, products = samplers.velocity_and_products(field, state[0], t, probes)
            divergences = tf.reduce_sum(products * probes, axes)
            steepness = tf.reduce_sum(tf.square(products), axes)
            energy = tf.reduce_sum(tf.square(velocity), list(range(1, x.shape.rank)))
            return velocity, over_probes(divergences, 0), energy, over_probes(steepness, 0)

        rows = tf.zeros(tf.shape(x)[:1])
        weights = [variable.value for variable in self.network.trainable_variables]
        end, change, *costs = samplers.integrate_checkpointed(
            derivative, (x, rows, rows, rows), weights, self._times(draw)
        )
        log_prob = samplers.log_normal(end, 1.0) + change + self._log_scale()
        value = self.kinetic * costs[0] + self.jacobian * costs[1] - log_prob
        return value, {"log_prob": log_prob, "kinetic": costs[0], "jacobian": costs[1]}

    def _times(self, draw):
        """Times between which the solver steps, the first and the last of which may be shorter."""
        if not draw.training:
            return np.linspace(0, 1, EVALUATED * self.solver_steps + 1)
        # A field could be steep between times that were the same at every step, where no solver would see it.
        inner = (tf.range(1.0, self.solver_steps + 1) - draw.whole().uniform()[0]) / self.solver_steps
        return tf.concat([[0.0], inner, [1.0]], 0)

    def call(self, inputs: Nest, training: bool = False) -> Tensor:
        """Returns the velocity at a dict of `"x"` and `"time"`: what `predict` returns."""
        return self.apply(self.averaged("network"), inputs["x"], inputs["time"], inputs.get("condition"), training)

    def signatures(self) -> dict[str, Signature]:
        """What `export` writes: named functions with named inputs. See `keras_dl.runtime.export`."""
        return diffusion_signatures.signatures(self)

    def check_data(self, data: Nest) -> None:
        x, condition = conditions.unpack(data)
        shapes.check_x(x, self.data_shape)
        conditions.check([self.network], condition, len(x))
        self._check_scale(x)

    def check_inputs(self, inputs: Nest) -> None:
        diffusion_checks.check_inputs(self, inputs)

    def get_config(self) -> dict[str, Any]:
        names = ("num_probes", "kinetic", "jacobian", "solver_steps", "value_range", "sampler", "steps")
        network = keras.saving.serialize_keras_object(self.network)
        return {**super().get_config(), "network": network, **{name: getattr(self, name) for name in names}}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(**{**config, "network": keras.saving.deserialize_keras_object(config["network"])})

    def _field_of(self, weights, condition, count, training):
        """The velocity as a function of samples and time, with given weights, for `count` copies of a batch."""
        repeated = None if condition is None else tf.repeat(condition[None], count, 0)
        if repeated is not None:
            repeated = tf.reshape(repeated, tf.concat([[-1], tf.shape(condition)[1:]], 0))
        others = [variable.value for variable in self.network.non_trainable_variables]

        def field(x, t, kind):
            inputs = {"x": x, "time": tf.fill(tf.shape(x)[:1], t)}
            if repeated is not None:
                inputs["condition"] = repeated
            return tf.cast(self.network.stateless_call(list(weights), others, inputs, training=training)[0], tf.float32)

        return field

    def _probes(self, draw, count):
        signs = tf.cast(draw.integers((count, *self.data_shape)), tf.float32) * 2.0 - 1.0
        return tf.transpose(signs, [1, 0, *range(2, signs.shape.rank)])
