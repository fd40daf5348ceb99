"""Paths of weights, which TensorBoard, HDF5 files and `get_state_tree` tell weights apart by."""

import collections


def tell_apart(model):
    """Gives weights that share a path paths of their own: the name of their network in the model comes first.

    Layers of two networks may have one name, and those of two networks within a network. Paths that are nobody else's
    stay as Keras made them; a path is the same wherever the model is made anew, as a loaded one is.

    Args:
        model: `ObjectiveModel`.
    """
    named = [(name, getattr(model, name)) for name in model.network_names]
    named += [(f"ema_{key}", network) for key, network in model.ema_networks.items()]
    owners = {id(weight): name for name, network in reversed(named) for weight in network.weights}
    _extend(model.weights, lambda weight, number: f"{owners[id(weight)]}/{weight.path}" if id(weight) in owners else "")
    while _extend(model.weights, lambda weight, number: f"{weight.path}_{number}" if number else ""):
        pass  # a number may make a path that there is


def _extend(weights, extended):
    """Gives weights that share a path those of `extended(weight, number among them)`, but for empty ones.

    Returns whether there were any.
    """
    groups = collections.defaultdict(dict)
    for weight in weights:
        groups[weight.path][id(weight)] = weight
    shared = [group for group in groups.values() if len(group) > 1]
    for group in shared:
        for number, weight in enumerate(group.values()):
            weight._path = extended(weight, number) or weight.path
    return bool(shared)
