"""Networks that embed samples so that like ones lie close together."""

import warnings
from typing import Any

import keras
import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.losses import TripletMargin
from keras_dl.models import siamese_checks, watching
from keras_dl.models.base import Signature, predict_signature
from keras_dl.models.base.averages import HalfLife
from keras_dl.models.structure import inputs_of, outputs_of
from keras_dl.models.supervised import Supervised, unpack
from keras_dl.types import Nest, Optimizer, Tensor

KINDS = {2: "pairs ((a, b), labels)", 3: "triplets (anchor, positive, negative)"}


@keras.saving.register_keras_serializable(package="keras_dl")
class Siamese(watching.Watching, Supervised):  # type: ignore[misc]
    """One network applied to two or three samples, whose embeddings a loss compares (Bromley et al. 1993).

    What `fit` is given decides what is compared; the loss has to fit it:

        x, labels                   triplets mined in the batch: `TripletMargin(mining=...)`, the default
        (a, b), labels              pairs, alike or not: `Contrastive()`, `CosineEmbedding()`
        (anchor, positive, negative), None
                                    given triplets: `TripletMargin()`

    Mined triplets depend on the other rows of a batch, under `tf.distribute` on those of the replica.

    Args:
        network: Built `keras.Model` from samples to embeddings, shape `(batch, embedding_size)`. A last
            `keras_dl.layers.UnitNormalization()` puts them on the unit sphere (Schroff et al. 2015). Keras' layer of
            that name is warned of: a blank sample's gradient is NaN there under XLA.
        seed: Integer that decides the data order; `None` draws one.
        ema_momentum: Momentum of averaged weights, used by `embed` and `predict`; `None` for none.
        name: Name of the model.

    Raises:
        ValueError: If the network does not take one tensor and return vectors.

    Example:

    >>> (x, y), (x_test, y_test) = keras_dl.data.load("digits")
    >>> network = keras_dl.networks.mlp_critic(x.shape[1:], hidden=(64,), num_outputs=8)
    >>> model = keras_dl.models.Siamese(network, seed=0)
    >>> model.compile(keras.optimizers.Adam(1e-3))
    >>> _ = model.fit(x, y, batch_size=64, epochs=2, verbose=0)
    >>> accuracy = keras_dl.metrics.knn_accuracy(model.embed(x), y, model.embed(x_test), y_test)
    >>> bool(accuracy.value > 0.8)
    True
    """

    checks_values = True  # labels of pairs are two numbers

    def __init__(
        self,
        network: keras.Model,
        seed: int | None = None,
        ema_momentum: float | HalfLife | dict | None = None,
        name: str | None = None,
        **kwargs,
    ):
        super().__init__(network, seed=seed, ema_momentum=ema_momentum, name=name, **kwargs)
        inputs, outputs = inputs_of(network), outputs_of(network)
        one = len(tf.nest.flatten(inputs)) == len(tf.nest.flatten(outputs)) == 1 and inputs is not None
        if not one or outputs.shape.count(None) > 1 or len(outputs.shape) != 2:
            raise refusal(
                "network should take one tensor and return vectors (batch, embedding_size)",
                f"{network.name} from {inputs} to {outputs}",
            )
        if any(isinstance(layer, keras.layers.UnitNormalization) for layer in network._flatten_layers()):
            warnings.warn(
                "network should end with keras_dl.layers.UnitNormalization: Keras' gives NaN gradients for a blank "
                "sample under XLA, and leaves the range of half precision.",
                stacklevel=2,
            )
        self._sample_rank = len(inputs.shape)

    def compile(self, optimizer: Optimizer = "adam", loss: Any = None, **options) -> None:  # type: ignore[override]  # metrics are refused
        """Configures training; see `Supervised.compile`.

        Args:
            optimizer: Optimizer, name or config.
            loss: A loss of embeddings; `None` for `TripletMargin(mining="semi-hard")`.
            **options: Further options of `ObjectiveModel.compile`.

        Raises:
            ValueError: If metrics are given: predictions have no targets to be compared with.
        """
        if options.get("metrics") or options.get("weighted_metrics"):
            raise refusal(
                "metrics should not be given: embeddings have no targets; see keras_dl.metrics.knn_accuracy",
                options,
            )
        super().compile(optimizer, TripletMargin(mining="semi-hard") if loss is None else loss, **options)

    def fit(self, x: Nest | None = None, y: Nest | None = None, *args, **options) -> keras.callbacks.History:
        """Trains the model; `Supervised.fit`. Labels of one kind alone, by which nothing is learned, are refused.

        Where batches stream, a warning says so after the first epoch.
        """
        if not self.compiled:
            return super().fit(x, y, *args, **options)  # which Keras refuses
        kinds, data = siamese_checks.Kinds(self.sample_loss.losses[0]), watching.at_hand(x, y)
        if data is not None:
            labels = self._unpack(data)[1]
            kinds.refuse(siamese_checks.trained_on(labels, options))
            self._warn(siamese_checks.held_out(labels, options))
        validation = watching.at_hand(options.get("validation_data"))
        if validation is not None:
            self._warn(self._unpack(validation)[1])
        return self.fit_watched(kinds, super().fit, x, y, *args, **options)

    def evaluate(self, x: Nest | None = None, y: Nest | None = None, *args: Any, **options: Any) -> Any:
        """Evaluates the model; `Supervised.evaluate`. A warning tells of labels without triplets, whose loss is 0."""
        data = watching.at_hand(x, y) if self.compiled and not self.state.fitting else None  # `fit` has looked
        if data is not None:
            self._warn(self._unpack(data)[1])
        return super().evaluate(x, y, *args, **options)

    def _warn(self, labels):
        siamese_checks.warn_of_no_triplets(self.sample_loss.losses[0], labels)

    def compared(self, batch: Nest, training: bool) -> tuple:
        x, y, sample_weight = self._unpack(batch)
        return y, self._embeddings(x, training), sample_weight

    def call(self, inputs: Nest, training: bool = False) -> Tensor:
        """Returns embeddings, of pairs and triplets stacked on axis 1."""
        return self._embeddings(inputs, training, self.network if training else self.averaged("network"))

    def embed(self, x: Tensor) -> Tensor:
        """Returns the embeddings of samples.

        Args:
            x: Array of samples, shape `(batch, ...)`.

        Returns:
            Tensor of shape `(batch, embedding_size)`.

        Raises:
            ValueError: If `x` has another shape.
        """
        return self.as_graph(self._embed)(self._checked(x))

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        """Returns the Euclidean distance between the embeddings of each sample of `a` and its partner in `b`.

        Args:
            a: Array of samples, shape `(batch, ...)`.
            b: As many others.

        Returns:
            Tensor of shape `(batch,)`.
        """
        a, b = self._checked(a), self._checked(b)
        if len(a) != len(b):
            raise refusal("a and b should have as many rows", f"{len(a)} and {len(b)}")
        return self.as_graph(self._distance)(a, b)

    def check_data(self, data: Nest) -> None:
        x, y, _ = self._unpack(data)
        if not self.compiled:
            return  # which Keras says
        several = isinstance(x, (tuple, list))
        loss = self.sample_loss.losses[0]
        mining = getattr(loss, "mining", None) is not None
        count = len(x) if several else 1
        wanted = 1 if mining else 3 if isinstance(loss, TripletMargin) else 2
        if count != wanted:
            kind = KINDS.get(wanted, "samples and labels (x, labels)")
            raise refusal(f"{type(loss).__name__} should be given {kind}", f"{count} tensors of samples")
        if y is None and wanted < 3:
            raise refusal("data should be (x, labels) or ((a, b), labels)", "no labels")
        for part in x if several else (x,):
            self._checked(part)
        if wanted < 3:
            siamese_checks.check_labels(y, getattr(loss, "pair_labels", None))
            self.watch(y)

    def signatures(self) -> dict[str, Signature]:
        """What `export` writes: `embed` (the default), and `distance` of two batches."""
        spec = next(iter(predict_signature(self)["predict"].inputs.values()))
        pair = {name: tf.TensorSpec(spec.shape, spec.dtype) for name in ("a", "b")}
        return {
            "embed": Signature(lambda x: {"embeddings": self._embed(x)}, {"x": spec}),
            "distance": Signature(lambda a, b: {"distance": self._distance(a, b)}, pair),
        }

    def _unpack(self, batch):
        """Samples, labels and weights; triplets come alone, as three tensors of samples or beside `None`."""
        if isinstance(batch, (tuple, list)) and len(batch) == 3 and all(self._is_samples(part) for part in batch):
            return tuple(batch), None, None
        if isinstance(batch, (tuple, list)) and isinstance(batch[0], (tuple, list)) and len(batch[0]) == 3:
            return (*batch, None, None)[:3]
        return unpack(batch)

    def _is_samples(self, part):
        return not isinstance(part, (tuple, list, dict)) and part is not None and len(part.shape) == self._sample_rank

    def _embeddings(self, x, training, network=None):
        network = network or self.network
        if not isinstance(x, (tuple, list)):
            return network(x, training=training)
        together = network(tf.concat(x, 0), training=training)
        return tf.stack(tf.split(together, len(x)), axis=1)

    def _embed(self, x):
        return tf.cast(self.averaged("network")(x, training=False), tf.float32)

    def _distance(self, a, b):
        difference = self._embed(a) - self._embed(b)
        return tf.sqrt(tf.reduce_sum(tf.square(difference), -1))

    def _checked(self, x):
        x, expected = tf.convert_to_tensor(x), inputs_of(self.network).shape[1:]
        if not tf.TensorShape([None, *expected]).is_compatible_with(x.shape):
            raise refusal(f"samples should have shape (batch, {', '.join(map(str, expected))})", f"{x.shape}")
        return x if x.dtype.is_integer else tf.cast(x, tf.float32)
