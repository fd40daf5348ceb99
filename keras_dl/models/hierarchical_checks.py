"""Checks of a hierarchical autoencoder's parts: that encoder, decoder and likelihood fit together."""

import keras
import numpy as np
import tensorflow as tf

from keras_dl.bijectors import Bijector
from keras_dl.checks import check_count, refusal
from keras_dl.models.structure import check_network, input_shape, inputs_of, output_shape, outputs_of
from keras_dl.networks import TopDown
from keras_dl.objectives import SpectralRegularization
from keras_dl.objectives.schedules import check_weight


def check_parts(encoder, decoder, likelihood):
    """Refuses an encoder that does not give one tensor per group, of the shapes that the groups' posteriors take."""
    check_network("encoder", encoder)
    if not isinstance(decoder, TopDown):
        raise refusal("decoder should be a keras_dl.networks.TopDown", decoder=decoder, error=TypeError)
    features = [tuple(feature.shape[1:]) for feature in tf.nest.flatten(outputs_of(encoder))]
    expected = [_features(group.posterior) for group in decoder.groups]
    if features != expected:
        raise refusal(
            f"encoder should return a tensor per group, the coarsest group first, of shapes {expected}", features
        )
    likelihood.check_parameters(input_shape(encoder, "x"), output_shape(decoder.head))


def _features(posterior):
    inputs = inputs_of(posterior)
    return tuple((inputs["features"] if isinstance(inputs, dict) else inputs).shape[1:])


def flows_of(flow, sizes):
    """Returns a bijector per group, built for vectors of its latents: copies of `flow`, none if it is `None`."""
    if flow is None:
        return []
    if not isinstance(flow, Bijector) or flow.built:
        raise refusal("flow should be a bijector that is not built yet, of which each group gets one", flow=flow)
    flows = []
    for number, size in enumerate(sizes, start=1):
        copy = type(flow).from_config({**flow.get_config(), "name": f"{flow.name}_{number}"})
        copy.build((None, size))
        flows.append(copy)
    return flows


def spectral_of(spectral):
    """The `SpectralRegularization` that a weight means; `None` stays `None`."""
    if spectral is None or isinstance(spectral, SpectralRegularization):
        return spectral
    return SpectralRegularization(check_weight(spectral, "spectral"))


def group_numbers(keep, count, name="keep"):
    """Returns the set of groups that `keep` means: the first so many, or those of a list of indices.

    Raises:
        ValueError: If a group is not there.
    """
    if keep is None:
        return set(range(count))
    expected = f"`{name}` should be a number of groups up to {count}, or a list of indices below it"
    try:
        numbers = list(range(check_count(keep, name, least=0))) if np.ndim(keep) == 0 else list(keep)
        numbers = {check_count(number, name, least=0) for number in numbers}
    except (TypeError, ValueError):
        raise refusal(expected, **{name: keep}) from None
    if not numbers <= set(range(count)):
        raise refusal(expected, **{name: keep})
    return numbers


def serialized(part):
    """The configuration of a part that may be missing."""
    return part and keras.saving.serialize_keras_object(part)


def check_no_condition(condition):
    """Refuses a condition, which the model does not take."""
    if condition is not None:
        raise refusal("The model takes no condition", condition=condition)
