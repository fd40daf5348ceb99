"""The metrics of an epoch under way: what the trackers have summed so far, replica by replica."""

import warnings

import numpy as np
import tensorflow as tf

from keras_dl.models.fitting.graphs import traced_alone


def read(model):
    """Returns the values of the metrics' variables, each of shape `(replicas, *variable.shape)`.

    Under several workers all of them must call it.
    """
    variables = _variables(model)
    strategy = model.distribute_strategy
    if strategy.num_replicas_in_sync == 1:
        return [np.asarray(variable)[None] for variable in variables]
    return [value.numpy() for value in gather(strategy, lambda: [variable.value for variable in variables])]


def write(model, values):
    """Gives the metrics the values that `read` returned; over another number of replicas, their sums."""
    variables = _variables(model)
    if [v.shape for v in variables] != [value.shape[1:] for value in values]:
        warnings.warn("The model has other metrics than the saved one: those of this epoch begin anew", stacklevel=2)
        return
    strategy = model.distribute_strategy
    count = strategy.num_replicas_in_sync
    if any(len(value) != count for value in values):
        values = [np.stack([value.sum(0)] + [np.zeros_like(value[0])] * (count - 1)) for value in values]

    def assign():
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        for variable, value in zip(variables, values, strict=True):
            variable.value.assign(tf.gather(tf.cast(value, variable.dtype), replica))

    traced_alone(lambda: strategy.run(assign))()  # as a graph: replicas run eagerly with a warning
    sums = {id(variable): value.sum() for variable, value in zip(variables, values, strict=True)}
    counts = [sums[id(model._trackers[update.name, "loss"].count)] for update in model.updates]
    model.state.note_run({index for index, count in enumerate(counts) if count > 0})


def gather(strategy, function):
    """The tensors of the list that `function()` gives on each replica, stacked over replicas on a new first axis."""

    def on_replicas():
        local = strategy.run(lambda: [tf.identity(tensor)[None] for tensor in function()])
        return [strategy.gather(tensor, axis=0) for tensor in local]

    return traced_alone(on_replicas)()


def _variables(model):
    return [variable for metric in model.metrics for variable in metric.variables]
