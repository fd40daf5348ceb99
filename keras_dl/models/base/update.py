"""What a model minimises or sums up, with respect to which weights."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import keras


class Update(NamedTuple):
    """One scalar to minimise and the weights that move to do so, or sums over an epoch and the step that takes them.

    An `ObjectiveModel` is a tuple of updates, run in order at every step. The loss is a plain function:
    gradients, replicas, precision, compilation and metrics belong to the base.

    Attributes:
        name: Name of the update (`"critic"`). It prefixes the metrics where a model has several updates.
        loss: `loss(batch, draw)` returns `values`, one per sample, shape `(batch,)`, of which the base takes the mean;
            or `(values, terms)`, where `terms` is a dict of named values to track, each of shape `(batch,)`; or
            `(values, terms, handed_back)`, where `handed_back` is a dict of new values for the model's carried state.
            `draw` is the `Draw` that gives the step's noise and says whether the step trains (`draw.training`).
        networks: Layers or models whose trainable variables move: whole networks, or some layers of one.
        optimizer: The `keras.optimizers.Optimizer` that moves them. Updates may share one. `None` for an update
            without gradients, which has `sums` and `finish`.
        terms: Names of the terms that `loss` returns, in the order in which logs show them.
        repeats: Inner iterations per step. Iteration `i` sees rows `i::slices` of the batch.
        slices: Into how many interleaved parts the batch is cut; `None` means `repeats`.
        every: The update runs in the steps whose number is a multiple of it, the first of them 0.
        denominators: `denominators(batch)` gives a vector of numbers of which the loss needs the sums over the global
            batch (what its means divide by); it finds these as `draw.denominators`, `None` on one replica, where it
            sums by itself.
        after: `after()` is called once the weights have moved (weight clipping).
        hands_back: Names of the carried states (`ObjectiveModel.carry`) that `loss` hands back.
        rescale: Whether the optimizer's rate and betas are adapted, for all updates that share it, to one that runs in
            every `k` steps only: with `c = k / (k + 1)` the rate becomes `c` times itself and each beta its power `c`
            (Karras et al. 2020, "Analyzing and improving the image quality of StyleGAN", appendix B).
        sums: Shapes by name of sums over an epoch, in float64: `handed_back` has the sum over the rows of each.
        finish: `finish(sums)` is called with them at the end of an epoch, and moves what the family wants moved.
    """

    name: str
    loss: Callable
    networks: tuple = ()
    optimizer: Any = None
    terms: tuple[str, ...] = ()
    repeats: int = 1
    slices: int | None = None
    every: int = 1
    denominators: Callable | None = None
    after: Callable | None = None
    hands_back: tuple[str, ...] = ()
    rescale: bool = False
    sums: Mapping[str, tuple] = MappingProxyType({})
    finish: Callable | None = None

    @property
    def parts(self) -> int:
        """Into how many interleaved parts the batch is cut."""
        return self.slices or self.repeats

    @property
    def variables(self) -> list[keras.Variable]:
        """The trainable variables that this update moves, each once."""
        return list({id(v): v for network in self.networks for v in network.trainable_variables}.values())

    @property
    def returned_names(self) -> tuple[str, ...]:
        """Names of all that the loss hands back beside values and terms."""
        return (*self.hands_back, *self.sums)
