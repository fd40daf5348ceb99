"""Encoder and decoder of NVAE: residual cells over several scales of latents (Vahdat & Kautz 2020)."""

from collections.abc import Sequence

import keras

from keras_dl.checks import check_count, check_sizes, refusal
from keras_dl.layers import ResidualCell, WeightNormConv2D
from keras_dl.networks.registry import check_image_shape, register
from keras_dl.networks.top_down import Group, TopDown
from keras_dl.types import Shape


@register(input_shape=check_image_shape)
def nvae_encoder(
    input_shape: Shape,
    groups: Sequence[int] = (2, 2),
    filters: int = 32,
    halvings: int = 1,
    cells_per_group: int = 1,
    cells_per_halving: int = 2,
    momentum: float = 0.95,
    synchronized: bool = False,
    weight_norm: bool = False,
    recompute: bool = False,
    name: str = "nvae_encoder",
) -> keras.Model:
    """Builds the deterministic way up of NVAE (Vahdat & Kautz 2020, figure 2).

    A 3x3 convolution, halvings down to the finest scale of latents, and for each scale, the finest first, regular cells
    (`layers.ResidualCell`) whose output is a group's features. Channels double wherever images are halved.

    Args:
        input_shape: Shape of an image; its sides can be halved `halvings + len(groups) - 1` times.
        groups: Numbers of groups of latents of each scale, the finest first.
        filters: Channels at the size of the data.
        halvings: How often images are halved before the finest scale of latents; 2 in the paper.
        cells_per_group: Cells before each group's features; 2 in the paper.
        cells_per_halving: Cells of each halving, of which the last halves; 3 in the paper.
        momentum: Of batch normalisation's moving averages.
        synchronized: Whether batch statistics are those of the global batch over all replicas.
        weight_norm: Whether convolutions are `layers.WeightNormConv2D`, but those of separable cells, as published.
        recompute: Whether cells are computed a second time for their gradients: less memory, more time.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from images to a list of tensors `(batch, height, width, channels)`, one per group,
        the coarsest group first.

    Raises:
        ValueError: If a size is not a positive integer, or sides cannot be halved so often.

    Example:

    >>> encoder = nvae_encoder((8, 8, 1), groups=(2, 1), filters=4)
    >>> [tuple(features.shape) for features in encoder(keras.ops.zeros((3, 8, 8, 1)))]
    [(3, 2, 2, 16), (3, 4, 4, 8), (3, 4, 4, 8)]
    """
    groups, _ = _scales(input_shape, groups, halvings, "input_shape")
    cells = _Cells("regular", momentum, synchronized, weight_norm, recompute)
    inputs = keras.Input(input_shape, name="x")
    channels, features = check_count(filters, "filters"), []
    x = cells.conv(channels, 3, "stem")(inputs)
    for number in range(1, halvings + 1):
        x = cells.apply(x, channels, check_count(cells_per_halving, "cells_per_halving") - 1, f"before_{number}")
        channels *= 2
        x = cells.resized(x, channels, "down", f"before_{number}_down")
    for scale, count in enumerate(groups, start=1):
        if scale > 1:
            channels *= 2
            x = cells.resized(x, channels, "down", f"scale_{scale}_down")
        for group in range(1, count + 1):
            x = cells.apply(x, channels, check_count(cells_per_group, "cells_per_group"), f"scale_{scale}_{group}")
            features.insert(0, x)
    return keras.Model(inputs, features, name=name)


@register(output_shape=check_image_shape)
def nvae_decoder(
    output_shape: Shape,
    groups: Sequence[int] = (2, 2),
    latent_channels: int = 20,
    filters: int = 32,
    halvings: int = 1,
    cells_per_group: int = 1,
    cells_per_halving: int = 2,
    expansion: int = 6,
    parameters_per_value: int = 1,
    momentum: float = 0.95,
    synchronized: bool = False,
    weight_norm: bool = False,
    recompute: bool = False,
    name: str = "nvae_decoder",
) -> TopDown:
    r"""Builds the way down of NVAE (Vahdat & Kautz 2020, figures 2 and 3).

    From a learned constant, each group in turn: $p(z_l | z_{<l})$ by a 1x1 convolution of the state, $q(z_l | x,
    z_{<l})$ by a 3x3 one of the state and the encoder's features, and the latents join the state. Between groups are
    separable cells (`layers.ResidualCell`); behind the last one images are doubled `halvings` times. The first prior is
    standard normal.

    Args:
        output_shape: Shape of an image.
        groups: Numbers of groups of each scale, the finest first, as for `nvae_encoder`.
        latent_channels: Latents of a group at each pixel of its scale.
        filters: Channels at the size of the data, as for `nvae_encoder`.
        halvings: How much smaller the finest scale of latents is, as for `nvae_encoder`.
        cells_per_group: Cells between groups.
        cells_per_halving: Cells of each doubling behind the last group, of which the first doubles.
        expansion: Of the cells between groups; those behind the last one have half of it.
        parameters_per_value: How many parameters the likelihood needs for every value.
        momentum: Of batch normalisation's moving averages.
        synchronized: Whether batch statistics are those of the global batch over all replicas.
        weight_norm: Whether convolutions are `layers.WeightNormConv2D`, but those of separable cells, as published.
        recompute: Whether cells are computed a second time for their gradients: less memory, more time.
        name: Name of the decoder.

    Returns:
        A `TopDown`, whose groups go from the coarsest scale to the finest.

    Raises:
        ValueError: If a size is not a positive integer, or sides cannot be halved so often.

    Example:

    >>> decoder = nvae_decoder((8, 8, 1), groups=(2, 1), latent_channels=3, filters=4)
    >>> decoder.latent_shapes
    ((2, 2, 3), (4, 4, 3), (4, 4, 3))
    """
    shape = (*output_shape[:-1], output_shape[-1] * parameters_per_value)
    groups, sides = _scales(output_shape, groups, halvings, "output_shape")
    latents, count = check_count(latent_channels, "latent_channels"), check_count(cells_per_group, "cells_per_group")
    widths = [check_count(filters, "filters") * 2 ** (halvings + scale) for scale in range(len(groups))]
    expansion = check_count(expansion, "expansion")
    cells = _Cells("separable", momentum, synchronized, weight_norm, recompute, expansion)
    order = [scale for scale in reversed(range(len(groups))) for _ in range(groups[scale])]
    parts = []
    for number, scale in enumerate(order, start=1):
        state = (*sides[scale], widths[scale])
        following = order[number] if number < len(order) else None
        width = None if following is None else widths[following]
        merge = _merge(number, state, latents, width, count, cells, doubles=following not in (None, scale))
        prior = None if number == 1 else _prior(number, state, latents, cells)
        parts.append(Group(_posterior(number, state, latents, cells), merge, prior, name=f"group_{number}"))
    cells = _Cells("separable", momentum, synchronized, weight_norm, recompute, max(1, expansion // 2))
    head = _head((*sides[0], widths[0]), shape, halvings, check_count(cells_per_halving, "cells_per_halving"), cells)
    return TopDown(parts, head, (*sides[-1], widths[-1]), name=name)


class _Cells:
    """Makes cells of one kind."""

    def __init__(self, kind, momentum, synchronized, weight_norm, recompute, expansion=6):
        self.options = {"kind": kind, "momentum": momentum, "synchronized": synchronized, "recompute": recompute}
        self.options |= {"expansion": expansion, "weight_norm": weight_norm}

    def conv(self, filters, size, name):
        """A convolution between cells."""
        kind = WeightNormConv2D if self.options["weight_norm"] else keras.layers.Conv2D
        return kind(filters, size, padding="same", name=name)

    def apply(self, x, filters, count, name):
        """`count` cells that keep an image's size."""
        for number in range(1, count + 1):
            x = ResidualCell(filters, name=f"{name}_cell_{number}", **self.options)(x)
        return x

    def resized(self, x, filters, resize, name):
        """A cell that halves or doubles an image."""
        return ResidualCell(filters, resize=resize, name=name, **self.options)(x)


def _scales(shape, groups, halvings, name):
    """Checked groups, and the sides (height, width) of each scale's latents, the finest first."""
    height, width, _ = shape
    groups, halvings = check_sizes(groups, "groups"), check_count(halvings, "halvings", least=0)
    if not groups:
        raise refusal("`groups` should have an entry for each scale", groups=groups)
    divisor = 2 ** (halvings + len(groups) - 1)
    if height % divisor or width % divisor:
        raise refusal(
            f"`{name}` should have sides divisible by {divisor} for {halvings} halvings and {len(groups)} scales",
            **{name: shape},
        )
    return groups, [(height // 2 ** (halvings + s), width // 2 ** (halvings + s)) for s in range(len(groups))]


def _prior(number, state_shape, latents, cells):
    state = keras.Input(state_shape, name="state")
    x = keras.layers.Activation("elu", name="activation")(state)
    return keras.Model(state, cells.conv(2 * latents, 1, "parameters")(x), name=f"prior_{number}")


def _posterior(number, state_shape, latents, cells):
    features = inputs = keras.Input(state_shape, name="features")
    if number > 1:
        state = keras.Input(state_shape, name="state")
        inputs = {"state": state, "features": features}
        x = keras.layers.Add(name="sum")([features, cells.conv(state_shape[-1], 1, "state_projection")(state)])
    else:
        x = keras.layers.Activation("elu", name="activation_1")(features)
        x = cells.conv(state_shape[-1], 1, "projection")(x)
        x = keras.layers.Activation("elu", name="activation_2")(x)
    return keras.Model(inputs, cells.conv(2 * latents, 3, "parameters")(x), name=f"posterior_{number}")


def _merge(number, state_shape, latents, next_filters, count, cells, doubles):
    """What joins latents to the state, and the cells before the next group, if there is one."""
    *sides, filters = state_shape
    given = {"state": state_shape, "latents": (*sides, latents)}
    inputs = {name: keras.Input(shape, name=name) for name, shape in given.items()}
    x = keras.layers.Concatenate(name="concatenate")([inputs["state"], inputs["latents"]])
    x = cells.conv(filters, 1, "join")(x)
    if doubles:
        x = cells.resized(x, next_filters, "up", "up")
    if next_filters is not None:
        x = cells.apply(x, next_filters, count, "down")
    return keras.Model(inputs, x, name=f"merge_{number}")


def _head(state_shape, shape, doublings, count, cells):
    inputs = x = keras.Input(state_shape, name="state")
    filters = state_shape[-1]
    for number in range(1, doublings + 1):
        filters //= 2
        x = cells.resized(x, filters, "up", f"after_{number}_up")
        x = cells.apply(x, filters, count - 1, f"after_{number}")
    x = keras.layers.Activation("elu", name="activation")(x)
    return keras.Model(inputs, cells.conv(shape[-1], 3, "parameters")(x), name="head")
