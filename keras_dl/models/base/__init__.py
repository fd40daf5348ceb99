r"""Face of the base for authors of model families: updates, noise, signatures and the model that runs them.

`ObjectiveModel` says what a family must and may write. What a training remembers beside weights and optimizers, each
saved, resumed to the bit and the same on one device, on replicas and in workers:

**A lazy penalty**, in every 16th step, by the optimizer of the main loss, whose rate and betas are rescaled for both:

    def make_updates(self, optimizer):
        main = Update("critic", self.critic_loss, (self.critic,), optimizer)
        return main, Update("r1", self.penalty, (self.critic,), optimizer, every=16, rescale=True)

The base multiplies no loss: a penalty that runs in the steps 0, 16, 32, ... returns 16 times its values to keep its
weight. The logs of an epoch in which it does not run lack it.

**A value that a loss reads and hands back**, here the mean of a path length:

    self.carry("length", Carried(start=0.0, rule=moving(0.99)))                    # in __init__
    Update("path", self.path_loss, (self.generator,), optimizer, hands_back=("length",))
    def path_loss(self, batch, draw):
        lengths = ...                                                              # one per sample
        return tf.square(lengths - self.carried["length"].value), {}, {"length": lengths}

**A pool or replay buffer of samples**, in bytes where they have a range:

    self.carry("pool", SampleBuffer(1000, (32, 32, 3), value_range=(0, 1)))
    slots = draw.slots(1000)                                                       # in the loss: one per row
    old = self.carried["pool"].read(slots)
    return values, {}, {"pool": Rows(slots, new_samples)}

The update names it: `hands_back=("pool",)`. A slot that nobody has written holds zeros, or what `start=` gives; a pool
that is filled in order, `pool.next_slots(draw)`, knows by `pool.filled` how many hold samples.

With `SampleBuffer(..., num_classes=10)` each class has slots of its own, `pool.slots_of(labels, positions)`.

**An update without gradients**: sums over an epoch in float64, then one step of the family:

    Update("em", self.statistics, sums={"count": (k,), "total": (k, d)}, finish=self.m_step)
    def statistics(self, x, draw):
        r = self.responsibilities(x)
        return -self.log_likelihood(x), {}, {"count": tf.reduce_sum(r, 0), "total": tf.matmul(r, x, transpose_a=True)}

A family of such updates alone has `optimizer_names = ()`.

**A start from data**, once, from the global batch:

    def initialize(self, batch, draw):
        mean, variance = mean_and_variance(batch)
        self.shift.assign(mean)                                                    # a layer's weight, or the model's

**Averages by half-life**, several of one network: `ema_momentum={"short": HalfLife(10_000, ramp_up=0.05), "long":
HalfLife(100_000)}`; `self.averaged("generator", "long")`.

**Phases and fades**, by the number of samples seen; the step of each phase is compiled once, bars name it, and logs
hold its number, and the losses of the updates that ran in the epoch:

    self.set_phases([Phase("8x8", 600_000), Phase("fade", 600_000, restart=("critic_optimizer",)), Phase("16x16")])
    alpha = self.phase_fraction()                                                  # in the loss: 0 to 1 within a phase
    level = self.state.phase                                                       # a Python integer in the graph

**NaN and infinities** are errors that name update, term and step: `NotFiniteError`. `compile(check_finite=False)` or a
callback with `handles_not_finite = True` lets a training go on.

**A density** says what it is, by one method that programs and searches read; integers count every Jacobian:

    def log_prob(self, x, condition=None): ...                                     # exact: that is all
    log_prob_kind = "bound"                                                        # else say so, and write:
    def log_density(self, x, condition=None, num_samples=64, seed=None):           # values, standard errors, kind
        return keras_dl.models.monte_carlo.log_density(self, self.weighed, x, condition, num_samples, seed, "bound")
    self.dequantized = Dequantized((28, 28, 1), alpha=1e-6)                        # in __init__: bits per dimension
"""

from keras_dl.models.base.averages import HalfLife
from keras_dl.models.base.buffers import Rows, SampleBuffer
from keras_dl.models.base.carried import Carried, moving
from keras_dl.models.base.finite import NotFiniteError
from keras_dl.models.base.noise import Draw
from keras_dl.models.base.objective_model import ObjectiveModel
from keras_dl.models.base.phases import Phase
from keras_dl.models.base.replicas import gather_rows, mean_and_variance
from keras_dl.models.base.update import Update
from keras_dl.models.formats.signature import SavedModelSignature, Signature, fresh_seed, predict_signature

__all__ = [
    "Carried",
    "Draw",
    "HalfLife",
    "NotFiniteError",
    "ObjectiveModel",
    "Phase",
    "Rows",
    "SampleBuffer",
    "SavedModelSignature",
    "Signature",
    "Update",
    "fresh_seed",
    "gather_rows",
    "mean_and_variance",
    "moving",
    "predict_signature",
]
