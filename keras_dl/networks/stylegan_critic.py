"""StyleGAN 2's critic."""

import math
from collections.abc import Sequence

import keras

from keras_dl import layers
from keras_dl.checks import check_shape
from keras_dl.networks import condition_inputs, stylegan_parts
from keras_dl.networks.registry import register
from keras_dl.types import Shape


@register()
def stylegan_critic(
    input_shape: Shape,
    filters: int = 32,
    max_filters: int = 512,
    architecture: str = "residual",
    group_size: int | None = 4,
    mapping_layers: int = 8,
    num_classes: int | Sequence[int] | None = None,
    condition_shape: Shape | None = None,
    name: str = "stylegan_critic",
) -> keras.Model:
    """Builds StyleGAN 2's critic: images to a linear score.

    Colours to features, then two convolutions for each halving of the sides behind a low-pass filter, residual unless
    asked otherwise, down to 4 x 4; the deviation within groups of samples, a convolution and two dense layers, the last
    named `score`. A condition is projected on the features: mapped, normalized, multiplied and divided by the square
    root of their number (Karras et al. 2020).

    Args:
        input_shape: Shape of an image, as `output_shape` of `stylegan_synthesis`; smaller sides get a border of zeros.
        filters: As for `stylegan_synthesis`.
        max_filters: As for `stylegan_synthesis`.
        architecture: `"residual"`, `"skip"` (colours enter at all sides) or `"plain"`.
        group_size: Samples of a group of `layers.MinibatchStdDev`; `None` for the whole batch, 0 for no deviation.
        mapping_layers: Dense layers that map a condition.
        num_classes: As for `mlp_critic`.
        condition_shape: As for `mlp_critic`.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from images `(batch, *input_shape)`, or from a dict `{"x": ..., "condition": ...}`
        if it is conditional, to scores `(batch, 1)`.

    Raises:
        ValueError: If the sides are others, or an option is unknown.

    Example:

    >>> stylegan_critic((28, 28, 1), filters=2, max_filters=8)(keras.ops.ones((3, 28, 28, 1))).shape
    TensorShape([3, 1])
    """
    shape = check_shape(input_shape, "input_shape", rank=3)
    sizes = stylegan_parts.sizes(shape, filters, max_filters, "input_shape")
    stylegan_parts.check_architecture(architecture)
    inputs, image, condition = condition_inputs.inputs("x", shape, num_classes, condition_shape)
    image = keras.layers.ZeroPadding2D(sizes.border, name="border")(image) if sizes.border else image
    x = None
    for side, out, own in zip(sizes.sides[:0:-1], sizes.channels[-2::-1], sizes.channels[:0:-1], strict=True):
        x = _entered(x, image, own, side, architecture)
        x = _block(x, own, out, side, architecture)
        if architecture == "skip":
            image = layers.FilteredDownsampling2D(name=f"image_{side // 2}")(image)
    if architecture == "skip":
        x = _entered(x, image, sizes.channels[0], stylegan_parts.START, architecture)
    return keras.Model(inputs, _score(x, condition, group_size, mapping_layers), name=name)


def _entered(x, image, channels, side, architecture):
    """Features, with those of the image's colours where they enter."""
    if x is not None and architecture != "skip":
        return x
    colours = stylegan_parts.conv(channels, 1, f"colours_{side}")(image)
    return colours if x is None else keras.layers.Add(name=f"with_colours_{side}")([x, colours])


def _block(x, own, out, side, architecture):
    y = stylegan_parts.conv(own, 3, f"conv_{side}_0")(x)
    y = stylegan_parts.down_conv(out, 3, f"conv_{side}_1")(y)
    if architecture != "residual":
        return y
    shortcut = stylegan_parts.down_conv(out, 1, f"shortcut_{side}", activated=False, use_bias=False)(x)
    return stylegan_parts.half_sum([shortcut, y], f"block_{side}")


def _score(x, condition, group_size, mapping_layers):
    channels = x.shape[-1]
    if group_size != 0:
        x = layers.MinibatchStdDev(group_size, name="deviation")(x)
    x = stylegan_parts.conv(channels, 3, "conv_4")(x)
    x = keras.layers.Flatten(name="flat")(x)
    x = stylegan_parts.dense(channels, "features")(x)
    if condition is None:
        return stylegan_parts.dense(1, "score", activated=False)(x)
    x = stylegan_parts.dense(channels, "score", activated=False)(x)
    y = stylegan_parts.dense(channels, "embedding", activated=False)(condition)
    y = layers.PixelNormalization(name="normalized_embedding")(y)
    for number in range(mapping_layers):
        y = stylegan_parts.dense(channels, f"mapping_{number}", lr_multiplier=0.01)(y)
    y = layers.PixelNormalization(name="normalized_condition")(y)
    score = keras.layers.Dot(1, name="projection")([x, y])
    return keras.layers.Rescaling(1.0 / math.sqrt(channels), name="projected_score")(score)
