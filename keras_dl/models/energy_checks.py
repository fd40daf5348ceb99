"""Refusals of energy models."""

import math
import warnings

import keras
import numpy as np
import tensorflow as tf

from keras_dl import objectives, samplers
from keras_dl.checks import check_count, check_number, check_seed, pixels_hint, refusal
from keras_dl.data.checks import as_array
from keras_dl.models import shapes
from keras_dl.models.base import NotFiniteError
from keras_dl.models.energy_parts import LogNormalizer
from keras_dl.models.fitting.datasets import batch_spec
from keras_dl.models.structure import inputs_of, mixes_rows


class DivergenceError(NotFiniteError):
    """The energies of a model in training have left all bounds."""


def check_network(network: keras.Model) -> tuple:
    """Refuses a network that does not give one energy per sample; returns the shape of a sample."""
    shape, outputs = check_input(network), shapes.output_shape(network)
    if outputs not in ((), (1,)):
        raise refusal("The network should give energies of shape (batch, 1) or (batch,)", f"(batch, *{outputs})")
    return shape


def check_classifier(network: keras.Model) -> tuple:
    """Refuses a network that does not give logits of several classes; returns the shape of a sample."""
    shape, outputs = check_input(network), shapes.output_shape(network)
    if len(outputs) != 1 or outputs[0] < 2:
        raise refusal("The network should give logits of shape (batch, num_classes)", f"(batch, *{outputs})")
    return shape


def check_input(network):
    """Returns the shape of a sample, or refuses a network of several inputs or unknown sizes.

    Warns of one that gives the energy of a sample only beside those of others.
    """
    inputs = inputs_of(network) if isinstance(network, keras.Model) else None
    expected = tuple(inputs.shape[1:]) if tf.is_tensor(inputs) or isinstance(inputs, keras.KerasTensor) else None
    if not isinstance(expected, tuple) or not expected or None in expected:
        raise refusal("The network should take one array of samples of known shape", f"{expected}")
    if mixes_rows(network):
        warnings.warn(
            "Energies and their slopes are those of each sample, which batch normalization in the network mixes with "
            "other data and with samples: use layer normalization or none.",
            stacklevel=5,
        )
    return tuple(expected)


def check_parts(objective, sampler, shape):
    """Refuses what is no objective or no sampler, or an objective of other data."""
    if not isinstance(objective, objectives.EnergyObjective):
        raise refusal(
            "`objective` should be a keras_dl.objectives.EnergyObjective", objective=objective, error=TypeError
        )
    check_sampler(sampler)
    if objective.most is not None and math.prod(shape) > objective.most:
        raise refusal(f"`objective` should be one of samples of {math.prod(shape)} values", objective=objective)
    if objective.last_steps and not isinstance(sampler, samplers.Langevin):
        raise refusal("`sampler` should be Langevin's, through whose last steps gradients flow", sampler=sampler)
    if objective.last_steps > sampler.steps:
        expected = f"`last_steps` should be at most the {sampler.steps} steps of the sampler"
        raise refusal(expected, last_steps=objective.last_steps)


def check_sampler(sampler):
    """Refuses what is no sampler."""
    if not isinstance(sampler, samplers.MarkovChain):
        raise refusal("`sampler` should be a keras_dl.samplers.MarkovChain", sampler=sampler, error=TypeError)


def check_penalty(penalty, objective):
    """Refuses what is no penalty of slopes, or one at samples where there are none."""
    if penalty is None:
        return
    if not isinstance(penalty, (objectives.GradientPenalty, objectives.R1)):
        expected = "`penalty` should be a GradientPenalty, Dragan, R1 or R2 of keras_dl.objectives"
        raise refusal(expected, penalty=penalty, error=TypeError)
    between = isinstance(penalty, objectives.GradientPenalty) and not isinstance(penalty, objectives.Dragan)
    if (between or isinstance(penalty, objectives.R2)) and not objective.chains:
        raise refusal("`penalty` should be Dragan or R1, at data alone, of objectives without chains", penalty=penalty)


def check_values(x, value_range, bounds=None):
    """Refuses data beyond the range in which chains move, or beyond the box of a grid."""
    x = as_array(x, "x")
    for what, interval in (("the model's `value_range`", value_range), ("the bounds of the grid", bounds)):
        if interval is None or not x.size:
            continue
        low, high = float(np.min(x)), float(np.max(x))
        if low < interval[0] or high > interval[1]:
            raise refusal(
                f"x should lie in [{interval[0]:g}, {interval[1]:g}], {what}{pixels_hint(high)}",
                f"values from {low:g} to {high:g}",
            )


def check_batch(objective, x, batch_size):
    """Refuses batches of more rows than the buffer has slots: of arrays, and of datasets that say their size."""
    if objective.chains != "buffer":
        return
    spec = batch_spec(x)
    if spec is not None:
        rows = tf.nest.flatten(spec)[0].shape[0]
    elif isinstance(x, tf.data.Dataset):
        rows = None
    else:
        rows = 32 if batch_size is None else check_count(batch_size, "batch_size")
    if rows is not None and rows > objective.capacity:
        raise refusal(
            "The buffer's capacity should be at least the size of a batch",
            f"capacity={objective.capacity}, batch_size={rows}",
        )


def check_rates(x):
    """Refuses data that are no zeros and ones, nor rates."""
    x = as_array(x, "x")
    if x.size and (np.min(x) < 0 or np.max(x) > 1):
        raise refusal("x should hold zeros and ones, or rates between", f"values from {np.min(x):g} to {np.max(x):g}")


def check_annealing(num_chains, steps, seed):
    """Returns numbers of chains and steps, and the seed of annealing, or refuses them."""
    return check_count(num_chains, "num_chains"), check_count(steps, "steps"), check_seed(seed)


def check_starts(x):
    """Refuses missing data, from which chains lead to a model's density."""
    if x is None or not np.shape(x) or not len(x):
        raise refusal("`x` should be data, from which chains lead to the model's density", x=x)


def check_bounds(bounds, name="bounds"):
    """Returns the ends of an interval as two floats, or refuses them."""
    if not isinstance(bounds, (list, tuple)) or len(bounds) != 2:
        raise refusal(f"`{name}` should be (low, high), two numbers", **{name: bounds}, error=TypeError)
    low, high = (float(check_number(number, name)) for number in bounds)
    if low >= high:
        raise refusal(f"`{name}` should be (low, high) with low < high", **{name: bounds})
    return low, high


def check_density(log_normalizer, condition):
    """Refuses what is no `LogNormalizer`, and conditions."""
    if condition is not None:
        raise refusal("condition should be None: the model takes none", condition=condition)
    if log_normalizer is not None and not isinstance(log_normalizer, LogNormalizer):
        expected = "`log_normalizer` should be what the model's `log_normalizer` returned"
        raise refusal(expected, log_normalizer=log_normalizer, error=TypeError)
