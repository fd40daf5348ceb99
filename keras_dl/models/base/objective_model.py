"""The one trainer: a model is a list of updates."""

from collections.abc import Mapping
from typing import Any

import keras

from keras_dl.models import structure
from keras_dl.models.base import paths
from keras_dl.models.base.averages import Averages, HalfLife
from keras_dl.models.base.finite import Finiteness, make_trackers, metric_name
from keras_dl.models.base.loops import Loops
from keras_dl.models.base.memory import Memory
from keras_dl.models.base.offers import Offers
from keras_dl.models.base.state import TrainingState
from keras_dl.models.base.step import StepProgram
from keras_dl.models.base.update import Update
from keras_dl.models.fitting import choosing, compiling
from keras_dl.models.fitting.checking import check_arguments
from keras_dl.models.fitting.methods import Fitting
from keras_dl.models.formats.keras_file import Saved
from keras_dl.types import Nest, Optimizer


class ObjectiveModel(Memory, Offers, Fitting, Loops, Saved):
    """A `keras.Model` that trains by a list of updates, each a loss and the networks that minimise it.

    This class gives a family `fit`, `evaluate`, `.keras` files that resume exactly, replicas, workers, mixed precision
    and compilation. The gradient of an update with sample losses `l_i` is that of `sum_i l_i / N` over the global batch
    of `N` rows, however many replicas hold them, empty ones included. Noise is drawn for the rows of the global batch.

    A family must write:

    - `__init__`, which gives its networks to this class's, and stores its other arguments;
    - `make_updates(*optimizers)`: the tuple of its `Update`s, whose losses cast what networks return to float32;
    - `call(inputs, training=False)`, what `predict` returns;
    - `get_config` and `from_config`, if it is to be saved, under `keras.saving.register_keras_serializable`.

    It may write or set:

    - `optimizer_names`, if it has several optimizers; `averaged_networks`, if `ema_momentum` averages some;
      `has_conditions`, if data may be `(x, condition)`; `has_targets`, if `compile` takes losses and metrics;
    - `check_data(data)` and `check_inputs(inputs)`, refusals before any work; `initialize(batch, draw)`;
    - `signatures()`: what `export` writes, a dict of `Signature`s;
    - methods of its own, such as `sample(num_samples, condition=None, seed=None)`, `log_prob(x)` and `encode(x)`:
      `as_graph` compiles once, `averaged` gives a network with averaged weights, `sampling_seed` and
      `Draw.for_sampling` the noise of a call.

    Args:
        networks: Dict of the model's networks by name; each becomes an attribute. They must be built.
        seed: Integer from which all noise and the order of the data follow; `None` draws one, which
            `keras.utils.set_random_seed` decides.
        ema_momentum: Momentum `m` of an exponential moving average `e <- m e + (1 - m) w` of the weights of the
            networks that `averaged_networks` names, used by `sample` and `export`; or a `HalfLife`; or a dict of these
            by name, for several averages. `None` keeps none.
        name: Name of the model.

    Raises:
        ValueError: If a network is not built, or an argument is out of range.

    Example: a denoising autoencoder.

    >>> import tensorflow as tf
    >>> from keras_dl.models.base import ObjectiveModel, Signature, Update
    >>> @keras.saving.register_keras_serializable(package="example")
    ... class Denoiser(ObjectiveModel):
    ...     def __init__(self, network, stddev=0.1, **options):
    ...         super().__init__({"network": network}, **options)
    ...         self.stddev = stddev
    ...     def make_updates(self, optimizer):
    ...         return (Update("network", self.squared_error, (self.network,), optimizer),)
    ...     def squared_error(self, x, draw):
    ...         noisy = x + self.stddev * draw.normal(tuple(x.shape[1:]))
    ...         clean = tf.cast(self.network(noisy, training=draw.training), tf.float32)
    ...         return tf.reduce_sum(tf.square(clean - x), -1)
    ...     def call(self, inputs, training=False):
    ...         return self.network(inputs, training=training)
    ...     def signatures(self):
    ...         spec = tf.TensorSpec([None, *self.network.input_shape[1:]])
    ...         return {"denoise": Signature(lambda x: {"x": self(x)}, {"x": spec})}
    ...     def get_config(self):
    ...         network = keras.saving.serialize_keras_object(self.network)
    ...         return {**super().get_config(), "network": network, "stddev": self.stddev}
    ...     @classmethod
    ...     def from_config(cls, config):
    ...         return cls(**{**config, "network": keras.saving.deserialize_keras_object(config["network"])})
    >>> model = Denoiser(keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)]), seed=0)
    >>> model.compile("adam")
    >>> sorted(model.fit(tf.random.stateless_normal((64, 3), (0, 0)), batch_size=16, epochs=2, verbose=0).history)
    ['loss']
    """

    #: Whether `compile` takes losses and metrics of targets; other models know what they minimise.
    has_targets = False
    #: The `Stream` that checks batches of what could not be checked as arrays, or `None`.
    stream = None
    #: Whether `check_data` asks more of values than to lie in a range: batches of a stream are then all checked by it.
    checks_values = True
    #: The only number of rows of which XLA compiles batches; `None` for any.
    xla_rows = None
    #: Whether the first length of training's batches gets a graph that knows it; the same of evaluation's.
    knows_length = evaluates_one_length = True
    #: Whether XLA can hold the losses; one that calls Python as it runs cannot stand in its computations.
    xla_ready = True
    #: Whether data are `x` or `(x, condition)`; others' second part is a target.
    has_conditions = False
    #: Whether values of data may be missing, marked NaN; `check_data` then refuses what else is no data.
    takes_missing = False
    #: Names of the optimizers that `compile` takes, in the order of `make_updates`' arguments.
    optimizer_names: tuple[str, ...] = ("optimizer",)
    #: Configs of the optimizers of the model's paper by those names, for `compile()`; others are Adam.
    paper_optimizers: dict = {}
    #: Whether a callback that changes the first optimizer's learning rate changes the others' by the same factor.
    shares_rates = False
    #: Names of the networks of which an exponential moving average is kept.
    averaged_networks: tuple[str, ...] = ()

    def __init__(
        self,
        networks: Mapping[str, keras.Model],
        seed: int | None = None,
        ema_momentum: float | HalfLife | dict | None = None,
        name: str | None = None,
        **kwargs,
    ):
        if kwargs:
            check_arguments(self, kwargs)
        super().__init__(name=name, **kwargs)
        self.carried: dict = {}
        self.initializes = type(self).initialize is not Memory.initialize
        for key, network in networks.items():
            structure.check_network(key, network)
            setattr(self, key, network)
        self.network_names = tuple(networks)
        self.ema_momentum = ema_momentum
        self.state = TrainingState(self, seed)
        self.ema_networks = {}
        self._averages = Averages(ema_momentum, {k: networks[k] for k in self.averaged_networks})
        self.ema_networks = self._averages.networks
        self.updates: tuple[Update, ...] = ()
        self._trackers, self.finiteness, self.graphs = {}, None, {}
        #: Whether the model was made in the scope of a `tf.distribute` strategy.
        self.distributed = self._distribute_strategy is not None
        self.built = True
        paths.tell_apart(self)

    def make_updates(self, *optimizers: Any, **named: Any) -> tuple[Update, ...]:
        """Returns the tuple of `Update`s, given the optimizers in the order of `optimizer_names`."""
        raise NotImplementedError(f"{type(self).__name__} should define make_updates(*optimizers).")

    def check_data(self, data: Nest) -> None:
        """Refuses data that the model cannot be trained on. `data` is a nest of arrays, `x` or `(x, ...)`."""

    def condition_classes(self) -> int | tuple | None:
        """The classes of the labels on which the networks are conditioned: their number, a tuple, or `None`."""
        return structure.condition_classes(self.networks)

    def check_inputs(self, inputs: Nest) -> None:
        """Refuses inputs of `predict`, a nest of arrays, that the model cannot take."""

    @property
    def networks(self) -> list[keras.Model]:
        """The model's networks, in order."""
        return [getattr(self, name) for name in self.network_names]

    @property
    def seed(self) -> int:
        """The seed from which all noise and the data order follow, a Python integer."""
        return int(self.state.seed.numpy())

    def averaged(self, name: str, average: str = "") -> keras.Model:
        """The network `name`, with averaged weights if the model keeps them.

        Args:
            name: The network's name.
            average: Which of several averages, by its key in `ema_momentum`; the first if it is not given.
        """
        return self._averages.network(name, average) or getattr(self, name)

    def compile(
        self,
        optimizer: Optimizer = "auto",
        loss: Any = None,
        *,
        jit_compile: bool | str = "auto",
        steps_per_execution: int | str = "auto",
        run_eagerly: bool = False,
        auto_scale_loss: bool = True,
        check_finite: bool = True,
        **options,
    ) -> None:
        """Configures training.

        Args:
            optimizer: An optimizer, its name or its config; `"auto"` for those of the model's paper, else Adam. A model
                with several takes each by its name (`critic_optimizer=`), or this one for all, each a copy of its own.
                `optimizer` may also name the one that `model.optimizer` is, else the first update's: callbacks that
                change the learning rate then change that one alone, else all by the same factor.
            loss: Refused where a model knows what it minimises; Keras' second argument.
            jit_compile: Whether XLA compiles the training step; with `"auto"` each `fit` decides by the kind of network
                and machine, and by whether it is long enough to gain what compilation takes.
            steps_per_execution: How many steps one call runs; `"auto"` chooses several for small steps.
            run_eagerly: Whether to run without compiling anything (for debugging).
            auto_scale_loss: Whether losses are scaled where the model has float16 layers.
            check_finite: Whether NaN or an infinity in a loss, term or gradient is an error that names update, term and
                step. A callback that sees to them itself says so: its attribute `handles_not_finite` is true.
            **options: Optimizers by name, and options of `keras.Model.compile` (`metrics`, ...).

        Raises:
            ValueError: If an optimizer is missing or unknown, or one object stands for two.
        """
        options |= {"loss": loss} if loss is not None else {}
        networks = self.networks
        paths.tell_apart(self)  # those of parts that came after the networks, too
        compiling.check(self, jit_compile, steps_per_execution, options)
        optimizers = compiling.take_optimizers(self, optimizer, options)
        with self.distribute_strategy.scope():
            optimizers = {name: compiling.prepare(self, value, auto_scale_loss) for name, value in optimizers.items()}
            self.updates, self._rescaled_from = compiling.updates_of(self, optimizers)
            self.phases.check(self.updates, self.optimizer_names)
            self._trackers = make_trackers(self.updates)
            self.finiteness = Finiteness(self.updates, check_finite)
            named = isinstance(optimizer, str) and optimizer in optimizers
            distinct = {id(u.optimizer): u.optimizer for u in self.updates if u.optimizer is not None}
            main = optimizers[optimizer] if named else next(iter(distinct.values()), None)
            own = {"jit_compile": False, "run_eagerly": run_eagerly, "auto_scale_loss": False}
            super().compile(optimizer=main, **own, **options)
        self.shares_rates = len(distinct) > 1 and not named
        self._scales_loss, self._checks_finite = auto_scale_loss, check_finite
        self.compile_choices = {"jit_compile": jit_compile, "steps_per_execution": steps_per_execution}
        self.program = StepProgram(self.updates, self.state, self.carried)
        self.work = choosing.Work.of(self, networks)
        choosing.take(self, choosing.before_fit(self, **self.compile_choices))

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The means of losses and terms since `reset_metrics`, and the metrics that `compile` was given."""
        compiled = [m for m in (getattr(self, "_compile_metrics", None),) if m is not None]
        return [*self._trackers.values(), *compiled]

    def reset_metrics(self) -> None:
        """Begins the means of losses and terms anew, and the noise of an evaluation, as `fit` does in every epoch."""
        super().reset_metrics()
        self.state.begin_means()
        if self.finiteness is not None:
            self.finiteness.reset()

    def first_not_finite(self) -> tuple[str, int] | None:
        place = self.finiteness.first(self.distribute_strategy)
        return place and (metric_name(self.updates, place.update, place.term), place.step)
