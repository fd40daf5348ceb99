"""Joint energy-based models: classifiers read as energies."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_dl import samplers
from keras_dl.checks import check_count, check_number, refusal
from keras_dl.data.checks import as_array
from keras_dl.models import energy_checks, energy_signatures, shapes
from keras_dl.models.base import Draw, Signature
from keras_dl.models.energy_model import EnergyModel
from keras_dl.types import Nest, Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class JEM(EnergyModel):
    r"""Joint energy-based model (Grathwohl et al. 2020): the logits $f(x)$ of a classifier give a density too.

    $$p(x, y) = \frac{e^{f(x)_y}}{Z}, \qquad E(x) = -\log \sum_y e^{f(x)_y}, \qquad p(y \mid x) = \text{softmax}(f(x))$$

    Trained by the cross-entropy of $p(y \mid x)$ and, for $p(x)$, by an objective with chains. Data are `(x, labels)`.

    Args:
        network: Built Keras model from samples to logits, shape `(batch, num_classes)`; without batch normalization.
        objective: As for `EnergyModel`; `None` for `PersistentContrastiveDivergence()`.
        sampler: As for `EnergyModel`; `None` for `Langevin.of_noise(20, 1.0, 0.01)`, the authors'.
        energy_weight: Weight of the loss of $p(x)$; 0 leaves a classifier.
        input_noise: Deviation of noise on the data of $p(x)$'s loss, 0.03 by the authors; more is steadier.
        **options: `value_range`, `energy_limit`, `seed`, `ema_momentum` and `name`, as for `EnergyModel`.

    Example:

    >>> x, labels = np.random.default_rng(0).random((32, 4), "float32"), np.arange(32) % 3
    >>> network = keras_dl.networks.mlp_critic((4,), hidden=(8,), activation="swish", num_outputs=3)
    >>> model = keras_dl.models.JEM(network, keras_dl.objectives.PersistentContrastiveDivergence(64))
    >>> model.compile(keras.optimizers.Adam(1e-3))
    >>> sorted(model.fit(x, labels, batch_size=16, epochs=1, verbose=0).history)
    ['accuracy', 'cross_entropy', 'energy', 'loss', 'sample_energy']
    >>> model.classify(x[:2]).shape, model.sample(3, condition=[0, 1, 2], steps=2).shape
    (TensorShape([2, 3]), TensorShape([3, 4]))
    """

    has_conditions = True
    check_network = staticmethod(energy_checks.check_classifier)

    def __init__(
        self,
        network: keras.Model,
        objective: Any = None,
        sampler: Any = None,
        energy_weight: float = 1.0,
        input_noise: float = 0.03,
        **options,
    ):
        sampler = samplers.Langevin.of_noise(20, 1.0, 0.01) if sampler is None else sampler
        super().__init__(network, objective, sampler, **options)
        if self.objective.normalizes or not self.objective.chains:
            raise refusal("`objective` should be one with chains", objective=self.objective)
        self.energy_weight = check_number(energy_weight, "energy_weight", least=0)
        self.input_noise = check_number(input_noise, "input_noise", least=0)
        self.num_classes = shapes.output_shape(network)[0]

    def _terms(self):
        return ("cross_entropy", "accuracy", *super()._terms())

    def condition_classes(self) -> int | tuple | None:
        return self.num_classes

    def losses(self, batch: Nest, draw: Draw) -> Nest:
        """Cross-entropy and the objective's loss of every sample of a batch; see `Update.loss`."""
        x, labels = batch
        x, labels = tf.cast(x, tf.float32), tf.cast(labels, tf.int32)
        logits = tf.cast(self.network(x, training=draw.training), tf.float32)
        cross_entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        noisy = x + self.input_noise * draw.normal(self.data_shape)
        values, terms, handed_back = self.contrast(noisy, draw, self.energy_of(self.network, draw.training))
        terms["cross_entropy"] = cross_entropy
        terms["accuracy"] = tf.cast(tf.argmax(logits, -1, tf.int32) == labels, tf.float32)
        return cross_entropy + self.energy_weight * values, terms, handed_back

    def raw_energy(self, network: keras.Model, x: Tensor, training: bool = False) -> Tensor:
        logits = tf.cast(network(x, training=training), tf.float32)
        # The sum carries NaN on, which the maximum of a LiteRT file passes over.
        return -tf.reduce_logsumexp(logits, -1) + 0.0 * tf.reduce_sum(logits, -1)

    def call(self, inputs: Nest, training: bool = False) -> Tensor:
        """Returns the probabilities of classes: what `predict` returns."""
        x = inputs[0] if isinstance(inputs, (tuple, list)) else inputs
        return self._classify(tf.cast(x, tf.float32))

    def classify(self, x: Tensor) -> Tensor:
        r"""Returns $p(y \mid x)$, shape `(batch, num_classes)`."""
        return shapes.by_rows(self._graph(self._classify), shapes.as_rows(x, self.data_shape))

    def sample(
        self,
        num_samples: int,
        condition: Tensor | None = None,
        seed: int | None = None,
        steps: int | None = None,
        sampler: Any = None,
    ) -> Tensor:
        """Draws samples: of all classes, or of the labels given as `condition`, one or one per sample."""
        if condition is None:
            return super().sample(num_samples, None, seed, steps, sampler)
        num_samples = check_count(num_samples, "num_samples")
        labels = as_array(condition, "condition")
        labels = np.full(num_samples, labels) if labels.size == 1 and labels.ndim < 2 else labels
        self._check_labels(labels, num_samples)
        steps, sampler = self._sampling(steps, sampler)
        arguments = tf.constant(num_samples), tf.constant(labels, tf.int32), steps, *self.sampling_seed(seed)
        return self.as_graph(self._sample_classes)(*arguments, sampler=sampler)[0]

    def signatures(self) -> dict[str, Signature]:
        """What `export` writes: those of `EnergyModel`, and `classify`, the default."""
        return energy_signatures.of_jem(self)

    def check_data(self, data: Nest) -> None:
        if not isinstance(data, (tuple, list)) or len(data) != 2 or data[1] is None:
            parts = f"{len(data)} parts" if isinstance(data, (tuple, list)) else type(data).__name__
            raise refusal("data should be (x, labels), without sample weights", parts)
        super().check_data(data[0])
        self._check_labels(as_array(data[1], "labels"), len(data[0]))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "energy_weight": self.energy_weight, "input_noise": self.input_noise}

    def _check_labels(self, labels, rows):
        if labels.shape != (rows,) or not np.isin(labels, np.arange(self.num_classes)).all():
            expected = f"labels should be integers from 0 to {self.num_classes - 1}, one per sample"
            raise refusal(expected, f"shape {labels.shape}, values {np.unique(labels)[:8].tolist()}")

    # The graphs behind them.

    def _classify(self, x):
        return tf.nn.softmax(tf.cast(self.averaged("network")(x), tf.float32))

    def _sample_classes(self, num_samples, labels, steps, seed, call, sampler):
        network = self.averaged("network")

        def energy(x):
            return -tf.gather(tf.cast(network(x), tf.float32), labels, batch_dims=1)

        start = self.reference.sample(Draw.for_sampling(seed, call, num_samples))
        return self._run(energy, start, steps, seed, call, sampler)
