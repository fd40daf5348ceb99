"""Moving averages of networks."""

from typing import NamedTuple

import keras
import tensorflow as tf

from keras_dl.checks import check_number, refusal
from keras_dl.types import Tensor


class HalfLife(NamedTuple):
    """An average that halves the share of old weights every so many samples (Karras et al. 2020, StyleGAN2).

    After a step of `n` rows of the global batch, with `s` samples seen so far,

    $$e \\leftarrow m e + (1 - m) w, \\qquad m = 2^{-n / h}, \\qquad h = \\min(\\text{samples}, r s)$$

    Attributes:
        samples: The half-life in samples of the data.
        ramp_up: $r$, such as 0.05: `h` is at most this share of the samples seen so far, so that early weights are
            forgotten soon; `None` for no limit.
    """

    samples: float
    ramp_up: float | None = None

    def momentum(self, rows: Tensor, seen: Tensor) -> Tensor:
        """`m` for a step of `rows` rows, once `seen` samples were seen, float32 scalars."""
        half_life = tf.constant(float(self.samples))
        if self.ramp_up is not None:
            half_life = tf.minimum(half_life, seen * float(self.ramp_up))
        return tf.pow(0.5, rows / tf.maximum(half_life, 1e-8))


class Averages:
    """Copies of networks whose weights follow the originals slowly: `e <- m e + (1 - m) w` after each step.

    Buffers (the statistics of batch normalization) are copied, not averaged, as the average of the weights wants the
    statistics of the latest activations; those of a layer whose attribute `averages_statistics` is true are averaged.

    Args:
        momentum: `m`, between 0 and 1, or a `HalfLife`; or a dict of those by name, for several averages, of which the
            first is the one that samples and exports use; `None` keeps no copies.
        networks: Dict of the networks to follow, by name.
    """

    def __init__(self, momentum, networks):
        self.rules = _rules(momentum)
        self.labels = tuple(momentum) if isinstance(momentum, dict) else ()
        self._followed, self.networks = {}, {}
        for label, rule in self.rules.items():
            for name, network in networks.items():
                key = average_name(name, label)
                self._followed[key] = (network, rule)
                self.networks[key] = _copy(network)

    def network(self, name, label=""):
        """The average of a network, the first or that of a label; `None` where it is not kept.

        Raises:
            ValueError: If averages are kept, and none has the label.
        """
        if label and self.rules and label not in self.labels:
            raise refusal(f"`average` should be one of {self.labels}, the keys of ema_momentum", average=label)
        return self.networks.get(average_name(name, "" if (label,) == self.labels[:1] else label))

    def update(self, rows, seen):
        """Moves the averages one step.

        Args:
            rows: Rows of the global batch, a float scalar.
            seen: Samples seen so far, these included, a float scalar.
        """
        for key, copy in self.networks.items():
            network, rule = self._followed[key]
            momentum = rule.momentum(rows, seen) if isinstance(rule, HalfLife) else rule
            averaged = _averaged_ids(network)
            for average, variable in zip(copy.weights, network.weights, strict=True):
                if id(variable) in averaged:
                    rate = tf.cast(1.0 - momentum, average.dtype)
                    average.assign(average.value + rate * (variable.value - average.value))
                else:
                    average.assign(variable.value)


def average_name(network, label=""):
    """The key of an average: the network's name, with the average's own where there are several."""
    return f"{network}/{label}" if label else network


def check_rule(rule, name="ema_momentum"):
    """Returns a momentum or a `HalfLife` within bounds, or raises a `ValueError` that calls it `name`."""
    if isinstance(rule, (list, tuple)):
        if not 1 <= len(rule) <= 2:
            raise refusal(f"`{name}` should be a momentum or HalfLife(samples, ramp_up)", **{name: rule})
        rule = HalfLife(*rule)  # as a config holds it
        check_number(rule.samples, f"samples of {name}", above=0)
        if rule.ramp_up is not None:
            check_number(rule.ramp_up, f"ramp_up of {name}", above=0)
        return rule
    return check_number(rule, name, least=0, below=1)


def _rules(momentum):
    """Rules by label; the first has none, as it is the one that a network's name means."""
    if momentum is None:
        return {}
    if not isinstance(momentum, dict):
        return {"": check_rule(momentum)}
    if not momentum:
        raise refusal("`ema_momentum` should hold at least one average", ema_momentum=momentum)
    first, *others = ((label, check_rule(rule, f"ema_momentum[{label!r}]")) for label, rule in momentum.items())
    return {"": first[1], **dict(others)}


def _averaged_ids(network):
    """Ids of the variables that are averaged: those that train, and statistics where a layer says so."""
    ids = {id(variable) for variable in network.trainable_variables}
    for layer in network._flatten_layers():
        if getattr(layer, "averages_statistics", False):
            ids |= {id(variable) for variable in layer.variables if "float" in variable.dtype}
    return ids


def _copy(network):
    if isinstance(network, keras.Model):
        copy = keras.models.clone_model(network)
    else:  # a layer, whose config says how it was built
        copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(network))
    if not copy.built:
        copy.build(network.input_shape)
    copy.set_weights(network.get_weights())
    copy.trainable = False
    return copy
