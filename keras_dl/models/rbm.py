"""Restricted Boltzmann machines."""

import math

import keras
import tensorflow as tf

from keras_dl import samplers
from keras_dl.checks import check_count, check_shape, refusal
from keras_dl.likelihoods import LogDensity
from keras_dl.models import energy_checks, energy_signatures, rbm_layer, shapes
from keras_dl.models.base import (
    Draw,
    ObjectiveModel,
    Rows,
    SampleBuffer,
    Update,
    mean_and_variance,
)
from keras_dl.models.energy_parts import LogNormalizer
from keras_dl.objectives import ContrastiveDivergence, PersistentContrastiveDivergence

_EXACT = 16  # units up to which the normaliser is a sum over all states
_METHODS = ("auto", "exact", "ais", "reverse")


@keras.saving.register_keras_serializable(package="keras_dl")
class RBM(ObjectiveModel):
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

    def __init__(self, shape, num_hidden, objective=None, steps=1, seed=None, ema_momentum=None, name=None, **kwargs):
        shape = check_shape(shape, "shape")
        num_hidden = check_count(num_hidden, "num_hidden")
        objective = ContrastiveDivergence() if objective is None else objective
        if not isinstance(objective, ContrastiveDivergence):
            expected = "`objective` should be a ContrastiveDivergence or a PersistentContrastiveDivergence"
            raise refusal(expected, objective=objective, error=TypeError)
        layer = rbm_layer.RestrictedBoltzmann(math.prod(shape), num_hidden)
        super().__init__({"layer": layer}, seed=seed, ema_momentum=ema_momentum, name=name, **kwargs)
        self.shape, self.num_hidden = shape, num_hidden
        self.objective, self.steps = objective, check_count(steps, "steps")
        self.persistent = isinstance(objective, PersistentContrastiveDivergence)
        self.log_prob_kind = "exact" if min(math.prod(shape), num_hidden) <= _EXACT else "estimate"
        if self.persistent:
            self.carry("buffer", SampleBuffer(self.objective.capacity, (math.prod(shape),), value_range=(0, 1)))

    def make_updates(self, optimizer):
        terms = ("energy", "sample_energy", "reconstruction_error")
        return (Update("rbm", self.losses, (self.layer,), optimizer, terms, hands_back=tuple(self.carried)),)

    def losses(self, batch, draw):
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

    def initialize(self, batch, draw):
        """Takes the rates of the first batch."""
        x = self._flat(tf.cast(tf.nest.flatten(batch)[0], tf.float32))
        self.layer.begin(mean_and_variance(x)[0])
        if "layer" in self.ema_networks:
            for average, weight in zip(self.ema_networks["layer"].weights, self.layer.weights, strict=True):
                average.assign(weight.value)

    def call(self, inputs, training=False):
        """Returns free energies: what `predict` returns."""
        return self._energy(tf.cast(inputs[0] if isinstance(inputs, (tuple, list)) else inputs, tf.float32))

    def fit(self, x=None, y=None, batch_size=None, **options):  # type: ignore[override]
        if not isinstance(x, tf.data.Dataset):
            energy_checks.check_batch(self.objective, 32 if batch_size is None else batch_size)
        return super().fit(x, y, batch_size=batch_size, **options)

    # What users call.

    @property
    def data_range(self):
        return (0.0, 1.0)

    def energy(self, x):
        """Returns the free energy $F(v)$, shape `(batch,)`."""
        return self.as_graph(self._energy)(self._rows(x))

    def anomaly_score(self, x):
        """Returns the free energy, higher for anomalies; see `keras_dl.metrics.roc_auc`."""
        return self.energy(x)

    def encode(self, x):
        """Returns the probabilities of the hidden units, shape `(batch, num_hidden)`."""
        return self.as_graph(self._encode)(self._rows(x))

    def reconstruct(self, x):
        """Returns the rates of visible units given the hidden units' probabilities, of the shape of `x`."""
        return self.as_graph(self._reconstruct)(self._rows(x))

    def sample(self, num_samples, condition=None, seed=None, steps=1000):
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

    def log_normalizer(self, method="auto", num_chains=512, steps=1000, seed=0, x=None):
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
        if method not in _METHODS:
            raise refusal(f"`method` should be one of {_METHODS}", method=method)
        exact = self.log_prob_kind == "exact"
        method = ("exact" if exact else "ais") if method == "auto" else method
        if method == "exact":
            if not exact:
                raise refusal(f"`method` should be 'exact' of at most {_EXACT} units alone", method=method)
            return LogNormalizer(self.as_graph(self._exact)(), tf.constant(0.0), method)
        if method == "reverse" and x is None:
            raise refusal("`x` should be data, from which chains lead to the model's density", x=x)
        ends = None if method == "ais" else tf.gather(self._rows(x), tf.range(num_chains) % len(x))
        arguments = tf.constant(check_count(num_chains, "num_chains")), ends, tf.constant(seed, tf.int64)
        value, error = self.as_graph(self._anneal)(*arguments, steps=check_count(steps, "steps"))
        return LogNormalizer(value, error, method)

    def log_prob(self, x, log_normalizer=None):
        r"""Returns $\log p(v) = -F(v) - \log Z$, shape `(batch,)`; see `log_density`."""
        return self.log_density(x, log_normalizer=log_normalizer).values

    def log_density(self, x, condition=None, num_samples=512, seed=0, log_normalizer=None):  # type: ignore[override]
        """Returns $\\log p(v)$ and what it is, a `keras_dl.likelihoods.LogDensity`; see `EnergyModel.log_density`."""
        z = self.log_normalizer(num_chains=num_samples, seed=seed) if log_normalizer is None else log_normalizer
        values = -self.energy(x) - z.value
        kind = "exact" if z.method == "exact" else "estimate"
        return LogDensity(values, tf.fill(tf.shape(values), z.standard_error), kind)

    def signatures(self):
        """What `export` writes: energy, encode, reconstruct, and sample with its number of steps."""
        return energy_signatures.of_rbm(self)

    def check_data(self, data):
        energy_checks.check_rates(shapes.alone(data, self.shape))

    def check_inputs(self, inputs):
        shapes.alone(inputs, self.shape)

    def get_config(self):
        config = {"shape": self.shape, "num_hidden": self.num_hidden, "steps": self.steps}
        return {**super().get_config(), **config, "objective": keras.saving.serialize_keras_object(self.objective)}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "objective": keras.saving.deserialize_keras_object(config["objective"])})

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
