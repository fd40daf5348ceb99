"""Denoising U-Net of residual blocks, told the time by scales and shifts."""

import math
from collections.abc import Sequence

import keras

from keras_dl.checks import check_count, check_shape, check_sizes, refusal
from keras_dl.layers import FiLM, GroupNormalization
from keras_dl.networks import denoising
from keras_dl.networks.registry import register
from keras_dl.types import Shape

GROUPS = 32


@register()
def denoising_unet(
    data_shape: Shape,
    filters: Sequence[int] = (32, 64, 64),
    blocks_per_level: int = 2,
    attention_levels: Sequence[int] | None = None,
    num_heads: int = 4,
    dropout: float = 0.0,
    num_classes: int | None = None,
    condition_shape: Shape | None = None,
    name: str = "denoising_unet",
) -> keras.Model:
    """Builds the U-Net of diffusion models (Ho et al. 2020; Dhariwal & Nichol 2021, "Diffusion models beat GANs").

    A level is a run of residual blocks of one width: group normalisation, swish and a 3x3 convolution, group
    normalisation that features of time and condition scale and shift, swish, dropout and a 3x3 convolution that starts
    at zero. Between levels strided convolutions go down, and nearest-neighbour upsampling with a convolution up.
    Every block on the way up sees the output of its partner on the way down. Attention over all positions follows the
    blocks of the levels that are chosen, and stands between the two blocks at the bottom.

    Args:
        data_shape: Shape of an image, `(height, width, channels)`; sides are multiples of `2 ** (len(filters) - 1)`.
        filters: Channels of each level, finest first.
        blocks_per_level: Residual blocks per level on the way down; one more on the way up.
        attention_levels: Numbers of the levels with attention, from 0, the finest; `None` for the coarsest alone.
        num_heads: Heads of attention.
        dropout: Share of activations that is dropped within blocks.
        num_classes: For labels as condition: the number of classes.
        condition_shape: For vectors as condition: their shape.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from `{"x": (batch, *data_shape), "time": (batch,)}`, with `"condition"` if it is
        conditional, to `(batch, *data_shape)`, float32.

    Raises:
        ValueError: If sizes are not positive integers, sides cannot be halved that often, there is no such level, or
            both kinds of condition are asked for.

    Example:

    >>> network = denoising_unet((8, 8, 1), filters=(8, 16), attention_levels=(1,), num_heads=2)
    >>> network({"x": keras.ops.zeros((3, 8, 8, 1)), "time": keras.ops.zeros(3)}).shape
    TensorShape([3, 8, 8, 1])
    """
    shape = check_shape(data_shape, "data_shape", rank=3)
    filters = check_sizes(filters, "filters")
    blocks_per_level = check_count(blocks_per_level, "blocks_per_level")
    attention_levels = (len(filters) - 1,) if attention_levels is None else attention_levels
    _check_levels(shape, filters, attention_levels)
    inputs, x, time, condition = denoising.inputs(shape, num_classes, condition_shape)
    features = keras.layers.Activation("silu", name="features_silu")(
        denoising.embedding(time, condition, 4 * filters[0], features=filters[0] + filters[0] % 2)
    )
    parts = Blocks(features, num_heads, dropout)
    h = parts.conv(x, filters[0], "first")
    h, skips = _down(parts, h, filters, blocks_per_level, attention_levels)
    h = parts.residual(h, filters[-1], "bottom_1")
    h = parts.attention(h, "bottom_attention")
    h = parts.residual(h, filters[-1], "bottom_2")
    h = _up(parts, h, skips, filters, blocks_per_level, attention_levels)
    h = keras.layers.Activation("silu", name="last_silu")(parts.norm(h, "last_norm"))
    options = {"padding": "same", "kernel_initializer": "zeros", "dtype": "float32", "name": "prediction"}
    return keras.Model(inputs, keras.layers.Conv2D(shape[-1], 3, **options)(h), name=name)


def _down(parts, h, filters, blocks_per_level, attention_levels):
    """The levels from fine to coarse; returns the last feature maps and all that the way up sees."""
    skips = [h]
    for level, width in enumerate(filters):
        for number in range(1, blocks_per_level + 1):
            h = parts.residual(h, width, f"down_{level}_{number}")
            if level in attention_levels:
                h = parts.attention(h, f"down_{level}_{number}_attention")
            skips.append(h)
        if level + 1 < len(filters):
            h = parts.conv(h, width, f"down_{level}", strides=2)
            skips.append(h)
    return h, skips


def _up(parts, h, skips, filters, blocks_per_level, attention_levels):
    """The levels from coarse to fine."""
    skips = list(skips)
    for level, width in reversed(list(enumerate(filters))):
        for number in range(1, blocks_per_level + 2):
            h = keras.layers.Concatenate(name=f"up_{level}_{number}_concatenate")([h, skips.pop()])
            h = parts.residual(h, width, f"up_{level}_{number}")
            if level in attention_levels:
                h = parts.attention(h, f"up_{level}_{number}_attention")
        if level:
            h = keras.layers.UpSampling2D(name=f"up_{level}_nearest")(h)
            h = parts.conv(h, width, f"up_{level}")
    return h


class Blocks:
    """The blocks of one network, which share features of time and condition.

    Args:
        features: Tensor of shape `(batch, num_features)`.
        num_heads: Heads of attention.
        dropout: Share of activations that is dropped.
    """

    def __init__(self, features, num_heads, dropout):
        self.features, self.num_heads, self.dropout = features, num_heads, dropout

    def norm(self, x, name):
        groups = math.gcd(GROUPS, x.shape[-1])
        return GroupNormalization(groups, epsilon=1e-5, name=name)(x)

    def conv(self, x, filters, name, strides=1, kernel_initializer="glorot_uniform"):
        options = {"padding": "same", "strides": strides, "kernel_initializer": kernel_initializer}
        return keras.layers.Conv2D(filters, 3, name=f"{name}_conv", **options)(x)

    def residual(self, x, filters, name):
        h = keras.layers.Activation("silu", name=f"{name}_silu_1")(self.norm(x, f"{name}_norm_1"))
        h = self.conv(h, filters, f"{name}_1")
        h = FiLM(name=f"{name}_film")([self.norm(h, f"{name}_norm_2"), self.features])
        h = keras.layers.Activation("silu", name=f"{name}_silu_2")(h)
        if self.dropout:
            h = keras.layers.Dropout(self.dropout, name=f"{name}_dropout")(h)
        h = self.conv(h, filters, f"{name}_2", kernel_initializer="zeros")
        if x.shape[-1] != filters:
            x = keras.layers.Conv2D(filters, 1, name=f"{name}_shortcut")(x)
        return keras.layers.Add(name=f"{name}_add")([x, h])

    def attention(self, x, name):
        """Self-attention over all positions, around which the feature maps go on."""
        height, width, channels = x.shape[1:]
        h = keras.layers.Reshape((height * width, channels), name=f"{name}_rows")(self.norm(x, f"{name}_norm"))
        size = max(channels // self.num_heads, 1)
        h = keras.layers.MultiHeadAttention(self.num_heads, size, name=name)(h, h)
        h = keras.layers.Reshape((height, width, channels), name=f"{name}_map")(h)
        return keras.layers.Add(name=f"{name}_add")([x, h])


def _check_levels(shape, filters, attention_levels):
    if not filters:
        raise refusal("`filters` should have at least one entry", "filters=()")
    multiple = 2 ** (len(filters) - 1)
    if any(side % multiple for side in shape[:2]):
        raise refusal(
            f"`data_shape` should have sides that are multiples of {multiple}, for {len(filters)} levels",
            f"data_shape={shape}",
        )
    if any(level not in range(len(filters)) for level in attention_levels):
        raise refusal(
            f"`attention_levels` should be numbers from 0 to {len(filters) - 1}", attention_levels=attention_levels
        )
