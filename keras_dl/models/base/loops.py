"""What Keras' loops call of a model: its steps, and the functions that run them."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from keras_dl.models import structure
from keras_dl.models.base.finite import track
from keras_dl.models.base.update import split
from keras_dl.models.fitting import batches, execution
from keras_dl.types import Nest


class Loops(keras.Model):
    """The part of an `ObjectiveModel` that Keras' loops run."""

    # Of Keras, which replaces them.
    train_function: Callable
    test_function: Callable
    predict_function: Callable
    # Of the model.
    networks: Any
    distributed: bool
    state: Any
    phases: Any
    program: Any
    finiteness: Any
    _trackers: dict
    _averages: Any

    def train_step(self, data: Nest, due: tuple | None = None, rows: Any = None) -> dict:
        """Runs the updates due on a batch and returns the means of the epoch so far."""
        self.run_updates(data, due, rows)
        return self.get_metrics_result()

    def test_step(self, data: Nest) -> dict:
        """Evaluates every update's loss on a batch, without moving weights, and returns the means so far."""
        self.run_evaluation(data)
        return self.get_metrics_result()

    def run_updates(self, batch: Nest, due: tuple | None = None, rows: Any = None) -> None:
        """Runs the updates that are due on a batch, on one replica, and tracks what they return.

        Args:
            batch: A nest of tensors.
            due: For each of the steps in which the phase takes a batch, the indices of its updates; `None` for all.
            rows: As `StepProgram.train` takes them.
        """
        splits = self.phases.steps_per_batch(self.state.phase) if due is None else len(due)
        for index, batch_of_step in enumerate([batch] if splits == 1 else split(batch, splits)):
            chosen = due and due[index]
            for ordinal, (part, *results, gradient) in enumerate(self.program.train(batch_of_step, chosen, rows)):
                means = track(self._trackers, part, *results)
                self.finiteness.note(part.update, means, gradient, self.state.step.value, ordinal)
            self._averages.update(self.program.rows, tf.cast(self.state.samples.value, tf.float32))

    def run_evaluation(self, batch: Nest) -> None:
        """Evaluates and tracks every update's loss on a replica's part of a batch."""
        for results in self.program.evaluate(batch):
            track(self._trackers, *results)

    def make_train_function(self, force: bool = False) -> None:
        """Makes what `fit` calls per step or stack of steps, once; `force` traces it anew, as after a change."""
        if self.train_function is None or force:
            self.train_function = execution.train_function(self)

    def make_test_function(self, force: bool = False) -> None:
        """Makes what `evaluate` calls per batch, once; `force` traces it anew."""
        if self.test_function is None or force:
            self.test_function = execution.test_function(self)

    def make_predict_function(self, force: bool = False) -> Callable:
        """Makes what `predict` calls per batch, once; `force` traces it anew."""
        if self.predict_function is None or force:
            super().make_predict_function(force)
            self.predict_function = execution.predict_function(self, self.predict_function)
        return self.predict_function

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Builds what `compile` could not: networks, optimizers and trackers exist, compiled metrics may not."""
        compiled = self._compile_metrics
        if iterator is None or not self.distributed or compiled is None or compiled.built:
            return
        batch = next(iter(iterator._get_iterator()))
        local = tf.nest.map_structure(lambda t: self.distribute_strategy.experimental_local_results(t)[0], batch)
        self.build_metrics(batches.without_none(local))

    def build_metrics(self, batch: Nest) -> None:
        """Creates the variables of compiled metrics from one local batch, where a family has such metrics."""

    def predict_step(self, data: Nest) -> Nest:
        """Returns the outputs of a batch: of `x`, or of `(x, condition)` where networks take a condition."""
        batch = batches.without_none(data)
        if structure.takes_conditions(self.networks) and isinstance(batch, tuple) and len(batch) == 2:
            data = (batch,)
        return super().predict_step(data)
