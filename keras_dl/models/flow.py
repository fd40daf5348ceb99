"""Normalizing flows."""

from typing import Any, Self

import keras
import tensorflow as tf

from keras_dl import likelihoods
from keras_dl.bijectors.chain import build as build_bijector
from keras_dl.checks import check_count, check_number, refusal
from keras_dl.likelihoods import LogDensity
from keras_dl.models import conditions, flow_checks, flow_signatures, monte_carlo, shapes, watching
from keras_dl.models.anomaly_scores import AnomalyScores
from keras_dl.models.base import Draw, Signature, Update, mean_and_variance
from keras_dl.models.base.averages import HalfLife
from keras_dl.models.flow_graphs import FlowGraphs, density
from keras_dl.types import Nest, Shape, Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class NormalizingFlow(watching.Watching, AnomalyScores, FlowGraphs):  # type: ignore[misc]
    r"""Normalizing flow (Rezende & Mohamed 2015; Dinh et al. 2017): an exact density by an invertible map $z = f(x)$.

    $$\log p(x) = \log p(z) + \log \left|\det \frac{\partial f(x)}{\partial x}\right|$$

    trained by maximum likelihood, in nats per sample. Data are `x`, or `(x, condition)` for a conditional flow.
    Integers, such as pixels, become real numbers by `dequantized`: the loss is then a bound on $-\log P(x)$, and
    `bits_per_dimension` is tracked.

    Args:
        bijector: A `keras_dl.bijectors.Bijector` from data to latents, such as a `Chain`.
        shape: Shape of a sample; `None` with `dequantized`, which knows it.
        base: Prior over the latents as a vector, a `keras_dl.likelihoods.Prior` such as `LearnedNormal(4)` or
            `NormalMixture(2, components=8)`; `None` for the standard normal.
        condition: What the flow is conditioned on: the number of classes of labels; the shape of vectors or other
            arrays, a tuple; or a built Keras model from `{"condition": ...}` to vectors `(batch, size)`, which is
            trained too. `None` for none.
        dequantized: A `keras_dl.likelihoods.Dequantized` of data that are integers, or `None`.
        seed: Integer that decides noise and data order; `None` draws one.
        ema_momentum: Momentum of averaged weights, used by everything but training and `evaluate`; `None` for none.
        name: Name of the model.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If bijector, base, condition and data do not fit together.

    Example:

    >>> from keras_dl.bijectors import AffineCoupling, Chain
    >>> x, _ = keras_dl.data.sample_points("eight_gaussians", 512)
    >>> steps = [AffineCoupling(hidden=(16,), swap=swap) for swap in (False, True)]
    >>> flow = keras_dl.models.NormalizingFlow(Chain(steps), shape=(2,))
    >>> flow.compile(keras.optimizers.Adam(1e-2))
    >>> history = flow.fit(x, batch_size=64, epochs=2, verbose=0)
    >>> flow.log_prob(x[:3]).shape, flow.sample(5).shape
    (TensorShape([3]), TensorShape([5, 2]))
    >>> z = flow.encode(x[:3])
    >>> bool(tf.reduce_max(tf.abs(flow.decode(z) - x[:3])) < 1e-4)
    True
    """

    has_conditions = True
    #: Arguments of a named form, which its config holds in place of the bijector.
    form: tuple[str, ...] = ()

    def __init__(
        self,
        bijector: Any,
        shape: Shape | None = None,
        base: Any = None,
        condition: Any = None,
        dequantized: Any = None,
        seed: int | None = None,
        ema_momentum: float | HalfLife | dict | None = None,
        name: str | None = None,
        **kwargs,
    ):
        flow_checks.check_parts(bijector, base, dequantized)
        shape = flow_checks.data_shape(shape, dequantized)
        embedding = flow_checks.embedding(condition)
        mapped = shape if dequantized is None else dequantized.padded_shape
        vectors = () if embedding is None else (tuple(embedding.output_shape),)
        build_bijector(bijector, (None, *mapped), *vectors)
        latent_shape = flow_checks.latent_shape(bijector, mapped)
        size = flow_checks.size(latent_shape)
        base = likelihoods.StandardNormal(size) if base is None else base
        flow_checks.check_base(base, size)
        networks = {"bijector": bijector, "base": base}
        networks |= {} if embedding is None else {"embedding": embedding}
        networks |= {} if dequantized is None or dequantized.noise is None else {"noise": dequantized.noise}
        self.averaged_networks = tuple(name for name in networks if name != "noise" and networks[name].weights)
        super().__init__(networks, seed=seed, ema_momentum=ema_momentum, name=name, autocast=False, **kwargs)
        self.shape, self.latent_shape, self.latent_size = shape, latent_shape, size
        self.condition, self.dequantized = condition, dequantized
        self.log_prob_kind = "exact" if dequantized is None else "bound"

    def make_updates(self, optimizer: keras.optimizers.Optimizer) -> tuple[Update, ...]:
        terms = () if self.dequantized is None else ("bits_per_dimension",)
        return (Update("flow", self.losses, tuple(self.networks), optimizer, terms),)

    def losses(self, batch: Nest, draw: Draw) -> Nest:
        """Minus the log-density of every sample of a batch, or the bound; see `Update.loss`."""
        x, condition = conditions.unpack(batch)
        parts = self.bijector, self.base, self._vectors(condition, averaged=False, training=draw.training)
        if self.dequantized is None:
            return -density(x, *parts, draw.training)
        y, log_weight = self.dequantized.forward_and_log_weight(x, self.dequantized.draw_noise(draw), draw.training)
        bound = density(y, *parts, draw.training) + log_weight
        return -bound, {"bits_per_dimension": self.dequantized.bits_per_dim(bound)}

    def initialize(self, batch: Nest, draw: Draw) -> None:
        """Lets the bijectors that begin by the data see the first batch."""
        x, condition = conditions.unpack(batch)
        if self.dequantized is not None:
            x, _ = self.dequantized.forward_and_log_weight(x, self.dequantized.draw_noise(draw))
        vectors = self._vectors(condition, averaged=False)
        self.bijector.initialize(tf.cast(x, tf.float32), vectors, mean_and_variance)
        for copy, network in ((self.ema_networks.get(name), getattr(self, name)) for name in self.network_names):
            if copy is not None:
                for average, weight in zip(copy.weights, network.weights, strict=True):
                    average.assign(weight.value)

    def call(self, inputs: Nest, training: bool = False) -> Tensor:
        """Encodes `x`, or `(x, condition)`: what `predict` returns."""
        return self._encode(*conditions.unpack(inputs))

    # What users call. Everything is compiled once and takes any number of rows.

    def log_prob(self, x: Tensor, condition: Tensor | None = None, **options) -> Tensor:
        """Returns $\\log p(x)$, shape `(batch,)`, in nats: exact; of integers the bound that `log_density` computes."""
        if self.dequantized is not None:
            return self.log_density(x, condition, **options).values
        x, condition = self._inputs(x, condition)
        return shapes.by_rows(self.as_graph(self._log_prob), x, condition)

    def log_density(  # type: ignore[override]
        self,
        x: Tensor,
        condition: Tensor | None = None,
        num_samples: int = 8,
        seed: int | None = None,
        kind: str = "bound",
    ) -> LogDensity:
        r"""Returns $\log p(x)$ and what it is: exact, or for integers a bound or an estimate over dequantisation noise.

        Args:
            x: Data, shape `(batch, *shape)`.
            condition: Their conditions, where the flow is conditional.
            num_samples: How often noise is drawn for integers.
            seed: Integer that fixes it; `None` means the model's seed: the same noise at every call.
            kind: `"bound"` or `"estimate"`, for integers.

        Returns:
            A `keras_dl.likelihoods.LogDensity`.
        """
        if self.dequantized is None:
            return likelihoods.LogDensity.exact(self.log_prob(x, condition))
        x, condition = self._inputs(x, condition)
        return monte_carlo.log_density(self, self._weigh_noise, x, condition, num_samples, seed, kind)

    def bits_per_dim(self, x: Tensor, condition: Tensor | None = None, **options) -> Tensor:
        r"""Returns $-\log P(x) / (D \ln 2)$ of integers, shape `(batch,)`; options are those of `log_density`."""
        if self.dequantized is None:
            raise refusal("Bits are of integers: give the flow `dequantized`", "a flow of real numbers")
        return self.dequantized.bits_per_dim(self.log_density(x, condition, **options).values)

    def encode(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Returns the latents $f(x)$, shape `(batch, *latent_shape)`; of integers those of the middle of a level."""
        x, condition = self._inputs(x, condition)
        return shapes.by_rows(self.as_graph(self._encode), x, condition)

    def decode(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        """Returns $x = f^{-1}(z)$, shape `(batch, *shape)`; integers as their level on the scale of the data."""
        latents = shapes.as_rows(latents, self.latent_shape, "latents")
        self._check_condition(condition, len(latents))
        condition = conditions.as_tensor(self._conditional, condition)
        return shapes.by_rows(self.as_graph(self._decode), latents, condition)

    def from_latents(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        """Returns `decode` of latents as vectors, shape `(batch, latent_size)`."""
        latents = shapes.as_rows(latents, (self.latent_size,), "latents")
        return self.decode(tf.reshape(latents, [-1, *self.latent_shape]), condition)

    def sample(
        self, num_samples: int, condition: Tensor | None = None, seed: int | None = None, temperature: float = 1.0
    ) -> Tensor:
        """Draws latents from the base and returns $f^{-1}(z)$.

        Args:
            num_samples: How many.
            condition: For conditional flows: one condition, or one for each sample.
            seed: Integer that fixes the draw; `None` gives others at every call.
            temperature: Factor of the base's standard deviations.

        Returns:
            Tensor of shape `(num_samples, *shape)`, on the scale of the data.
        """
        num_samples = check_count(num_samples, "num_samples")
        temperature = tf.constant(float(check_number(temperature, "temperature", least=0)))
        condition = conditions.repeated(self._conditional, condition, num_samples)
        self._check_condition(condition, num_samples)
        condition = conditions.as_tensor(self._conditional, condition)
        seed, call = self.sampling_seed(seed)
        return self.as_graph(self._sample)(tf.constant(num_samples), condition, seed, call, temperature)

    def fit(self, x: Nest | None = None, y: Nest | None = None, *args, **options) -> keras.callbacks.History:
        """Trains the flow; `ObjectiveModel.fit`. A constant column, on which the density is unbounded, is refused.

        Where rows stream, a warning says so after the first epoch, as one does of images that take few values.
        """
        look = flow_checks.look_at(watching.at_hand(x, y), self)
        return self.fit_watched(look, super().fit, x, y, *args, **options)

    def signatures(self) -> dict[str, Signature]:
        """What `export` writes: named functions with named inputs. See `keras_dl.runtime.export`."""
        return flow_signatures.signatures(self)

    def check_data(self, data: Nest) -> None:
        x, condition = conditions.unpack(data)
        shapes.check_x(x, self.shape)
        flow_checks.check_values(self, x)
        self._check_condition(condition, len(x))
        self.watch(x)

    def check_inputs(self, inputs: Nest) -> None:
        self.check_data(inputs)

    def get_config(self) -> dict[str, Any]:
        parts = ("base", "condition", "dequantized") if self.form else ("bijector", "base", "condition", "dequantized")
        config = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in parts}
        return {**super().get_config(), "shape": self.shape, **config, **{n: getattr(self, n) for n in self.form}}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        read = keras.saving.deserialize_keras_object
        return cls(**{key: read(v) if isinstance(v, dict) and "class_name" in v else v for key, v in config.items()})

    def _inputs(self, x, condition):
        """Checked tensors of data and condition."""
        if not shapes.is_symbolic(x):
            self.check_data((x, condition))
            x = shapes.as_rows(x, self.shape) if self.dequantized is None else tf.convert_to_tensor(x)
        return x, conditions.as_tensor(self._conditional, condition)

    def _check_condition(self, condition, rows):
        conditions.check(self._conditional, condition, rows)
