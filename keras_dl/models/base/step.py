"""One training or evaluation step: noise, gradients, replicas and precision, for every family."""

import collections
import contextlib

import keras
import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.layers.batch_normalization import padding
from keras_dl.models.base import noise
from keras_dl.models.base.finite import gradient_probe
from keras_dl.models.base.replicas import (
    changes_averaged,
    count_rows,
    first_row,
    leave_gradients_as_they_are,
    replica_count,
    sum_over_replicas,
    undo_where,
)
from keras_dl.models.base.update import Part, as_values_and_terms, place, take_part
from keras_dl.models.fitting.batches import pad_empty
from keras_dl.models.fitting.graphs import traced_alone


class StepProgram:
    """Runs a tuple of updates on one batch, on each replica.

    Args:
        updates: The updates, in order.
        state: The model's `TrainingState`.
        carried: Dict of the states by name that losses hand back.

    Attributes:
        fewest_rows: The rows of the smallest batch that leaves no inner update without any.
        compile_gradients: Whether each gradient is an XLA computation of its own. This is how XLA runs under
            `MirroredStrategy`, whose collectives cannot stand inside one; a single device compiles whole steps.
    """

    def __init__(self, updates, state, carried):
        self.updates, self.state, self.carried = updates, state, carried
        self.compile_gradients = False
        self._compiled = {}
        self._slices = [update.parts for update in updates]
        self.fewest_rows = max(self._slices)
        counts = collections.Counter(id(variable) for update in updates for variable in update.variables)
        self._moved_twice = {key for key, count in counts.items() if count > 1}

    def train(self, batch, due=None, rows=None):
        """Runs the updates that are due.

        Inner updates without rows change nothing: no weight, no optimizer's momentum or count of steps. One device
        knows their number before it runs a step; replicas find out together, within it.

        Yields each part with its values, its terms, what regularizers charge for its networks' weights, and the probe
        of its gradients.

        Args:
            batch: A nest of tensors.
            due: Tuple of the indices of the updates that run; `None` for all.
            rows: Python integer, the number of rows of a batch that has too few for all inner updates, else `None`.
        """
        updates = [(k, u) for k, u in enumerate(self.updates) if due is None or k in due]
        offset = first_row(batch) if any(self._slices[k] > 1 for k, _ in updates) else 0
        inner = [(k, u, i) for k, u in updates for i in range(u.repeats) if rows is None or i < rows]
        slices = [(k, u, i, take_part(batch, i, self._slices[k], offset)) for k, u, i in inner]
        parts, self.rows = place(slices, batch)
        earlier = {}
        with changes_averaged(self.state.batch_statistics, count_rows(batch)):
            for part in parts:
                yield part, *self._run(part, earlier)
        self.state.step.assign_add(1)
        self.state.samples.assign_add(tf.cast(self.rows, tf.int64))

    def _run(self, part, earlier):
        """One inner update: its values, terms, charge and the probe of its gradients.

        Args:
            part: The `Part`.
            earlier: Dict of what updates of the whole batch have handed on in this step, to which this one adds.
        """
        update, slices = part.update, self._slices[part.index]
        earlier = earlier if slices == 1 else {}

        def run():
            values, terms, charge, handed_back, handed_on, gradients = self._gradients(part, dict(earlier))
            earlier.update(handed_on)
            self._apply(part, gradients)
            self._take_back(part, handed_back)
            return values, terms, charge, gradient_probe(part, gradients)

        # One device knows before it runs a step which inner updates have rows, and leaves the others out.
        if slices == 1 or not tf.distribute.has_strategy():
            return run()
        moved = [*self.state.layer_states(), *part.variables]
        moved += [] if update.optimizer is None else update.optimizer.variables
        return undo_where(part.rows == 0, moved, run)

    def _take_back(self, part, handed_back):
        """Combines over replicas what a loss handed back; outside XLA, which cannot hold collectives."""
        states = [(self.carried[name], value) for name, value in handed_back.items()]
        rows = count_rows(part.batch)
        local = [state.local(value, rows) for state, value in states]
        to_sum = []
        for (state, _), tensors in zip(states, local, strict=True):
            if not state.gathers:
                to_sum += tensors
        summed = iter(sum_over_replicas(to_sum))
        for (state, _), tensors in zip(states, local, strict=True):
            if not state.gathers:
                tensors = [next(summed) for _ in tensors]
            state.commit(tensors, part.rows, replica_count())

    def evaluate(self, batch):
        """Yields each update's part, values, terms and charge; no weight moves, the noise is the same at every call."""
        earlier = {}
        for part in place([(k, u, 0, batch) for k, u in enumerate(self.updates)], batch)[0]:
            values, terms, _, handed_on = self._loss(part, earlier, training=False)
            earlier.update(handed_on)
            yield part, values, terms, self._regularization(part.update)
        self.state.batches_evaluated.assign_add(1)

    def _loss(self, part, earlier, training):
        """Values, terms and what is handed back and on of the rows that this replica holds."""
        batch, real_rows = part.batch, count_rows(part.batch)
        # A replica may have no rows: convolutions fail on them, and Keras' batch normalization makes NaN of their mean.
        # Sums over rows must not see a row that is none; they are plain algebra, which takes no rows as they are.
        pads = tf.distribute.has_strategy() and not part.update.sums
        batch = pad_empty(batch) if pads else batch
        rows = count_rows(batch)
        sums = part.sums if part.update.denominators is not None and replica_count() > 1 else None
        step = self.state.step if training else self.state.batches_evaluated
        stream = noise.stream_id(noise.TRAIN if training else noise.EVALUATE, part.index, part.iteration)
        where = self.state.seed.value, step.value, stream
        draw = noise.Draw(*where, rows, part.offset, training, part.rows, real_rows, sums)
        draw.earlier = earlier
        with padding(real_rows == 0) if pads else contextlib.nullcontext():
            values, terms, handed_back = as_values_and_terms(part.update.loss(batch, draw), part.update)
        if pads:
            values, terms = values[:real_rows], {name: term[:real_rows] for name, term in terms.items()}
        return values, terms, handed_back, draw.handed_on

    def forget_graphs(self):
        """Frees the compiled gradients: a loss may compute otherwise from now on."""
        self._compiled.clear()

    def _gradients(self, part, earlier):
        if not self.compile_gradients:
            return self._local_gradients(part, earlier)
        key = part.index, part.iteration
        # Update and iteration decide the stream of noise, which is a constant of the graph.
        if key not in self._compiled:
            self._compiled[key] = self._compile(part.update, part.variables, *key)
        compute, changed = self._compiled[key]
        *results, new_values = compute(part.batch, earlier, *part[5:])
        for variable, value in zip(changed, new_values, strict=True):
            variable.assign(value)
        return results

    def _compile(self, update, variables, index, iteration):
        """An XLA computation of the gradient, and the variables (batch statistics, seeds) that it gives new values."""
        changed = []

        def compute(batch, earlier, *place):
            # XLA within a strategy cannot assign to the strategy's variables: new values leave it as results.
            with keras.StatelessScope() as scope:
                for variable in variables:
                    if variable.regularizer is not None:  # Keras reads what it charges from the scope
                        scope.add_update((variable, variable.value))
                results = self._local_gradients(Part(update, variables, index, iteration, batch, *place), earlier)
            new = [(v, scope.get_current_value(v)) for v in self.state.changing_variables()]
            new = [(v, value) for v, value in new if value is not None]
            changed[:] = [v for v, _ in new]
            return (*results, [value for _, value in new])

        return traced_alone(compute, jit_compile=True, reduce_retracing=True), changed

    def _local_gradients(self, part, earlier):
        """Values, terms, regularizers' charge and state of the local rows, and their share of the mean's gradient."""
        update = part.update
        variables = [v.value for v in part.variables]
        if update.optimizer is None:
            values, terms, handed_back, handed_on = self._loss(part, earlier, training=True)
            return values, terms, tf.constant(0.0), handed_back, handed_on, []
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            values, terms, handed_back, handed_on = self._loss(part, earlier, training=True)
            charge = self._regularization(update)
            # Local sums over global rows, so that the sum over replicas is the mean's gradient for uneven parts, too;
            # what weights are charged is no sum over rows, and every replica adds its share of it.
            loss = tf.math.divide_no_nan(tf.reduce_sum(values), part.rows) + charge / replica_count()
            loss = update.optimizer.scale_loss(loss)
        return values, terms, charge, handed_back, handed_on, tape.gradient(loss, variables)

    @staticmethod
    def _regularization(update):
        losses = [tf.cast(loss, tf.float32) for network in update.networks for loss in network.losses]
        return tf.add_n(losses) if losses else tf.constant(0.0)

    def _apply(self, part, gradients):
        update = part.update
        if update.optimizer is None or not part.variables:
            return
        leave_gradients_as_they_are(update.optimizer)
        if all(gradient is None for gradient in gradients):
            raise refusal(
                f"The loss of update {update.name!r} should depend on weights of its networks", "no gradient for any"
            )
        pairs = zip(sum_over_replicas(gradients), part.variables, strict=True)
        # A penalty has no gradient for some weights, a last bias, that the main loss moves: nothing to warn of.
        pairs = [(g, v) for g, v in pairs if g is not None or id(v) not in self._moved_twice]
        update.optimizer.apply([g for g, _ in pairs], [v for _, v in pairs])
        if update.after is not None:
            update.after()
