"""What is checked of the networks of a Laplacian pyramid, before any work starts."""

import numpy as np

from keras_dl import objectives
from keras_dl.checks import check_count, refusal
from keras_dl.models import conditions, gan_checks, shapes
from keras_dl.models.structure import check_network


def check_levels(generators, critics):
    """Refuses networks that are no pyramid; returns the shape of each level's images, coarsest first.

    Raises:
        ValueError: If there are not as many critics as generators, a level is not twice as large as the one before, or
            a generator and a critic do not fit each other or the level.
    """
    for name, networks in (("generators", generators), ("critics", critics)):
        if not isinstance(networks, (list, tuple)) or not networks:
            raise refusal(f"`{name}` should be a sequence of networks, coarsest level first", **{name: networks})
    if len(generators) != len(critics):
        counts = f"{len(generators)} generators and {len(critics)} critics"
        raise refusal("There should be one generator and one critic per level", counts)
    for level, (generator, critic) in enumerate(zip(generators, critics, strict=True)):
        check_network(f"generators[{level}]", generator)
        gan_checks.check_networks(generator, critic)
    levels = [shapes.output_shape(generator) for generator in generators]
    if len(levels[0]) != 3:
        raise refusal("generators[0] should make images (height, width, channels)", f"{levels[0]}")
    gan_checks.latent_size(generators[0], None)
    for level in range(1, len(levels)):
        _check_meets(level, levels, generators[level])
    _check_conditions(generators)
    return [tuple(shape) for shape in levels]


def _check_meets(level, levels, generator):
    """Refuses a level that is not twice as large as the one before, or whose generator takes something else."""
    height, width, channels = levels[level - 1]
    expected = (2 * height, 2 * width, channels)
    if tuple(levels[level]) != expected:
        raise refusal(f"generators[{level}] should make images of shape {expected}, twice the level before", levels)
    inputs = generator.input if isinstance(generator.input, dict) else {}
    taken = {name: tuple(inputs[name].shape[1:]) for name in ("latents", "coarse") if name in inputs}
    if taken.get("coarse") != expected or "latents" not in taken:
        wanted = f"'latents', noise, and 'coarse' of shape {expected}: see networks.lapgan_generator"
        raise refusal(f"generators[{level}] should take {wanted}", f"{taken or 'one tensor'}")


def _check_conditions(generators):
    """Refuses levels of which some are conditional and others are not, or that take different conditions."""
    kinds = [n.input["condition"].shape[1:] if conditions.takes_condition(n) else None for n in generators]
    if any(kind != kinds[0] for kind in kinds):
        raise refusal("The levels' generators should take one kind of condition, or none", f"{kinds}")


def check_trained(levels, count):
    """The numbers of the levels that learn, in order; all for `None`."""
    if levels is None:
        return tuple(range(count))
    expected = f"`levels` should be different numbers from 0 to {count - 1}, or None"
    if not isinstance(levels, (list, tuple)) or not levels:
        raise refusal(expected, levels=levels)
    numbers = sorted(check_count(level, "levels", least=0) for level in levels)
    if numbers[-1] >= count or len(set(numbers)) < len(numbers):
        raise refusal(expected, levels=levels)
    return tuple(numbers)


def penalties_of(penalty, objective, critics):
    """A penalty, several or none as a tuple; refuses what is no objective or penalty."""
    penalties = tuple(penalty) if isinstance(penalty, (list, tuple)) else () if penalty is None else (penalty,)
    for critic in critics:
        gan_checks.check_objective(objective, penalties, critic)
    return penalties


def objective_or_default(objective):
    """The published game where none is given."""
    return objectives.NonSaturating() if objective is None else objective


def level_of(model, x):
    """The number of the level whose images `x` are.

    Raises:
        ValueError: If they are no level's.
    """
    shape = tuple(np.shape(x))
    if shape[1:] not in model.shapes:
        sizes = " or ".join(f"(rows, {', '.join(map(str, one))})" for one in model.shapes)
        raise refusal(f"x should have shape {sizes}", f"{shape}")
    return model.shapes.index(shape[1:])
