"""Residual generators and critics (Gulrajani et al. 2017; Miyato et al. 2018)."""

import math
from collections.abc import Sequence

import keras

from keras_dl import layers
from keras_dl.checks import check_count, check_shape
from keras_dl.networks import condition_inputs, critic_parts
from keras_dl.networks.mlp_gan import as_data
from keras_dl.networks.registry import register
from keras_dl.types import Activation, Shape


@register()
def resnet_generator(
    latent_size: int,
    output_shape: Shape,
    filters: int = 256,
    smallest_size: int = 4,
    normalization: str | None = "batch",
    output_activation: Activation | None = "sigmoid",
    num_classes: int | Sequence[int] | None = None,
    condition_shape: Shape | None = None,
    name: str = "resnet_generator",
) -> keras.Model:
    """Builds the residual generator of Miyato et al. 2018, "Spectral normalization for GANs", table 4 (and Gulrajani
    et al. 2017, appendix F, but for the width).

    A projection to a small image, then one block a doubling of the sides, all of the same width: normalization,
    rectifier, nearest-neighbour upsampling and 3x3 convolution, normalization, rectifier and 3x3 convolution, with an
    upsampled 1x1 convolution around them; at the end normalization, rectifier and a 3x3 convolution. A condition scales
    and shifts each normalized channel (Miyato & Koyama 2018, conditional batch normalization).

    Args:
        latent_size: Number of latents (128 in the paper).
        output_shape: Shape of an image, `(height, width, channels)`, its sides even.
        filters: Channels of all blocks.
        smallest_size: As for `dcgan_generator`.
        normalization: As for `dcgan_generator`.
        output_activation: As for `mlp_generator` (the papers: `"tanh"`).
        num_classes: As for `mlp_generator`.
        condition_shape: As for `mlp_generator`.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from latents `(batch, latent_size)`, or from a dict
        `{"latents": ..., "condition": ...}` if it is conditional, to float32 images `(batch, *output_shape)`.

    Raises:
        ValueError: If a size is not a positive integer, sides are odd or too small, or both kinds of condition are
            asked for.

    Example:

    >>> generator = resnet_generator(4, (8, 8, 1), filters=8, num_classes=10)
    >>> generator({"latents": keras.ops.zeros((3, 4)), "condition": keras.ops.array([0, 1, 9])}).shape
    TensorShape([3, 8, 8, 1])
    """
    shape = check_shape(output_shape, "output_shape", rank=3)
    filters = check_count(filters, "filters")
    critic_parts.check_normalization(normalization)
    times = critic_parts.some_halvings(shape, smallest_size, "output_shape")
    inputs, x, condition = condition_inputs.inputs("latents", (latent_size,), num_classes, condition_shape)
    smallest = (shape[0] >> times, shape[1] >> times, filters)
    x = keras.layers.Dense(math.prod(smallest), name="projection")(x)
    x = keras.layers.Reshape(smallest, name="reshape")(x)
    for number in range(1, times + 1):
        x = _up_block(x, condition, filters, normalization, f"block_{number}")
    x = _normalized(x, condition, normalization, "last")
    x = critic_parts.conv(shape[-1], 3, False, "values")(x)
    return keras.Model(inputs, as_data(x, output_activation), name=name)


@register()
def resnet_critic(
    input_shape: Shape,
    filters: int = 128,
    spectral_norm: bool = False,
    normalization: str | None = None,
    dropout: float = 0.0,
    projection: bool = True,
    num_outputs: int = 1,
    num_classes: int | Sequence[int] | None = None,
    condition_shape: Shape | None = None,
    name: str = "resnet_critic",
) -> keras.Model:
    """Builds the residual critic of Miyato et al. 2018, table 4, and Gulrajani et al. 2017: images to a linear score.

    Blocks of two 3x3 convolutions, all of the same width: first those that halve the sides by average pooling, until
    the shorter is at most 9 or one is odd, then two that keep them; rectifier, sum over positions, and a linear layer
    named `score`. With `spectral_norm=True` every layer is divided by its largest singular value, as Miyato et al. do;
    the division is part of the computation and only the optimizer moves weights, so that a gradient penalty can be
    added.

    Args:
        input_shape: Shape of an image, `(height, width, channels)`.
        filters: Channels of all blocks.
        spectral_norm: Whether layers are divided by their largest singular values.
        normalization: `"layer"` (Gulrajani et al.) or others of `dcgan_generator`, before the rectifiers.
        dropout: Share of activations dropped behind each block in training (for `objectives.ConsistencyTerm`).
        projection: Whether a condition is projected on the features (Miyato & Koyama 2018), or enters as constant maps
            beside the image's channels.
        num_outputs: As for `mlp_critic`.
        num_classes: As for `mlp_critic`.
        condition_shape: As for `mlp_critic`.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from images `(batch, *input_shape)`, or from a dict `{"x": ..., "condition": ...}`
        if it is conditional, to scores `(batch, num_outputs)`.

    Raises:
        ValueError: If a size is not a positive integer, both kinds of condition are asked for, or a condition is to be
            projected on several outputs.

    Example:

    >>> critic = resnet_critic((8, 8, 1), filters=8, spectral_norm=True)
    >>> critic(keras.ops.zeros((3, 8, 8, 1))).shape
    TensorShape([3, 1])
    """
    shape = check_shape(input_shape, "input_shape", rank=3)
    filters = check_count(filters, "filters")
    critic_parts.check_normalization(normalization)
    halved = critic_parts.halvings(shape[:2], smallest=5)
    inputs, x, condition = condition_inputs.inputs("x", shape, num_classes, condition_shape)
    projection = projection and condition is not None
    x = x if projection else critic_parts.concatenate_maps(x, condition)
    for number in range(1, halved + 3):
        x = _down_block(x, filters, spectral_norm, normalization, number <= halved, f"block_{number}", number == 1)
        x = keras.layers.Dropout(dropout, name=f"dropout_{number}")(x) if dropout else x
    x = keras.layers.Activation("relu", name="last_activation")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pooling")(x)
    x = keras.layers.Rescaling(float((shape[0] >> halved) * (shape[1] >> halved)), name="sum_over_positions")(x)
    return keras.Model(inputs, critic_parts.score(x, condition, num_outputs, projection, spectral_norm), name=name)


def _residual_weights():
    """Glorot's uniform distribution, wider by sqrt(2) before rectifiers, as Miyato et al. initialise."""
    return keras.initializers.VarianceScaling(2.0, "fan_avg", "uniform")


def _up_block(x, condition, filters, normalization, name):
    shortcut = keras.layers.UpSampling2D(2, name=f"{name}_upsampled_shortcut")(x)
    shortcut = critic_parts.conv(filters, 1, False, f"{name}_shortcut")(shortcut)
    x = _normalized(x, condition, normalization, f"{name}_1")
    x = keras.layers.UpSampling2D(2, name=f"{name}_upsampled")(x)
    x = critic_parts.conv(filters, 3, False, f"{name}_conv_1", kernel_initializer=_residual_weights())(x)
    x = _normalized(x, condition, normalization, f"{name}_2")
    x = critic_parts.conv(filters, 3, False, f"{name}_conv_2", kernel_initializer=_residual_weights())(x)
    return keras.layers.Add(name=f"{name}_sum")([x, shortcut])


def _down_block(x, filters, spectral_norm, normalization, halve, name, first):
    """A critic's block; the first has no rectifier in front, which would cut the data."""
    shortcut = x
    if halve or x.shape[-1] != filters:
        shortcut = critic_parts.conv(filters, 1, spectral_norm, f"{name}_shortcut")(x)
    if not first:
        x = critic_parts.normalize(x, normalization, f"{name}_normalization_1")
        x = keras.layers.Activation("relu", name=f"{name}_activation_1")(x)
    x = critic_parts.conv(filters, 3, spectral_norm, f"{name}_conv_1", kernel_initializer=_residual_weights())(x)
    x = critic_parts.normalize(x, normalization, f"{name}_normalization_2")
    x = keras.layers.Activation("relu", name=f"{name}_activation_2")(x)
    x = critic_parts.conv(filters, 3, spectral_norm, f"{name}_conv_2", kernel_initializer=_residual_weights())(x)
    x = keras.layers.Add(name=f"{name}_sum")([x, shortcut])
    # The pooling of a sum is the sum of the poolings.
    return keras.layers.AveragePooling2D(2, name=f"{name}_pooling")(x) if halve else x


def _normalized(x, condition, normalization, name):
    """Normalization, where the condition scales and shifts, and a rectifier."""
    x = critic_parts.normalize(x, normalization, f"{name}_normalization")
    if condition is not None:
        x = layers.FiLM(name=f"{name}_modulation")([x, condition])
    return keras.layers.Activation("relu", name=f"{name}_activation")(x)
