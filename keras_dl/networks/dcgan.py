"""The generator and the critic of the deep convolutional GAN (Radford et al. 2016)."""

import math
from collections.abc import Sequence

import keras

from keras_dl.checks import check_count, check_shape
from keras_dl.networks import condition_inputs, critic_parts
from keras_dl.networks.mlp_gan import as_data
from keras_dl.networks.registry import register
from keras_dl.types import Activation, Shape


@register()
def dcgan_generator(
    latent_size: int,
    output_shape: Shape,
    filters: int = 64,
    kernel_size: int = 5,
    smallest_size: int = 4,
    normalization: str | None = "batch",
    output_activation: Activation | None = "sigmoid",
    num_classes: int | Sequence[int] | None = None,
    condition_shape: Shape | None = None,
    name: str = "dcgan_generator",
) -> keras.Model:
    """Builds the generator of Radford et al. 2016, "Unsupervised representation learning with deep convolutional GANs".

    The paper's rules: a projection to a small image, transposed convolutions of stride 2, batch normalization and
    rectifiers on all layers but the last, no hidden dense layers, weights drawn from N(0, 0.02^2). Channels halve as
    the sides double: for 64x64, 4x4x512, 8x8x256, 16x16x128, 32x32x64, 64x64x3 (twice as many with the paper's
    `filters=128`); for 28x28x1, 7x7x128, 14x14x64, 28x28x1. A condition is concatenated with the latents.

    Args:
        latent_size: Number of latents (100 in the paper).
        output_shape: Shape of an image, `(height, width, channels)`, its sides even.
        filters: Channels before the last layer.
        kernel_size: Side of the kernels.
        smallest_size: The image is halved until its shorter side would fall below this, or one is odd.
        normalization: `"batch"`, `"synchronized"` (`"batch"` over all replicas together), `"layer"` or `None`.
        output_activation: `"sigmoid"` for data in [0, 1], as `keras_dl.data.load` gives them, `"tanh"` (the paper's)
            for data in [-1, 1], `None` for any numbers.
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

    >>> generator = dcgan_generator(4, (28, 28, 1), filters=8)
    >>> generator(keras.ops.zeros((3, 4))).shape
    TensorShape([3, 28, 28, 1])
    """
    shape = check_shape(output_shape, "output_shape", rank=3)
    filters = check_count(filters, "filters")
    critic_parts.check_normalization(normalization)
    times = critic_parts.some_halvings(shape, smallest_size, "output_shape")
    bias = normalization is None
    inputs, x, condition = condition_inputs.inputs("latents", (latent_size,), num_classes, condition_shape)
    smallest = (shape[0] >> times, shape[1] >> times, filters << (times - 1))
    x = keras.layers.Dense(math.prod(smallest), use_bias=bias, kernel_initializer=_weights(), name="projection")(
        condition_inputs.concatenate(x, condition)
    )
    x = keras.layers.Reshape(smallest, name="reshape")(x)
    for level in range(1, times + 1):
        x = critic_parts.normalize(x, normalization, f"normalization_{level}")
        x = keras.layers.Activation("relu", name=f"activation_{level}")(x)
        last = level == times
        channels = shape[-1] if last else filters << (times - 1 - level)
        x = _upsample(channels, kernel_size, bias or last, f"conv_{level}")(x)
    return keras.Model(inputs, as_data(x, output_activation), name=name)


@register()
def dcgan_critic(
    input_shape: Shape,
    filters: int = 64,
    kernel_size: int = 5,
    smallest_size: int = 4,
    normalization: str | None = "batch",
    dropout: float = 0.0,
    projection: bool = False,
    spectral_norm: bool = False,
    num_outputs: int = 1,
    num_classes: int | Sequence[int] | None = None,
    condition_shape: Shape | None = None,
    name: str = "dcgan_critic",
) -> keras.Model:
    """Builds the critic of Radford et al. 2016: images to a linear score, the logit of being real.

    The paper's rules: convolutions of stride 2 with leaky rectifiers of slope 0.2, batch normalization on all but the
    first, no hidden dense layers, weights drawn from N(0, 0.02^2). Channels double as the sides halve, the mirror of
    `dcgan_generator`. Batch normalization mixes the samples of a batch: under a gradient penalty use `"layer"` or
    `None` (Gulrajani et al. 2017, section 4). A condition enters as constant maps beside the image's channels, or is
    projected on the flattened features.

    Args:
        input_shape: Shape of an image, `(height, width, channels)`, its sides even.
        filters: Channels after the first convolution.
        kernel_size: Side of the kernels.
        smallest_size: As for `dcgan_generator`.
        normalization: As for `dcgan_generator`.
        dropout: Share of activations dropped in training (for `objectives.ConsistencyTerm`).
        projection: As for `mlp_critic`.
        spectral_norm: As for `mlp_critic`; `normalization` is then better `None`.
        num_outputs: As for `mlp_critic`.
        num_classes: As for `mlp_critic`.
        condition_shape: As for `mlp_critic`.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from images `(batch, *input_shape)`, or from a dict `{"x": ..., "condition": ...}`
        if it is conditional, to scores `(batch, num_outputs)`.

    Raises:
        ValueError: If a size is not a positive integer, sides are odd or too small, both kinds of condition are asked
            for, or `projection` without a condition or with several outputs.

    Example:

    >>> critic = dcgan_critic((28, 28, 1), filters=8)
    >>> critic(keras.ops.zeros((3, 28, 28, 1))).shape
    TensorShape([3, 1])
    """
    shape = check_shape(input_shape, "input_shape", rank=3)
    filters = check_count(filters, "filters")
    critic_parts.check_normalization(normalization)
    times = critic_parts.some_halvings(shape, smallest_size, "input_shape")
    inputs, x, condition = condition_inputs.inputs("x", shape, num_classes, condition_shape)
    x = x if projection else critic_parts.concatenate_maps(x, condition)
    for level in range(times):
        normalized = normalization if level else None
        x = critic_parts.conv(
            filters << level,
            kernel_size,
            spectral_norm,
            f"conv_{level + 1}",
            strides=2,
            use_bias=normalized is None,
            kernel_initializer=_weights(),
        )(x)
        x = critic_parts.normalize(x, normalized, f"normalization_{level + 1}")
        x = keras.layers.LeakyReLU(critic_parts.SLOPE, name=f"activation_{level + 1}")(x)
        x = keras.layers.Dropout(dropout, name=f"dropout_{level + 1}")(x) if dropout else x
    x = keras.layers.Flatten(name="flatten")(x)
    scores = critic_parts.score(x, condition, num_outputs, projection, spectral_norm, _weights)
    return keras.Model(inputs, scores, name=name)


def _weights():
    return keras.initializers.RandomNormal(stddev=0.02)


def _upsample(channels, kernel_size, use_bias, name):
    return keras.layers.Conv2DTranspose(
        channels,
        kernel_size,
        strides=2,
        padding="same",
        use_bias=use_bias,
        kernel_initializer=_weights(),
        name=name,
    )
