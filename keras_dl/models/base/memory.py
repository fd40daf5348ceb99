"""What a training remembers from step to step beside weights and optimizers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_dl.checks import refusal
from keras_dl.models.base.buffers import SampleBuffer
from keras_dl.models.base.carried import Carried, EpochSum
from keras_dl.models.base.noise import Draw
from keras_dl.models.base.phases import Phase, Phases
from keras_dl.models.base.update import Update
from keras_dl.types import Nest, Tensor


class Memory:
    """The part of an `ObjectiveModel` that carries state, sums over epochs and phases."""

    #: The `Phases` of the training: one without an end, unless `set_phases` says otherwise.
    phases = Phases()
    # Of the model.
    updates: tuple[Update, ...]
    state: Any
    carried: dict
    distribute_strategy: Any

    def carry(self, name: str, state: Any) -> Any:
        """Registers a state that losses hand back: saved, resumed, and the same on all replicas.

        Args:
            name: Its name in `Update.hands_back`; `self.carried[name]` is the state.
            state: A `Carried` value or a `SampleBuffer`.
        """
        if name in self.carried:
            raise refusal("Carried states should have names of their own", f"{name!r} twice")
        if not isinstance(state, (Carried, SampleBuffer, EpochSum)):
            raise refusal(f"The state {name!r} should be a Carried or a SampleBuffer", f"{state!r}")
        self.carried[name] = state
        state.name = name
        return state

    def finish_epoch(self) -> None:
        """Gives the updates without gradients their sums over the epoch, and begins these anew."""
        with self.distribute_strategy.scope():
            for update in self.updates:
                if update.finish is not None:
                    update.finish({name: np.asarray(self.carried[name].value, "float64") for name in update.sums})
                for name in update.sums:
                    self.carried[name].reset()

    def set_phases(self, phases: Sequence[Phase]) -> None:
        """Lets the training change with the number of samples seen; a family calls it in `__init__`.

        Args:
            phases: Sequence of `Phase`s.
        """
        self.phases = Phases(phases)

    def phase_fraction(self) -> Tensor:
        """How much of the phase under way is over, a float32 scalar in the graph: what a fade follows."""
        return self.phases.fraction(self.state.phase, self.state.samples.value)

    def initialize(self, batch: Nest, draw: Draw) -> None:
        """Sets what follows from the statistics of a first batch, once; a resumed model never does it again.

        A family that needs it writes it. It runs on every replica, before the first step, with the rows that the
        replica holds: `mean_and_variance` and `gather_rows` of `keras_dl.models.base` see the global batch.

        Args:
            batch: A nest of tensors.
            draw: The `Draw` of noise.
        """
