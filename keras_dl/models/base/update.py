"""What a model minimises, with respect to which weights."""

from collections.abc import Callable
from typing import Any, NamedTuple


class Update(NamedTuple):
    """One scalar to minimise and the weights that move to do so.

    An `ObjectiveModel` is a tuple of updates, run in order at every step. The loss is a plain function:
    gradients, replicas, precision, compilation and metrics belong to the base.

    Attributes:
        name: Name of the update (`"critic"`). It prefixes the metrics where a model has several updates.
        loss: `loss(batch, draw)` returns `values`, one a sample, shape `(batch,)`, or `(values, terms)`, where
            `terms` is a dict of named values to track, each of shape `(batch,)`. `draw` is the `Draw` that gives
            the step's noise and says whether the step trains (`draw.training`).
        networks: Layers or models whose trainable variables move.
        optimizer: The `keras.optimizers.Optimizer` that moves them.
        terms: Names of the terms that `loss` returns, in the order in which logs show them.
        repeats: Inner iterations a step. Iteration `i` sees rows `i::slices` of the batch.
        slices: Into how many interleaved parts the batch is cut; `None` means `repeats`.
        every: The update runs in every so many steps.
        weights: `weights(batch)` gives each sample's weight in the mean, shape `(batch,)`: the objective is
            `sum(values) / sum(weights)` over the global batch. `None`: every sample weighs one.
        after: `after()` is called once the weights have moved (weight clipping).
    """

    name: str
    loss: Callable
    networks: tuple
    optimizer: Any
    terms: tuple[str, ...] = ()
    repeats: int = 1
    slices: int | None = None
    every: int = 1
    weights: Callable | None = None
    after: Callable | None = None

    @property
    def parts(self):
        """Into how many interleaved parts the batch is cut."""
        return self.slices or self.repeats

    @property
    def variables(self):
        """The trainable variables that this update moves."""
        return [v for network in self.networks for v in network.trainable_variables]
