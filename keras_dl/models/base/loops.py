"""The loops of a model: what Keras' `fit`, `evaluate` and `predict` call, and what is added to them."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from keras_dl.models.base import checking, execution, fitting, structure
from keras_dl.models.base.parts import take_part
from keras_dl.models.base.replicas import first_row
from keras_dl.models.base.reporting import with_absent
from keras_dl.models.base.tracking import track
from keras_dl.types import Nest, Tensor


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
        splits = self.phases.steps_per_batch(self.state.phase)
        offset = first_row(batch) if splits > 1 else 0
        for index in range(splits):
            part_of_batch, chosen = take_part(batch, index, splits, offset), due and due[index]
            for ordinal, (part, *results, gradient) in enumerate(self.program.train(part_of_batch, chosen, rows)):
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
        self.build_metrics(checking.without_none(local))

    def build_metrics(self, batch: Nest) -> None:
        """Creates the variables of compiled metrics from one local batch, where a family has such metrics."""

    def fit(
        self,
        x: Nest | None = None,
        y: Nest | None = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Any = None,
        **options,
    ) -> keras.callbacks.History:
        """Trains the model; `keras.Model.fit`, with a data order that a saved model remembers.

        Arrays go through `keras_dl.data.pipeline`: their order is a function of the model's seed, the epoch and the
        position in it. `x` may also be a `tf.data.Dataset`; one made by `pipeline` is resumed exactly too.
        """
        options |= {"batch_size": batch_size, "epochs": epochs, "verbose": verbose, "callbacks": callbacks}
        return fitting.fit(self, super().fit, x, y, **options)

    def predict(self, x: Nest, batch_size: int | None = None, verbose: int | str = "auto", **options) -> Any:
        """Returns what the model makes of `x`, batch by batch; `keras.Model.predict`, with checked arrays.

        A conditional model takes a dataset of `(x, condition)`, as `fit` does.
        """
        return fitting.predict(self, super().predict, x, batch_size=batch_size, verbose=verbose, **options)

    def predict_step(self, data: Nest) -> Nest:
        """Returns the outputs of a batch: of `x`, or of `(x, condition)` where networks take a condition."""
        batch = checking.without_none(data)
        if structure.takes_conditions(self.networks) and isinstance(batch, tuple) and len(batch) == 2:
            data = (batch,)
        return super().predict_step(data)

    def evaluate(
        self,
        x: Nest | None = None,
        y: Nest | None = None,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        **options,
    ) -> Any:
        """Evaluates every update's loss and terms; `keras.Model.evaluate`, with the same noise at every call.

        Callbacks that measure, `keras_dl.callbacks.SampleMetrics`, add to the result what they find.
        """
        return fitting.evaluate(self, super().evaluate, x, y, batch_size=batch_size, verbose=verbose, **options)

    def train_on_batch(
        self,
        x: Nest,
        y: Nest | None = None,
        sample_weight: Tensor | None = None,
        class_weight: dict | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Trains on one batch; `keras.Model.train_on_batch`, with arrays that are checked as those of `fit` are.

        A dict lacks the losses of updates that have not run since the metrics began anew; a list has NaN for them.
        """
        weight = fitting.check_batch(self, "train_on_batch", x, y, sample_weight, class_weight)
        logs = super().train_on_batch(x, y, weight, return_dict=True)
        return logs if return_dict else self._flatten_metrics_in_order(with_absent(self, logs))

    def test_on_batch(
        self, x: Nest, y: Nest | None = None, sample_weight: Tensor | None = None, return_dict: bool = False
    ) -> Any:
        """Evaluates one batch; `keras.Model.test_on_batch`, with checked arrays."""
        weight = fitting.check_batch(self, "test_on_batch", x, y, sample_weight)
        return super().test_on_batch(x, y, weight, return_dict=return_dict)

    def predict_on_batch(self, x: Nest) -> Any:
        """Returns what the model makes of one batch; `keras.Model.predict_on_batch`, with checked arrays."""
        fitting.check_predicted(self, x, "predict_on_batch")
        return super().predict_on_batch(x)
