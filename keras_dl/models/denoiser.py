"""What a diffusion model makes of its network, in graphs: predictions, samples, latents, likelihoods."""

import math
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from keras_dl import processes, samplers
from keras_dl.checks import check_count, check_number, refusal
from keras_dl.models import conditions
from keras_dl.models.base import Draw
from keras_dl.processes.base import spread
from keras_dl.types import Tensor

_STEP = 0x1E3779B97F4A7C15  # an odd number that sends neighbouring steps of a sampler to distant seeds


class Denoiser:
    """The part of a `Diffusion` that computes with its network, in graphs."""

    # Of the model.
    network: Any
    process: processes.Process
    prediction: str
    value_range: tuple[float, float] | None
    data_shape: tuple[int, ...]
    sampler: str
    steps: int
    condition_dropout: float
    condition_classes: Callable
    averaged: Callable
    #: Whether only samplers that need nothing but the velocity are right.
    follows_velocity = False
    #: Whether the network's predictions say what the data are.
    denoises = True
    #: Whether data carry points of the source, which the model then cannot draw.
    carries_source = False

    def scaled(self, x: Tensor) -> Tensor:
        """Data on the inner scale."""
        if self.value_range is None:
            return x
        low, high = self.value_range
        return (x - low) * (2.0 / (high - low)) - 1.0

    def unscaled(self, x: Tensor) -> Tensor:
        """Data on their own scale, within their bounds."""
        if self.value_range is None:
            return x
        low, high = self.value_range
        return tf.clip_by_value((x + 1.0) * (0.5 * (high - low)) + low, low, high)

    def draw_source(self, draw: Draw) -> Tensor:
        """Points at the far end of the path, for the rows of a `Draw`."""
        return draw.normal(self.data_shape)

    def ends(self, x: Tensor, condition: Tensor | None, draw: Draw) -> tuple[Tensor, Tensor]:
        """Both ends of the paths of a batch: data on the inner scale, and what each of them is joined to."""
        return self.scaled(x), self.draw_source(draw)

    def on_path(self, x: Tensor, end: Tensor, t: Tensor, draw: Draw) -> tuple[Tensor, Tensor]:
        """The points of the paths at times `t`, and what the network should predict there."""
        x_t = self.process.perturb(x, end, t)
        target = processes.target(self.process, x, end, t, self.prediction)
        if not self.process.jitters:
            return x_t, target
        jitter = draw.normal(self.data_shape)
        return x_t + spread(self.process.jitter(t), x) * jitter, target + spread(self.process.d_jitter(t), x) * jitter

    def apply(
        self, network: keras.Model, x_t: Tensor, t: Tensor, condition: Tensor | None, training: bool = False
    ) -> Tensor:
        """A network's prediction, float32, at noisy samples and times of shape `(rows,)`."""
        inputs = {"x": x_t * spread(self.process.input_scale(t), x_t), "time": self.process.time_feature(t)}
        if conditions.takes_condition(network):
            inputs["condition"] = self.no_condition(x_t) if condition is None else condition
        return tf.cast(network(inputs, training=training), tf.float32)

    def no_condition(self, x: Tensor) -> Tensor | None:
        """What conditional networks take for samples without a condition: no class, or zeros."""
        tensor = self.network.input["condition"]
        return tf.fill(tf.concat([tf.shape(x)[:1], tensor.shape[1:]], 0), tf.constant(self._nothing, tensor.dtype))

    @property
    def _nothing(self):
        return -1 if self.condition_classes() is not None else 0

    def hidden_at_random(self, condition: Tensor | None, draw: Draw) -> Tensor | None:
        """The condition with some rows, drawn at random, replaced by what stands for none; all are shown elsewhere."""
        if condition is None or not self.condition_dropout:
            return condition
        condition = tf.cast(condition, self.network.input["condition"].dtype)
        hidden = draw.uniform() < self.condition_dropout if draw.training else tf.zeros([draw.rows], tf.bool)
        return tf.where(spread(hidden, condition), tf.cast(self._nothing, condition.dtype), condition)

    def field(self, condition: Tensor | None = None, guidance: float = 1.0) -> Callable:
        """The prediction with averaged weights, as samplers take it: `field(x, t, kind)`."""
        network = self.averaged("network")

        def field(x, t, kind):
            times = tf.fill(tf.shape(x)[:1], t)
            if guidance == 1.0:
                value = self.apply(network, x, times, condition)
            else:
                both = tf.concat([condition, self.no_condition(x)], 0)
                value = self.apply(network, tf.tile(x, [2] + [1] * (x.shape.rank - 1)), tf.tile(times, [2]), both)
                with_condition, without = tf.split(value, 2)
                value = without + guidance * (with_condition - without)
            return processes.convert(self.process, value, x, t, self.prediction, kind)

        return tf.function(field, autograph=False)  # one graph, which each stage of a step calls

    def sampling_options(
        self, steps: int | None, sampler: Any, guidance: float, condition: Tensor | None
    ) -> dict[str, Any]:
        """Checked options of a sampler, as the graphs take them."""
        sampler = self.checked_sampler(self.sampler if sampler is None else sampler)
        steps = check_count(self.steps if steps is None else steps, "steps")
        check_number(guidance, "guidance", least=0)
        if guidance != 1.0 and (condition is None or not self.condition_dropout):
            raise refusal(
                "`guidance` should be 1 unless samples have a condition and training has hidden some",
                guidance=guidance,
            )
        # As a tensor, so that one graph serves any number of steps.
        return {"steps": tf.constant(steps), "sampler": sampler, "guidance": float(guidance)}

    def checked_sampler(self, sampler: Any) -> Callable:
        """A sampler as a function, which may be one of this model's paths alone."""
        function = samplers.get(sampler)
        if self.follows_velocity and function in [samplers.SAMPLERS[name] for name in samplers.NOT_OF_VELOCITY]:
            raise refusal(
                "`sampler` should follow the velocity, as 'euler', 'heun' and 'adaptive' do, for paths that are not "
                "those of independent normal noise",
                sampler=sampler,
            )
        return function

    def checked_condition(self, condition: Tensor | None, rows: int) -> Tensor | None:
        """A condition as a tensor; none is one, where training hid some."""
        hides = conditions.takes_condition(self.network) and self.condition_dropout > 0
        if condition is None and hides:
            return None
        conditions.check([self.network], condition, rows)
        return conditions.as_tensor([self.network], condition)

    def source_log_prob(self) -> Callable | None:
        """The log-density of the source as a function of points; `None` for the standard normal."""

    # Graphs.

    def _denoise(self, x, time, condition=None):
        # A sample without noise is the data, whereas features of its time and factors of its noise may be infinite.
        clean = tf.equal(self.process.sigma(time), 0.0)
        time = tf.where(clean, self.process.t_max, time)
        value = self.apply(self.averaged("network"), x, time, condition)
        data = processes.convert(self.process, value, x, time, self.prediction, "data")
        return self.unscaled(tf.where(spread(clean, x), x, data))

    def _sample(self, num_samples, condition, seed, call, steps, sampler, guidance):
        latents = self.draw_source(Draw.for_sampling(seed, call, num_samples))
        return self._decode(latents, condition, seed, call, steps, sampler, guidance)

    def _decode(self, latents, condition, seed, call, steps, sampler, guidance, constrain=None):
        x = latents * self.process.sigma(tf.constant(self.process.t_max))
        options = {} if constrain is None else {"constrain": constrain}
        noise = self._noise(seed, call)
        field, times = self.field(condition, guidance), self.process.times(steps)
        x = sampler(field, self.process, x, times, noise=noise, **options)
        return self.unscaled(tf.ensure_shape(x, [None, *self.data_shape]))

    def _inpaint(self, x, mask, condition, seed, call, steps, sampler, guidance):
        known = self.scaled(x)

        def constrain(x_t, t, index):
            draw = self._draw_of_step(seed, call, index, x_t, stream=2)
            there = self.process.perturb(known, self.draw_source(draw), t)
            return mask * there + (1.0 - mask) * x_t

        latents = self.draw_source(Draw.for_sampling(seed, call, tf.shape(x)[0]))
        made = self._decode(latents, condition, seed, call, steps, sampler, guidance, constrain)
        return mask * x + (1.0 - mask) * made

    def _encode(self, x, condition, tolerance):
        field = self.field(condition)

        def derivative(t, state):
            return (field(state[0], t, "velocity"),)

        x = samplers.follow(self.process, derivative, (self.scaled(x),), 0.0, 1.0, tolerance)[0]
        return x / self.process.sigma(tf.constant(self.process.t_max))

    def _log_prob(self, x, condition, seed, num_samples, tolerance):
        x = tf.ensure_shape(self.scaled(x), [None, *self.data_shape])
        exact = num_samples == 0
        probes = samplers.axes(x) if exact else self._directions(x, seed, num_samples)
        count = math.prod(self.data_shape) if exact else num_samples
        repeated = None if condition is None else tf.repeat(condition[None], count, 0)
        if repeated is not None:
            repeated = tf.reshape(repeated, tf.concat([[-1], tf.shape(condition)[1:]], 0))
        values, _ = samplers.log_likelihood(
            self.field(repeated), self.process, x, probes, exact, tolerance, self.source_log_prob()
        )
        return values + self._log_scale()

    def _log_scale(self):
        """The log-determinant of the map from data to the inner scale."""
        low, high = self.value_range or (-1.0, 1.0)
        return math.prod(self.data_shape) * math.log(2.0 / (high - low))

    def _directions(self, x, seed, count):
        draw = Draw.for_sampling(seed, tf.constant(0, tf.int64), tf.shape(x)[0], stream=3)
        signs = tf.cast(draw.integers((count, *self.data_shape)), tf.float32) * 2.0 - 1.0
        return tf.transpose(signs, [1, 0, *range(2, signs.shape.rank)])

    def _noise(self, seed, call, stream=1):
        def noise(index, x):
            return self._draw_of_step(seed, call, index, x, stream).normal(self.data_shape)

        return noise

    @staticmethod
    def _draw_of_step(seed, call, index, x, stream):
        own = seed + (tf.cast(index, tf.int64) + 1) * _STEP
        return Draw.for_sampling(own, call, tf.shape(x)[0], stream=stream)
