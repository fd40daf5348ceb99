"""Updates: what a model minimises or sums up, with respect to which weights, and what is refused of them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from keras_dl.checks import check_count, refusal
from keras_dl.models.base.carried import EpochSum
from keras_dl.models.base.replicas import count_rows, first_row, replica_count, share


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


class Part(NamedTuple):
    """The rows that one gradient computation sees, and where they stand in the global batch.

    Attributes:
        variables: The trainable variables that the update moves.
        rows: Number of rows of the global batch, a float scalar; `local_rows` are this replica's.
        sums: What `Update.denominators` gave, summed over the global batch; empty where there is one replica.
        offset: The row of the global batch at which this replica's rows start.
    """

    update: Update
    variables: list
    index: int  # type: ignore[assignment]  # not the method that tuples have
    iteration: int
    batch: Any
    rows: tf.Tensor
    local_rows: tf.Tensor
    sums: tf.Tensor
    offset: tf.Tensor


def take_part(batch, index, parts, offset=0):
    """The rows `index::parts` of the global batch that lie in this one, which begins at its row `offset`."""
    return batch if parts == 1 else tf.nest.map_structure(lambda t: t[(index - offset) % parts :: parts], batch)


def split(batch, parts):
    """The parts `i::parts` of the global batch, of each the rows that lie in this one."""
    offset = first_row(batch)
    return [take_part(batch, index, parts, offset) for index in range(parts)]


def place(slices, batch):
    """The parts of a step, and the rows of the global batch, found by one collective outside of what is compiled.

    Args:
        slices: List of `(number of the update, update, iteration, part of the batch)`.
        batch: The batch.
    """
    moved = [update.variables for _, update, _, _ in slices]
    local = [tf.cast(count_rows(batch), tf.float32)[None]]
    for _, update, _, part in slices:
        rows = tf.cast(count_rows(part), tf.float32)[None]
        counts = update.denominators is not None and replica_count() > 1
        local.append(tf.concat([rows, update.denominators(part)], 0) if counts else rows)
    total, before = share(tf.concat(local, 0))
    sizes = [part.shape[0] for part in local]
    (rows, *totals), (_, *befores) = tf.split(total, sizes), tf.split(before, sizes)
    parts = []
    counted = zip(slices, moved, local[1:], totals, befores, strict=True)
    for (index, update, iteration, part), variables, counts, whole, offset in counted:
        here = whole[0], counts[0], whole[1:], tf.cast(offset[0], tf.int64)
        parts.append(Part(update, variables, index, iteration, part, *here))
    return parts, rows[0]


def as_values_and_terms(result, update: Update):
    """Splits what a loss returned into `(values, terms, handed_back)`, and checks their names and shapes."""
    parts = list(result) if isinstance(result, tuple) else [result]
    values, terms, handed_back = parts + [{}, {}][len(parts) - 1 :]
    for kind, names, returned, where in (
        ("terms", update.terms, terms, "terms"),
        ("state", update.returned_names, handed_back, "hands_back (or sums)"),
    ):
        if set(returned) != set(names):
            raise refusal(
                f"The loss of update {update.name!r} should return the {kind} {sorted(names)}, which its Update names "
                f"in {where}",
                f"{sorted(returned)}",
            )
    terms = {name: _per_sample(term, update, f"term {name!r}") for name, term in terms.items()}
    return _per_sample(values, update, "values"), terms, dict(handed_back)


def _per_sample(values, update, what):
    """Values as float32 of shape `(batch,)`; another shape would be summed into another objective, in silence."""
    values = tf.cast(values, tf.float32)
    rank = values.shape.rank
    if rank == 2 and values.shape[1] == 1:
        return values[:, 0]
    if rank not in (1, None):
        raise refusal(
            f"The loss of update {update.name!r} should return one value per sample, of shape (batch,), and no "
            "mean over the batch: the base divides by its rows",
            f"{what} of shape {values.shape}",
        )
    return values


def check_updates(model, updates, optimizers):
    """Returns what `make_updates` gave as a tuple of `Update`s that can run.

    Args:
        model: The model.
        updates: What `make_updates` returned.
        optimizers: The optimizers that it was given, which files hold.

    Raises:
        ValueError: If it is no sequence of `Update`s with names of their own, or one of them cannot run.
    """
    several = isinstance(updates, (tuple, list)) and not isinstance(updates, Update)
    if not several or not updates or not all(isinstance(update, Update) for update in updates):
        raise refusal("`make_updates` should return a tuple of `Update`s", f"{updates!r}")
    for what, names in (
        ("Updates", [update.name for update in updates]),
        ("Sums of updates", [name for update in updates for name in update.sums]),
    ):
        if len(set(names)) < len(names):
            raise refusal(f"{what} should have names of their own", f"{names}")
    if optimizers and all(update.optimizer is None for update in updates):
        raise refusal("`optimizer_names` should be () for a family without gradients", f"{model.optimizer_names}")
    for update in updates:
        _check_optimizer(update, optimizers)
        _check_states(model, update)
        _check_parts(update)
    return tuple(updates)


def _check_parts(update):
    if not callable(update.loss):
        raise refusal(
            f"The loss of update {update.name!r} should be a function; `self.loss` is an attribute of Keras' own: "
            "give the method another name",
            loss=update.loss,
        )
    for name in ("networks", "terms", "hands_back"):
        value = getattr(update, name)
        if not isinstance(value, (tuple, list)):
            raise refusal(f"{name} of update {update.name!r} should be a tuple: {name}=(...,)", **{name: value})
    for name in ("every", "repeats"):
        check_count(getattr(update, name), f"{name} of update {update.name!r}")


def _check_optimizer(update, optimizers):
    optimizer = update.optimizer
    if optimizer is None or any(optimizer is one for one in optimizers):
        return
    text = f"{type(optimizer).__name__} of its own" if isinstance(optimizer, keras.optimizers.Optimizer) else optimizer
    raise refusal(
        f"The optimizer of update {update.name!r} should be one that make_updates was given, as these are saved and "
        "resumed, or None for an update without gradients; name several in `optimizer_names`",
        optimizer=text,
    )


def _check_states(model, update):
    for name in update.hands_back:
        if name not in model.carried:
            raise refusal(
                f"hands_back of update {update.name!r} should name state that the model carries: "
                f"call carry({name!r}, ...) in __init__",
                f"{name!r}, carried are {sorted(model.carried)}",
            )
    for name in update.sums:
        if not isinstance(model.carried.get(name, EpochSum()), EpochSum):
            raise refusal(
                f"sums of update {update.name!r} should have other names than state that the model carries", f"{name!r}"
            )


def intervals_of(updates):
    """The intervals by which optimizers are rescaled, by the optimizer's id."""
    intervals: dict[int, int] = {}
    for update in updates:
        if update.rescale and intervals.setdefault(id(update.optimizer), update.every) != update.every:
            raise refusal(
                "Updates that rescale one optimizer should run at one interval",
                f"every={intervals[id(update.optimizer)]} and every={update.every}",
            )
    return intervals
