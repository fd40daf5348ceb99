"""Means of an epoch, every update's loss and terms; and where the first that is NaN or infinite came from."""

import contextlib
import math
from typing import NamedTuple, Self

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.models.fitting.epoch_metrics import gather

_PARTS = 2**20  # more than the inner updates of a step


def make_trackers(updates):
    """A `keras.metrics.Mean` for the loss and every term of every update, by `(update's name, term)`."""
    keys = [(update.name, term) for update in updates for term in ("loss", *update.terms)]
    return {key: keras.metrics.Mean(name=metric_name(updates, *key)) for key in keys}


def metric_name(updates, update, term):
    """What logs call a term of an update, by the update's name."""
    return f"{update}_{term}" if len(updates) > 1 else term


def track(trackers, part, values, terms, charge):
    """Adds what a part found to the trackers; returns its means on this replica, the loss's first."""
    share = tf.math.divide_no_nan(1.0, part.local_rows)
    means = []
    for term, value in {"loss": values, **terms}.items():
        means.append(tf.reduce_sum(value) * share + (charge if term == "loss" else 0.0))
        trackers[part.update.name, term].update_state(means[-1], sample_weight=part.local_rows)
    return tf.stack(means)


class Place(NamedTuple):
    """Where a training first met NaN or an infinity.

    Attributes:
        update: Name of the update.
        term: Name of the term of its loss, `"loss"`, `"gradient"` or `"weights"`.
        step: The step, counted from 1.
    """

    update: str
    term: str
    step: int


class NotFiniteError(ValueError):
    """A training has met NaN or an infinity; the message names update, term and step.

    Attributes:
        place: The same as a `Place`; `None` where only the epoch is known.
        epoch: The epoch, counted from 1; `None` where it is not known.
    """

    place: Place | None = None
    epoch: int | None = None

    def at(self, place: Place | None, epoch: int | None) -> Self:
        """Notes where it was; returns itself."""
        self.place, self.epoch = place, epoch
        return self


def gradient_probe(part, gradients):
    """A number that is not finite where the gradients of a `Part` are not: a sum of some of them.

    A backward pass that breaks also breaks the gradients of biases and scales from there on. They are few, so their sum
    costs next to nothing. With loss scaling infinities are expected: the optimizer skips the step.
    """
    pairs = zip(gradients, part.variables if gradients else (), strict=True)
    pairs = [(g.values if isinstance(g, tf.IndexedSlices) else g, v.shape) for g, v in pairs if g is not None]
    if not pairs or isinstance(part.update.optimizer, keras.optimizers.LossScaleOptimizer):
        return tf.constant(0.0)
    vectors = [g for g, shape in pairs if len(shape) < 2] or [min(pairs, key=lambda pair: math.prod(pair[1]))[0]]
    return tf.reduce_sum(tf.concat([tf.reshape(tf.cast(g, tf.float32), [-1]) for g in vectors], 0))


class Finiteness:
    """Remembers when each mean first was NaN or infinite, within steps that run stacked in one computation too.

    A moment is a number that grows with the step and with the inner update in it; 0 means never.

    Args:
        updates: The model's updates.

    Attributes:
        raises: Whether `refuse` and `refuse_weights` raise errors.
    """

    def __init__(self, updates, raises=True):
        self.updates, self.raises = updates, raises
        # A term before the loss that it spoils, and that before its gradient.
        self._terms = {update.name: (*update.terms, "loss", "gradient") for update in updates}
        self._names = {metric_name(updates, update.name, t) for update in updates for t in (*update.terms, "loss")}
        options = {
            "trainable": False,
            "synchronization": tf.VariableSynchronization.ON_READ,
            "aggregation": tf.VariableAggregation.SUM,
        }
        self._moments = {
            name: tf.Variable(np.zeros(len(terms), np.int64), **options) for name, terms in self._terms.items()
        }

    def note(self, update, means, gradient, step, ordinal):
        """Notes what one inner update gave.

        Args:
            update: The update.
            means: Vector of its means, the loss's first.
            gradient: What `gradient_probe` gave.
            step: The number of steps done.
            ordinal: The number of the inner update in the step.
        """
        moments = self._moments[update.name]
        new = (moments == 0) & ~tf.math.is_finite(tf.concat([means[1:], means[:1], gradient[None]], 0))
        moments.assign(tf.where(new, step * _PARTS + ordinal + 1, moments))

    def reset(self):
        """Forgets all moments."""
        for moments in self._moments.values():
            moments.assign(tf.zeros_like(moments))

    def first(self, strategy):
        """Returns the first `Place`, or `None`. Under several workers all of them must call it."""
        variables = list(self._moments.values())
        if strategy.num_replicas_in_sync == 1:
            values = [variable.numpy()[None] for variable in variables]
        else:
            values = [moments.numpy() for moments in gather(strategy, lambda: variables)]
        places = []
        for (name, terms), moments in zip(self._terms.items(), values, strict=True):
            earliest = np.where(moments > 0, moments, np.iinfo(np.int64).max).min(0)
            # Of terms that broke in one inner update the one that comes first in it.
            places += [(earliest[index], index, name, term) for index, term in enumerate(terms)]
        moment, _, name, term = min(places)
        return None if moment == np.iinfo(np.int64).max else Place(name, term, int(moment - 1) // _PARTS + 1)

    @contextlib.contextmanager
    def left_to(self, callbacks):
        """Raises nothing within, if a callback sees to what is not finite: `handles_not_finite` says so."""
        handled = any(
            isinstance(callback, keras.callbacks.TerminateOnNaN) or getattr(callback, "handles_not_finite", False)
            for callback in callbacks
        )
        before, self.raises = self.raises, self.raises and not handled
        try:
            yield
        finally:
            self.raises = before

    def refuse(self, model, logs):
        """Raises an error where the means of the epoch so far hold NaN or an infinity of a step.

        Args:
            model: The model.
            logs: Dict of scalars by name, what a training function returns. All workers see the same.

        Raises:
            NotFiniteError: If a mean is not finite.
        """
        if not self.raises or all(_is_finite(value) for name, value in logs.items() if name in self._names):
            return
        place = self.first(model.distribute_strategy)
        if place is not None:
            name, epoch = metric_name(self.updates, place.update, place.term), model.state.epoch + 1
            raise refusal(
                f"{name} not finite in epoch {epoch}: it should be a number; compile(check_finite=False) goes on",
                f"NaN or infinity in update {place.update!r}, term {place.term!r}, step {place.step}",
                error=NotFiniteError,
            ).at(place, epoch)

    def refuse_weights(self, model):
        """Raises an error where a step has made weights NaN or infinite: what no later step of the epoch has shown.

        Raises:
            NotFiniteError: If a weight that an update moves is not finite.
        """
        for update in self.updates if self.raises else ():
            step = int(model.state.step.numpy())
            broken = [v.path for v in update.variables if not np.isfinite(keras.ops.convert_to_numpy(v)).all()]
            if broken:
                raise refusal(
                    f"Weights not finite in epoch {model.state.epoch + 1}: they should be numbers",
                    f"NaN or infinity in {', '.join(broken)} of update {update.name!r} after step {step}",
                    error=NotFiniteError,
                ).at(Place(update.name, "weights", step), model.state.epoch + 1)


def _is_finite(value):
    """Whether a scalar tensor is finite; several workers give theirs an axis."""
    return math.isfinite(np.asarray(value).item())
