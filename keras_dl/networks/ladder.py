"""Encoders and decoders of dense layers over several layers of latents."""

import math
from collections.abc import Sequence

import keras

from keras_dl.checks import check_shape, check_sizes, refusal
from keras_dl.layers import BatchNormalization
from keras_dl.networks.registry import register
from keras_dl.networks.top_down import Group, TopDown
from keras_dl.types import Activation, Shape

DEPTH = 2  # dense layers of each network between two layers of latents


def _check_widths(value, name):
    """Returns `value`, sizes of which there is at least one, as a tuple, or raises a `ValueError`."""
    widths = check_sizes(value, name)
    if not widths:
        raise refusal(f"`{name}` should have at least one entry", **{name: value})
    return widths


@register(input_shape=check_shape, hidden=_check_widths)
def ladder_encoder(
    input_shape: Shape,
    hidden: Sequence[int] = (512, 256, 128, 64, 32),
    activation: Activation | None = "leaky_relu",
    batch_normalization: bool = False,
    name: str = "ladder_encoder",
) -> keras.Model:
    """Builds the deterministic way up of a ladder autoencoder (Sønderby et al. 2016).

    One network of two dense layers for each layer of latents, each on the one before; a layer's features are what its
    network returns.

    Args:
        input_shape: Shape of a sample, without the batch axis.
        hidden: Widths, an entry for each layer of latents, that nearest to the data first.
        activation: Activation of the dense layers.
        batch_normalization: Whether batch normalisation stands between each layer and its activation.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from data to a list of tensors `(batch, width)`, the farthest from the data first.

    Raises:
        ValueError: If a size is not a positive integer.

    Example:

    >>> encoder = ladder_encoder((8, 8, 1), hidden=(32, 16))
    >>> [tuple(features.shape) for features in encoder(keras.ops.zeros((3, 8, 8, 1)))]
    [(3, 16), (3, 32)]
    """
    inputs = keras.Input(input_shape, name="x")
    x, features = keras.layers.Flatten(name="flatten")(inputs), []
    for number, width in enumerate(hidden, start=1):
        x = _dense(x, width, activation, batch_normalization, f"up_{number}")
        features.insert(0, x)
    return keras.Model(inputs, features, name=name)


@register(output_shape=check_shape, hidden=_check_widths, latent_sizes=check_sizes)
def ladder_decoder(
    output_shape: Shape,
    latent_sizes: Sequence[int] = (64, 32, 16, 8, 4),
    hidden: Sequence[int] = (512, 256, 128, 64, 32),
    activation: Activation | None = "leaky_relu",
    batch_normalization: bool = False,
    sees_latents: bool = False,
    parameters_per_value: int = 1,
    name: str = "ladder_decoder",
) -> TopDown:
    """Builds the way down of a ladder autoencoder (Sønderby et al. 2016), or of a hierarchical one of dense layers.

    Each layer of latents has its prior from the latents above it, $p(z_l | z_{l+1})$, by a network of two dense layers.
    Its posterior's parameters come from the encoder's features alone, which `models.HierarchicalVAE(...,
    posterior="precision_weighted")` joins with the prior; with `sees_latents` also from the latents above.

    Args:
        output_shape: Shape of a sample, without the batch axis.
        latent_sizes: Numbers of latents of each layer, that nearest to the data first.
        hidden: Widths of the networks, as for `ladder_encoder`.
        activation: Activation of the dense layers.
        batch_normalization: Whether batch normalisation stands between each layer and its activation.
        sees_latents: Whether the posteriors see the latents above.
        parameters_per_value: How many parameters the likelihood needs for every value.
        name: Name of the decoder.

    Returns:
        A `TopDown` of a group for each layer of latents, the farthest from the data first.

    Raises:
        ValueError: If a size is not a positive integer, or the sizes are not as many as the widths.

    Example:

    >>> decoder = ladder_decoder((8, 8, 1), latent_sizes=(4, 2), hidden=(32, 16))
    >>> decoder.latent_shapes
    ((2,), (4,))
    """
    if len(hidden) != len(latent_sizes):
        counts = f"{len(latent_sizes)} and {len(hidden)}"
        raise refusal("`latent_sizes` should have an entry for each of `hidden`", counts)
    shape = (*output_shape[:-1], output_shape[-1] * parameters_per_value)
    groups, above = [], None
    for number in range(len(hidden), 0, -1):
        width, size = hidden[number - 1], latent_sizes[number - 1]
        prior = None if above is None else _parameters(above, size, f"prior_{number}")
        state = above if sees_latents else None
        posterior = _posterior(width, state, size, activation, batch_normalization, f"posterior_{number}")
        latents = keras.Input((size,), name="latents")
        merge = _dense(latents, width, activation, batch_normalization, f"down_{number}")
        merge = keras.Model(latents, merge, name=f"merge_{number}")
        groups.append(Group(posterior, merge, prior, name=f"group_{number}"))
        above = width
    inputs = keras.Input((above,), name="state")
    x = keras.layers.Dense(math.prod(shape), name="parameters")(inputs)
    head = keras.Model(inputs, keras.layers.Reshape(shape, name="reshape")(x), name="head")
    return TopDown(groups, head, name=name)


def _dense(x, width, activation, normalized, name):
    for depth in range(1, DEPTH + 1):
        x = keras.layers.Dense(width, name=f"{name}_{depth}")(x)
        if normalized:
            x = BatchNormalization(momentum=0.9, name=f"{name}_{depth}_norm")(x)
        x = keras.layers.Activation(activation, name=f"{name}_{depth}_activation")(x)
    return x


def _parameters(width, size, name):
    inputs = keras.Input((width,), name="state")
    return keras.Model(inputs, keras.layers.Dense(2 * size, name="parameters")(inputs), name=name)


def _posterior(width, state_width, size, activation, normalized, name):
    features = inputs = x = keras.Input((width,), name="features")
    if state_width is not None:
        state = keras.Input((state_width,), name="state")
        inputs = {"state": state, "features": features}
        x = keras.layers.Concatenate(name="concatenate")([state, features])
        x = _dense(x, width, activation, normalized, "hidden")
    return keras.Model(inputs, keras.layers.Dense(2 * size, name="parameters")(x), name=name)
