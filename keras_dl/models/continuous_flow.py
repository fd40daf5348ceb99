"""Continuous normalizing flows."""

import keras
import tensorflow as tf

from keras_dl import processes, samplers
from keras_dl.checks import check_count, check_number, refusal
from keras_dl.models import denoiser, diffusion_checks, diffusion_density, diffusion_paths, diffusion_signatures, shapes
from keras_dl.models.base import ObjectiveModel, Update, conditions


@keras.saving.register_keras_serializable(package="keras_dl")
class ContinuousFlow(  # type: ignore[misc, override]
    denoiser.Denoiser, diffusion_paths.Paths, diffusion_density.Density, ObjectiveModel
):
    r"""Continuous normalizing flow, trained by maximum likelihood through its differential equation: FFJORD.

    $$\frac{dx_t}{dt} = f(x_t, t), \qquad
      \log p(x_0) = \log \mathcal{N}(x_1; 0, I) + \int_0^1 \nabla \cdot f(x_t, t)\, dt$$

    (Chen et al. 2018; Grathwohl et al. 2019, "FFJORD"). The loss in nats per sample is
    $-\log p(x) + \lambda \int_0^1 |f(x_t, t)|^2 dt$, whose last term keeps paths short and straight (Finlay et al.
    2020, "How to train your neural ODE"). Training and `evaluate` solve the equation in equal steps of the classical
    Runge-Kutta method, with the gradient of these very steps, each computed again on the way back; everything else
    solves it by Dormand and Prince's adaptive method. Data are `x`, or `(x, condition)`.

    Args:
        network: Built Keras model from `{"x": ..., "time": ...}`, with `"condition"` if it is conditional, to a
            velocity of the shape of `x`; smooth, as `keras_dl.networks.denoising_mlp` is with `"tanh"` or `"gelu"`.
        num_probes: Random directions along which training estimates the divergence (Hutchinson), each the same during
            a whole solution; `None` for the exact one for up to 8 values per sample, else one direction.
        kinetic: $\lambda$.
        solver_steps: Steps of the solver in training.
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
    ['kinetic', 'log_prob', 'loss']
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
        network,
        num_probes=None,
        kinetic=0.0,
        solver_steps=8,
        value_range=None,
        sampler="adaptive",
        steps=25,
        seed=None,
        ema_momentum=0.999,
        name=None,
        **kwargs,
    ):
        diffusion_checks.check_network(network)
        super().__init__({"network": network}, seed=seed, ema_momentum=ema_momentum, name=name, **kwargs)
        self.data_shape = tuple(network.input["x"].shape[1:])
        self.process = processes.Plain()
        self.num_probes = num_probes if num_probes is None else check_count(num_probes, "num_probes")
        self.kinetic = check_number(kinetic, "kinetic", least=0)
        self.solver_steps, self.steps = check_count(solver_steps, "solver_steps"), check_count(steps, "steps")
        self.value_range = diffusion_checks.check_range(value_range, ())
        self.sampler = diffusion_checks.check_sampler(sampler)
        self.checked_sampler(sampler)

    def make_updates(self, optimizer):
        return (Update("network", self.loss_terms, (self.network,), optimizer, terms=("log_prob", "kinetic")),)

    def loss_terms(self, batch, draw):
        """Minus the log-density of every sample of a batch, and what its path costs; see `Update.loss`."""
        x, condition = conditions.unpack(batch)
        x = tf.ensure_shape(self.scaled(tf.cast(x, tf.float32)), [None, *self.data_shape])
        exact = self.num_probes is None and self.log_prob_kind == "exact"
        probes = samplers.axes(x) if exact else self._probes(draw, self.num_probes or 1)
        divergence_of = tf.reduce_sum if exact else tf.reduce_mean

        def derivative(t, state, weights):
            field = self._field_of(weights, condition, tf.shape(probes)[0], draw.training)
            velocity, divergences = samplers.velocity_and_divergences(field, state[0], t, probes)
            energy = tf.reduce_sum(tf.square(velocity), list(range(1, x.shape.rank)))
            return velocity, divergence_of(divergences, 0), energy

        rows = tf.zeros(tf.shape(x)[:1])
        weights = [variable.value for variable in self.network.trainable_variables]
        times = [step / self.solver_steps for step in range(self.solver_steps + 1)]
        end, change, energy = samplers.integrate_checkpointed(derivative, (x, rows, rows), weights, times)
        log_prob = samplers.log_normal(end, 1.0) + change + self._log_scale()
        return self.kinetic * energy - log_prob, {"log_prob": log_prob, "kinetic": energy}

    def call(self, inputs, training=False):
        """Returns the velocity at a dict of `"x"` and `"time"`: what `predict` returns."""
        return self.apply(self.averaged("network"), inputs["x"], inputs["time"], inputs.get("condition"), training)

    def signatures(self):
        """What `export` writes: named functions with named inputs. See `keras_dl.runtime.export`."""
        return diffusion_signatures.signatures(self)

    def check_data(self, data):
        x, condition = conditions.unpack(data)
        shapes.check_x(x, self.data_shape)
        conditions.check([self.network], condition, len(x))
        self._check_scale(x)

    def check_inputs(self, inputs):
        if not isinstance(inputs, dict) or not {"x", "time"} <= set(inputs):
            raise refusal("inputs should be a dict with 'x' and 'time'", f"{type(inputs).__name__}")
        shapes.check_x(inputs["x"], self.data_shape)

    def get_config(self):
        names = ("num_probes", "kinetic", "solver_steps", "value_range", "sampler", "steps")
        network = keras.saving.serialize_keras_object(self.network)
        return {**super().get_config(), "network": network, **{name: getattr(self, name) for name in names}}

    @classmethod
    def from_config(cls, config):
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
