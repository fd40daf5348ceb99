"""Classifiers and segmenters on the same base as the generative families."""

from typing import Any, Self

import keras
import tensorflow as tf
from keras.src.backend import get_keras_mask, set_keras_mask  # masks on tensors; Keras does not export them

from keras_dl.checks import refusal
from keras_dl.models.base import Draw, ObjectiveModel, Signature, Update, predict_signature
from keras_dl.models.base.averages import HalfLife
from keras_dl.models.endings import check_losses
from keras_dl.models.sample_loss import SampleLoss
from keras_dl.types import Nest, Optimizer, Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class Supervised(ObjectiveModel):
    """A network with a loss: `keras.Model.fit` with this package's guarantees.

    Replica-exact gradients with uneven and empty replica batches, several workers, resume to the bit, and loss
    scaling, for any functional or built network. The network stays usable by itself. As everywhere in TensorFlow,
    layers that draw by themselves (`Dropout`) draw on each replica: such a network resumes exactly, but its weights on
    two replicas are not those on one.

    Args:
        network: Built `keras.Model` from inputs to predictions, one tensor or a nest of them.
        seed: Integer that decides the data order; `None` draws one.
        ema_momentum: Momentum of averaged weights, used by `predict`; `None` for none.
        name: Name of the model.

    Example:

    >>> (x, y), (x_test, y_test) = keras_dl.data.load("digits")
    >>> network = keras.Sequential([keras.Input(x.shape[1:]), keras.layers.Flatten(), keras.layers.Dense(10)])
    >>> model = keras_dl.models.Supervised(network, seed=0)
    >>> loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    >>> model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    >>> history = model.fit(x, y, batch_size=64, epochs=2, verbose=0)
    >>> sorted(model.evaluate(x_test, y_test, verbose=0, return_dict=True))
    ['accuracy', 'loss']
    """

    averaged_networks = ("network",)
    has_targets = True
    checks_values = False

    def __init__(
        self,
        network: keras.Model,
        seed: int | None = None,
        ema_momentum: float | HalfLife | dict | None = None,
        name: str | None = None,
        **kwargs,
    ):
        super().__init__({"network": network}, seed=seed, ema_momentum=ema_momentum, name=name, **kwargs)

    def compile(
        self,
        optimizer: Optimizer = "adam",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        **options,
    ) -> None:
        """Configures training; see `ObjectiveModel.compile` and `keras.Model.compile`.

        Args:
            optimizer: Optimizer, name or config.
            loss: A loss, its name, or a function of `(y_true, y_pred)`; for several outputs a list of them in the order
                of the outputs, a dict by their names, or a nest like the outputs. An output with `None`, or not named,
                is not charged. The logged loss of an output is its mean over samples, so that they add up to `loss`;
                Keras' own counts a smaller last batch as much as the others.
            loss_weights: Weights of the outputs' losses, likewise; without a name or an entry, 1. One number serves one
                loss, for one output or for all.
            metrics: Metrics, as for `keras.Model.compile`: a list, for several outputs a list or dict of lists.
            weighted_metrics: Metrics to which sample weights apply.
            **options: Further options of `ObjectiveModel.compile`.

        Raises:
            ValueError: If `loss` is missing, or does not fit the network's outputs.
        """
        self.sample_loss = SampleLoss(loss, loss_weights, self.network)
        check_losses(self.network, self.sample_loss.losses)
        outputs = self.sample_loss.outputs
        self.output_names = outputs.names if outputs.named else None  # by which Keras reads dicts of metrics
        self._losses_config = {
            "loss": loss, "loss_weights": loss_weights, "metrics": metrics, "weighted_metrics": weighted_metrics
        }  # fmt: skip
        options |= {"metrics": outputs.metrics(metrics), "weighted_metrics": outputs.metrics(weighted_metrics)}
        super().compile(optimizer, **options)

    def make_updates(self, optimizer: keras.optimizers.Optimizer) -> tuple[Update, ...]:
        sums = self.loss_sums if self.sample_loss.counts else None
        terms = self.sample_loss.terms
        return (Update("network", self.loss_terms, (self.network,), optimizer, terms=terms, denominators=sums),)

    def loss_terms(self, batch: Nest, draw: Draw) -> Nest:
        """The loss of every sample of a batch `(x, y)` or `(x, y, sample_weight)`; see `Update.loss`."""
        y, y_pred, sample_weight = self.compared(batch, draw.training)
        if self._compile_metrics is not None:
            self._compile_metrics.update_state(*self._for_metrics(y, y_pred, sample_weight, draw.held))
        return self.sample_loss(y, y_pred, sample_weight, draw)

    def loss_sums(self, batch: Nest) -> dict:
        """The denominators of the losses' means that depend on the data; see `Update.denominators`."""
        return self.sample_loss.sums(*self.compared(batch, training=False))

    def compared(self, batch: Nest, training: bool) -> tuple:
        """Targets, predictions and sample weights of a batch `(x, y)` or `(x, y, sample_weight)`."""
        x, y, sample_weight = unpack(batch)
        return y, self.network(x, training=training), sample_weight

    def _for_metrics(self, y, y_pred, sample_weight, held=None):
        """What Keras' metrics take: targets, predictions and weights output by output, masks kept."""
        outputs = self.sample_loss.outputs
        weights = None if sample_weight is None else outputs.one_each(sample_weight, "sample_weight")
        parts = self.sample_loss.targets(y), outputs.predictions(y_pred), weights
        if tf.distribute.has_strategy() and held is not None:
            parts = keras.tree.map_structure(lambda t: None if t is None else _first(t, held), parts)
        return [part[0] if part is not None and len(part) == 1 else part for part in parts]

    def call(self, inputs: Nest, training: bool = False) -> Tensor:
        """Returns the network's predictions."""
        network = self.network if training else self.averaged("network")
        return network(inputs, training=training)

    def check_data(self, data: Nest) -> None:
        _, y, sample_weight = unpack(data)
        if self.compiled:
            self.sample_loss.check(y, weighed=sample_weight is not None)

    def build_metrics(self, batch: Nest) -> None:
        if self._compile_metrics is not None and not self._compile_metrics.built:
            x, y, _ = unpack(batch)
            with self.distribute_strategy.scope():
                targets, predictions, _ = self._for_metrics(y, self.network(x, training=False), None)
                self._compile_metrics.build(targets, predictions)

    def signatures(self) -> dict[str, Signature]:
        """What `export` writes: `predict`, with the network's inputs by name."""
        return predict_signature(self)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "network": keras.saving.serialize_keras_object(self.network)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(**{**config, "network": keras.saving.deserialize_keras_object(config["network"])})

    def get_compile_config(self) -> dict | None:
        config = super().get_compile_config()
        return config and {**config, **keras.saving.serialize_keras_object(self._losses_config)}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        names = ("loss", "loss_weights", "metrics", "weighted_metrics")
        super().compile_from_config({**config, **{k: keras.saving.deserialize_keras_object(config[k]) for k in names}})


def _first(tensor, rows):
    """The first rows of a tensor, and of its mask."""
    mask = get_keras_mask(tensor)
    tensor = tensor[:rows]
    if mask is not None:
        set_keras_mask(tensor, mask[:rows])
    return tensor


def unpack(batch):
    """Splits a batch into inputs, targets and sample weights (or `None`).

    Raises:
        ValueError: If there are no targets.
    """
    if not isinstance(batch, (tuple, list)) or not 2 <= len(batch) <= 3 or batch[1] is None:
        raise refusal("data should be (x, y) or (x, y, sample_weight)", "no targets y")
    return (*batch, None)[:3]
