"""What a model saves beside weights and optimizers, so that a resumed run is the uninterrupted one."""

import random

import keras
import numpy as np

from keras_dl.checks import check_seed, refusal
from keras_dl.models.base.carried import EpochSum
from keras_dl.models.fitting import epoch_metrics

#: What a file holds: variables, and Python numbers. Files of earlier versions lack some.
COUNTERS = ("seed", "step", "samples")
NUMBERS = ("epoch", "batch", "draws", "initialized", "phase", "passes", "position", "mark")


class TrainingState:
    """Step, seed and place in the data of a training run.

    A plain object: its variables are no weights of the model (`get_weights` and `count_params` do not see them).

    Attributes:
        seed: int64 variable, from which all noise and the data order follow.
        step: int64 variable, the number of training steps done.
        samples: int64 variable, the number of samples of the global batches that these steps have seen.
        initialized: Whether the model's `initialize` was called.
        phase: Number of the phase that was entered last.
        ran: Indices of the updates that ran since the metrics of training began anew: those that logs hold.
        ran_in: Number of the phase in which the last step ran.
        batches_evaluated: int64 variable, batches seen by the evaluation under way: its noise is always the same.
        epoch, batch: Python integers, where the next batch stands: the epoch, and its batches done.
        passes, position: How often the data were passed over, and how many batches of the next pass the epochs before
            this one took; they differ from `epoch` and 0 where `steps_per_epoch` ends epochs.
        mark: A checksum of the data, by which a resumed run knows them; 0 for none.
        marks: Whether the mark is that of the next batch; `shuffled`, whether that is another at every reading.
        draws: How many times `sample` was called without a seed.
        steps_left: Steps that `steps_per_epoch` leaves of the epoch under way; `None` where the data end it.
        skip: How many batches of the epoch under way were trained on before the run was resumed.
        ahead: How many batches of the data the epochs before that one took.
        metrics: Values of the epoch's metrics when it was saved, until they are taken up.
        fitting: Whether `fit` is under way.
    """

    def __init__(self, model, seed=None):
        self._model = model
        self.seed = self._counter(as_seed(seed), "seed")
        self.step = self._counter(0, "step")
        self.samples = self._counter(0, "samples")
        self.initialized, self.phase, self.ran, self.ran_in = False, 0, set(), 0
        self.batches_evaluated = self._counter(0, "batches_evaluated")
        self.epoch = self.batch = self.draws = self.passes = self.position = 0
        self.mark, self.marks, self.shuffled, self.ahead = 0, False, False, 0
        self.restored, self.skip, self.steps_left, self.metrics = False, 0, None, []
        self.fitting = False

    @staticmethod
    def _counter(value, name):
        return keras.Variable(
            value, dtype="int64", trainable=False, autocast=False, aggregation="only_first_replica", name=name
        )

    def begin_means(self):
        """Called as means of losses and terms begin anew."""
        self.ran.clear()
        self.batches_evaluated.assign(0)

    def note_run(self, updates):
        """Notes the indices of updates that ran in steps of the phase under way."""
        self.ran |= updates
        self.ran_in = self.phase

    def generators(self):
        """Every `keras.random.SeedGenerator` that the model reaches (Dropout's too), each once."""
        generators = {}
        for layer in self._model._flatten_layers():
            for generator in getattr(layer, "_seed_generators", []):
                generators.setdefault(id(generator), generator)
        return list(generators.values())

    def changing_variables(self):
        """What a forward pass may give new values: batch statistics, seed generators, metrics of predictions."""
        of_metrics = {id(v): v for metric in self._model.metrics for v in metric.variables}
        return list(({id(v): v for v in self.layer_states()} | of_metrics).values())

    def batch_statistics(self):
        """The floats that the networks' layers hold beside their weights: averages of batch statistics and the like.

        Unlike `layer_states` this leaves out what is frozen, and the averaged copies of networks.
        """
        statistics = {}
        for network in self._model.networks:
            for layer in network._flatten_layers():
                statistics |= {id(v): v for v in layer._non_trainable_variables if "float" in v.dtype}
        return list(statistics.values())

    def layer_states(self):
        """What layers may give new values in a forward pass: batch statistics and seed generators."""
        variables = {id(v): v for v in self._model.non_trainable_variables}
        return list((variables | {id(g.state): g.state for g in self.generators()}).values())

    def recognise(self, mark, keep=False):
        """Compares the data's mark with the saved one: a place within other data is given up, as their epoch begins.

        Args:
            mark: The mark of the data.
            keep: Whether the place is kept all the same: shuffled data begin otherwise each time.
        """
        known, self.mark, self.marks = self.mark, mark, False
        within = self.batch or self.position
        if not keep and known not in (0, mark) and within and (self.restored or self.skip or self.ahead):
            self.batch = self.position = self.skip = self.ahead = 0
            self.metrics = []
            self._model.reset_metrics()

    def take_up(self, stepped=False, continues=False):
        """Called as an epoch begins: a restored place in it is taken up once, any other epoch starts at its start.

        Args:
            stepped: Whether `steps_per_epoch` ends epochs.
            continues: Whether the data go on where the epoch before has left them.
        """
        self.ahead = 0
        if self.restored:
            self.restored, self.skip = False, self.batch
            if self.metrics:
                epoch_metrics.write(self._model, self.metrics)
            if stepped:
                self.ahead = self.position
        else:
            self.skip = 0
            for state in self._model.carried.values():
                if isinstance(state, EpochSum):  # of an epoch that was left
                    state.reset()
            self.epoch += self.batch > 0  # an epoch that was left is not taken up again within a process
        if not (continues or self.ahead or self.skip):
            self.passes += self.position > 0 or self.batch > 0
            self.position = 0
        self.batch, self.metrics = self.skip, []

    def give_up_place(self):
        """Leaves the epoch in which a state that was just loaded stood: the next one begins with its first batch."""
        self.restored, self.metrics = False, []

    def leave(self):
        """Called as `fit` ends, however: what belonged to its epoch binds no later call."""
        self.fitting = False
        self.steps_left, self.skip, self.ahead, self.marks = None, 0, 0, False

    def end_epoch(self, stepped, count, endless):
        """Called as an epoch ends.

        Args:
            stepped: Whether `steps_per_epoch` ended it.
            count: Batches of one pass over the data, or `None`.
            endless: Whether they begin anew within an epoch.
        """
        done = self.position + self.batch
        self.epoch, self.batch, self.steps_left = self.epoch + 1, 0, None
        if not stepped or (count and done >= count and not endless):
            self.passes, self.position = self.passes + 1, 0
        elif count:
            self.passes, self.position = self.passes + done // count, done % count
        else:
            self.position = done

    def save(self, store):
        """Writes the state into `store`, a mapping of names to arrays."""
        for name in COUNTERS:
            store[name] = np.asarray(getattr(self, name))
        for name in NUMBERS:
            store[name] = np.int64(getattr(self, name))
        for name, state in self._model.carried.items():
            for index, variable in enumerate(state.variables):
                store[f"carried_{index}_{name}"] = np.asarray(variable)
        for index, generator in enumerate(self.generators()):
            store[f"generator_{index}"] = np.asarray(generator.state)
        for index, value in enumerate(epoch_metrics.read(self._model) if self.batch else []):
            store[f"metric_{index}"] = value

    def load(self, store):
        """Reads what `save` wrote. A store without it (plain weights) leaves the state as it is."""
        names = set(store.keys())
        if "step" not in names:
            return
        generators = self.generators()
        saved = sum(name.startswith("generator_") for name in names)
        if saved != len(generators):
            raise refusal(
                f"The saved state should hold {len(generators)} random generators, as the model does", f"{saved}"
            )
        for name in names.intersection(COUNTERS):
            getattr(self, name).assign(np.asarray(store[name]))
        for name in names.intersection(NUMBERS):
            setattr(self, name, int(np.asarray(store[name])))
        self.ran_in = self.phase
        if "passes" not in names:
            self.passes = self.epoch
        self._load_carried(store, names)
        for index, generator in enumerate(generators):
            generator.state.assign(np.asarray(store[f"generator_{index}"]))
        count = sum(name.startswith("metric_") for name in names)
        self.metrics = [np.asarray(store[f"metric_{index}"]) for index in range(count)]
        self.restored = True

    def _load_carried(self, store, names):
        for name, state in self._model.carried.items():
            for index, variable in enumerate(state.variables):
                key = f"carried_{index}_{name}"
                if key not in names:
                    raise refusal(f"The saved state should hold the carried state {name!r}", "none")
                variable.assign(np.asarray(store[key]))


def as_seed(seed):
    """`seed` as a non-negative integer; `None` draws one that `keras.utils.set_random_seed` decides."""
    return random.randint(1, 10**9) if seed is None else check_seed(seed)
