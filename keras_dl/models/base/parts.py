"""Parts of a batch, and what a loss returns for one."""

from typing import Any, NamedTuple

import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.models.base.update import Update


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


def take_part(batch, index, parts, offset=0):
    """The rows `index::parts` of the global batch that lie in this one, which begins at its row `offset`."""
    return batch if parts == 1 else tf.nest.map_structure(lambda t: t[(index - offset) % parts :: parts], batch)


def pad_empty(batch):
    """A batch with one row of zeros where it has none."""

    def pad(tensor):
        shape = tf.shape(tensor)
        return tf.concat([tensor, tf.zeros(tf.concat([[tf.maximum(1 - shape[0], 0)], shape[1:]], 0), tensor.dtype)], 0)

    return tf.nest.map_structure(pad, batch)


class Part(NamedTuple):
    """The rows that one gradient computation sees, and where they stand in the global batch.

    Attributes:
        rows: Number of rows of the global batch, a float scalar; `local_rows` are this replica's.
        sums: What `Update.denominators` gave, summed over the global batch; empty where there is one replica.
        offset: The row of the global batch at which this replica's rows start.
    """

    update: Update
    index: int  # type: ignore[assignment]  # not the method that tuples have
    iteration: int
    batch: Any
    rows: tf.Tensor
    local_rows: tf.Tensor
    sums: tf.Tensor
    offset: tf.Tensor
