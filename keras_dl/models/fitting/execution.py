"""How steps become computations, and how batches reach them."""

import contextlib
import functools
import itertools

import tensorflow as tf

from keras_dl.models.base import phases
from keras_dl.models.conditions import class_checks, refused_labels, unpack
from keras_dl.models.fitting.batches import ahead, next_batches, skipped, wanted, without_none
from keras_dl.models.fitting.checking import check_rows
from keras_dl.models.fitting.choosing import evaluates_by_xla
from keras_dl.models.fitting.graphs import compiled, traced_alone
from keras_dl.models.fitting.reporting import of_updates_that_ran


def train_function(model):
    """The function with which `fit` runs `model.steps_per_execution` steps, given an iterator over batches."""
    run = Replicated(model, model.run_updates, training=True) if model.distributed else _on_one_device(model)

    def function(iterator):
        logs = run(iterator)
        model.finiteness.refuse(model, logs)
        return of_updates_that_ran(model, logs)

    return function


def _on_one_device(model):
    """The function that trains without replicas."""
    programs = Programs(model)

    def function(iterator):
        batches = next_batches(model, iterator)
        if model.stream is not None:
            if model.stream.unchecked and batches:
                check_rows(model, tf.nest.flatten(batches[0])[0].shape[0])
            model.stream.check(batches)
        if not batches:
            raise StopIteration
        left = batches[skipped(model, len(batches)) :]
        if not left:  # which a generator's first batch builds: others are read before the epoch begins
            model.build_metrics(batches[0])
        return programs.run(left)

    return function


def test_function(model):
    """The function with which `evaluate` runs batches, given an iterator over them."""
    if model.distributed:
        return Replicated(model, model.run_evaluation)
    step = functools.partial(compiled, model.test_step, jit_compile=evaluates_by_xla(model))
    steps = {exact: model.test_step if model.run_eagerly else step(exact=exact) for exact in (True, False)}

    def function(iterator):
        single, logs = steps[model.evaluates_one_length], None
        for batch in itertools.islice(iterator, model.steps_per_execution):
            batch = without_none(batch)
            if model.stream is not None:
                model.stream.check([batch])
            logs = single(batch)
        if logs is None:
            raise StopIteration
        return logs

    return function


def predict_function(model, keras_function):
    """The function with which `predict` runs batches, given a list of them.

    Args:
        model: The model.
        keras_function: Keras' own, which replicas run.
    """
    if model.run_eagerly:
        return keras_function
    options = {"autograph": True, "reduce_retracing": True}  # Keras': a network may have conditions of its own
    if model.distributed:
        return traced_alone(keras_function.python_function, **options)
    step = model.predict_step
    if evaluates_by_xla(model):
        step = traced_alone(step, jit_compile=True, **options)

    def function(batches):
        outputs = [step(batch) for batch in batches]
        return tf.nest.map_structure(lambda *parts: tf.concat(parts, 0), *outputs)

    return traced_alone(function, **options)


class Programs:
    """A model's training step, single and stacked, plain and by XLA: each is compiled when first needed, and stays.

    Args:
        model: The model, whose `jit_compile`, `xla_rows`, `steps_per_execution` and `knows_length` say what is used.
    """

    def __init__(self, model):
        self.model, self._functions = model, {}

    def run(self, batches):
        """Trains on each batch in turn, those of one shape together; returns the means of the epoch so far."""
        logs = None if batches else self.model.get_metrics_result()
        for _, group in itertools.groupby(batches, lambda batch: [t.shape for t in tf.nest.flatten(batch)]):
            logs = self._run_alike(list(group))
        return logs

    def _run_alike(self, batches):
        """Batches of one shape: all of them as one computation, or step by step. The numbers are the same."""
        model, rows = self.model, tf.nest.flatten(batches[0])[0].shape[0]
        xla = model.jit_compile and model.xla_rows in (None, rows)
        # A batch that leaves inner updates without rows is a computation of its own.
        option = {"rows": rows} if rows < model.program.fewest_rows else {}
        stacks = model.steps_per_execution > 1 and not model.run_eagerly and not option
        self._begin(batches[0])
        # A phase that ends within the stack has other updates from there on, so that its steps are run one by one.
        if stacks and phases.within_phase(model, rows * len(batches)):
            with phases.noted(model, len(batches)):
                stack = _stacked(batches, model.steps_per_execution if xla else None)
                return self._function(_train_stack, xla)(*stack)
        for batch in batches:
            self._begin(batch)
            with phases.noted(model):
                logs = self._function(_train_step, xla)(batch, **phases.due_updates(model), **option)
        return logs

    def _begin(self, batch):
        """Lets a new model see its first batch, and frees the graphs of the phase before where a new one begins."""
        phases.initialize(self.model, lambda see: see(batch))
        if phases.enter_phase(self.model):
            self._functions.clear()

    def _function(self, step, xla):
        if self.model.run_eagerly:
            return self.model.train_step
        key = step, xla, self.model.knows_length
        if key not in self._functions:
            # The axes that may vary without another graph: the rows, and how many batches are stacked.
            axes = 2 if step is _train_stack else 1
            options = {"exact": self.model.knows_length, "jit_compile": xla}
            self._functions[key] = compiled(functools.partial(step, self.model), axes, **options)
        return self._functions[key]


def _stacked(batches, size=None):
    """Batches one above the other, and how many they are; copies of the last one fill up to `size`."""
    count = len(batches)
    batches = batches + batches[-1:] * ((size or count) - count)
    return tf.nest.map_structure(lambda *t: tf.stack(t), *batches), tf.constant(count)


def _train_step(model, batch, **options):
    return model.train_step(batch, **options)


def _train_stack(model, stack, count):
    """The first `count` batches of a stack. For XLA a stack of another size would be another computation."""

    def body(index):
        phases.run_due_updates(model, tf.nest.map_structure(lambda t: t[index], stack))
        return index + 1

    tf.while_loop(lambda index: index < count, body, [tf.constant(0)])
    return model.get_metrics_result()


def _run_on_replicas(strategy, function, batch):
    """Runs a function once on every replica, as a graph: replicas run eagerly with a warning."""
    traced_alone(lambda: strategy.run(function, args=(batch,)))()


class Replicated:
    """A step on every replica's part of each batch, batch after batch. XLA, if any, is in the gradients.

    Args:
        model: The model.
        step: Function of a batch, `run_updates` or `run_evaluation`.
        training: Whether it trains.
    """

    def __init__(self, model, step, training=False):
        self.model, self.step, self.training = model, step, training
        self._strategy = model.distribute_strategy
        self._classes = model.condition_classes() if model.has_conditions else None
        # A worker that refused a batch would leave the others waiting: they check the first batch, and conditions.
        self._alone = self._strategy.cluster_resolver is None
        # A graph for each set of updates that run together, of this phase, plain and by XLA.
        self._graphs = {}

    def __call__(self, iterator):
        """Runs as many batches of an iterator as the model runs in one call; returns the means so far."""
        logs = None
        with contextlib.suppress(StopIteration, tf.errors.OutOfRangeError), refused_labels():
            for _ in range(wanted(self.model) if self.training else self.model.steps_per_execution):
                logs = self._train_next(iterator) if self.training else self._run_next(iterator)
        if logs is None:
            raise StopIteration
        return logs

    def _train_next(self, iterator):
        model = self.model
        for _ in range(ahead(model)):
            next(iterator)
        if skipped(model, 1):  # trained on before: read it, so that the order goes on behind it
            next(iterator)
            return model.get_metrics_result()
        # Where the data end here, the epoch's validation still belongs to the phase that is over.
        batch = next(iterator) if phases.is_over(model) else None
        if phases.enter_phase(model):
            self._graphs.clear()
        with phases.noted(model):
            return self._run_next(iterator, batch, **phases.due_updates(model))

    def _run_next(self, iterator, batch=None, **options):
        model = self.model
        distributed = isinstance(iterator, (tf.data.Iterator, tf.distribute.DistributedIterator))
        begins = self.training and model.initializes and not model.state.initialized
        checks = self._alone and model.stream is not None
        if distributed and not begins and not checks and batch is None:
            return self._graph(True, **options)(iterator)
        # Of train_on_batch, to be checked, or what the model or a phase begins with.
        batch = without_none(next(iterator) if batch is None else batch)
        if checks:
            model.stream.check_replicas(batch, self._strategy)
        if self.training:
            phases.initialize(model, lambda see: _run_on_replicas(self._strategy, see, batch))
        return self._graph(False, **options)(batch) if distributed else self._run(batch, **options)

    def _graph(self, from_iterator, **options):
        key = (from_iterator, self.model.program.compile_gradients, *options.items())
        if key not in self._graphs:

            def traced(source):
                return self._run(without_none(next(source)) if from_iterator else source, **options)

            self._graphs[key] = traced if self.model.run_eagerly else traced_alone(traced, reduce_retracing=True)
        return self._graphs[key]

    def _run(self, batch, **options):
        def on_replica(batch):
            checks = [] if self._classes is None else class_checks(unpack(batch)[1], self._classes)
            with tf.control_dependencies([*tf.nest.flatten(batch), *checks]):  # without data no counter moves either
                self.step(batch, **options)

        self._strategy.run(on_replica, args=(batch,))
        return self.model.get_metrics_result()
