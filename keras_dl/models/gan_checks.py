"""What is checked of an adversarial model's parts and data before any work starts."""

import warnings

import numpy as np
import tensorflow as tf

from keras_dl import objectives
from keras_dl.checks import pixels_hint, refusal
from keras_dl.models import conditions, shapes
from keras_dl.models.conditions import check_classes
from keras_dl.models.endings import ending
from keras_dl.models.structure import check_network, mixes_rows
from keras_dl.networks.condition_inputs import num_classes


def latent_size(generator, given):
    """The number of latents that the generator takes.

    Raises:
        ValueError: If the generator does not say and it is not `given`, or it takes another number.
    """
    check_network("generator", generator)
    shape = shapes.input_shape(generator, "latents")
    if shape is not None and (len(shape) != 1 or shape[0] is None):
        raise refusal("generator should take latents of shape (batch, latent_size)", f"input shape {shape}")
    size = given if shape is None else shape[0]
    if size is None or (given is not None and given != size):
        raise refusal(f"latent_size should be the number of latents of the generator, {size}", given)
    return int(size)


def check_networks(generator, critic, attributes=None, attribute_critic=None):
    """Refuses critics that cannot judge what the generator makes, or have not the outputs needed."""
    made = shapes.output_shape(generator)
    if attributes is not None and not isinstance(attributes, objectives.Attributes):
        raise refusal(
            "attributes should be objectives.Attributes(sizes), or None", attributes=attributes, error=TypeError
        )
    if attribute_critic is not None and attributes is None:
        raise refusal("attributes should be given with an attribute_critic", "attributes=None")
    if attributes is not None and not conditions.takes_condition(generator):
        raise refusal("generator should be conditional, to show attributes", "one without condition")
    _check_conditions(generator, critic, attributes)
    wanted = 0 if attributes is None else attributes.num_outputs
    _check_critic("critic", critic, made, 1 if attribute_critic is not None else 1 + wanted)
    if attribute_critic is not None:
        _check_critic("attribute_critic", attribute_critic, made, wanted)


def _check_conditions(generator, critic, attributes):
    """Refuses networks that take different conditions, and attributes that are not those that the generator takes."""
    shapes = [n.input["condition"].shape[1:] for n in (generator, critic) if conditions.takes_condition(n)]
    if len(set(map(tuple, shapes))) > 1:
        raise refusal(f"critic should take the generator's condition, of shape {shapes[0]}", f"{shapes[1]}")
    classes = [num_classes(n) for n in (generator, critic) if conditions.takes_condition(n)]
    if None not in classes and len(set(classes)) > 1:
        raise refusal(f"critic should take the generator's classes, {classes[0]}", f"{classes[1]}")
    if attributes is not None and classes[0] not in (None, attributes.sizes):
        raise refusal(f"attributes should be those that the generator takes, {classes[0]}", f"{attributes.sizes}")


def _check_critic(name, critic, made, num_outputs):
    check_network(name, critic)
    judged, outputs = shapes.input_shape(critic, "x"), shapes.output_shape(critic)
    if made is not None and judged is not None and not _fit(made, judged):
        raise refusal(f"{name} should take what the generator makes, of shape {made}", judged)
    if outputs is not None and outputs != (num_outputs,) and (outputs, num_outputs) != ((), 1):
        raise refusal(f"{name} should return shape (batch, {num_outputs})", f"{(None, *outputs)}")


def _fit(made, judged):
    return len(made) == len(judged) and all(m == j or None in (m, j) for m, j in zip(made, judged, strict=True))


def check_objective(objective, penalties, critic):
    """Refuses what is no objective or penalty, and warns of critics that do not suit them."""
    if not isinstance(objective, objectives.Adversarial):
        raise refusal(
            "objective should be an adversarial one, such as NonSaturating()", objective=objective, error=TypeError
        )
    for penalty in penalties:
        if not isinstance(penalty, objectives.Penalty):
            raise refusal(
                "penalty should be one, such as GradientPenalty(), or several", penalty=penalty, error=TypeError
            )
    end = ending(critic)
    if end is not None and end.limited:
        warnings.warn(
            f"critic should end without a {end.name}: {type(objective).__name__} applies what it needs to raw scores.",
            stacklevel=4,
        )
    smooth = [p for p in penalties if isinstance(p, (objectives.GradientPenalty, objectives.R1))]
    if smooth and mixes_rows(critic):
        warnings.warn(
            f"{type(smooth[0]).__name__} takes gradients sample by sample, which batch normalization in the critic "
            "mixes: use layer normalization or none.",
            stacklevel=4,
        )


def check_range(x, generator, name="x"):
    """Refuses data that the generator's end cannot make; warns of data that fill half of its range."""
    end = ending(generator)
    if end is None or not end.limited:
        return
    least, _ = _check_bounds(x, end.low, end.high, f"the range of the generator's {end.name}", name)
    if end[1:] == (-1.0, 1.0) and least >= 0:
        warnings.warn(f"The generator's {end.name} covers [-1, 1], the data only [0, 1]: give 2 x - 1.", stacklevel=4)


def check_in_value_range(x, value_range):
    """Refuses data beyond the range to which samples are clipped, which could never show them."""
    if value_range is not None:
        _check_bounds(x, value_range[0], value_range[1], "the model's `value_range`", "x")


def _check_bounds(x, low, high, owner, name):
    least, most = float(np.min(x)), float(np.max(x))
    if least < low - 1e-6 or most > high + 1e-6:
        expected = f"{name} should lie in [{low:g}, {high:g}], {owner}{pixels_hint(most)}"
        raise refusal(expected, f"values from {least:g} to {most:g}")
    return least, most


def data_range(generator):
    """`(low, high)`, what a generator's end can make, or `None` for numbers without a bound."""
    end = ending(generator)
    bounded = end is not None and np.isfinite(end[1:]).all()
    return tuple(end[1:]) if bounded else None


def check_value_range(value_range):
    """Returns `(low, high)`, to which samples are clipped, as a list of numbers; `None` for none."""
    if value_range is None:
        return None
    pair = isinstance(value_range, (list, tuple)) and len(value_range) == 2
    if not pair or not float(value_range[0]) < float(value_range[1]):
        raise refusal("value_range should be (low, high), or None", value_range=value_range)
    return [float(bound) for bound in value_range]


def clipped(images, value_range):
    """Images with values in a range that `check_value_range` returned."""
    return images if value_range is None else tf.clip_by_value(images, *value_range)


def check_data(gan, data):
    """Refuses data, `x` or with a condition, on which a model cannot be trained."""
    x, condition = conditions.unpack(data)
    shapes.check_x(x, shapes.input_shape(gan.critic, "x"))
    check_range(x, gan.generator)
    check_condition(gan, [gan.generator, gan.critic], condition, len(x))


def check_condition(gan, networks, condition, rows):
    """Refuses a condition that networks of a model cannot take, or whose attributes are out of range."""
    conditions.check(networks, condition, rows)
    if condition is not None:
        check_classes(np.asarray(condition), gan.condition_classes())


def check_truncation(truncation):
    """The bound on latents as a float, infinite for `None`."""
    if truncation is None:
        return float("inf")
    if not isinstance(truncation, (int, float)) or not truncation > 0:
        raise refusal("truncation should be a number above 0, or None", truncation=truncation)
    return float(truncation)
