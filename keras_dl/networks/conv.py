"""Convolutional encoders and decoders, for images of any size."""

import math
from collections.abc import Sequence

import keras

from keras_dl.checks import check_sizes, refusal
from keras_dl.layers.transposed_conv import Conv2DTranspose
from keras_dl.networks import condition_inputs
from keras_dl.networks.mlp import hidden_layers
from keras_dl.networks.registry import check_image_shape, register
from keras_dl.types import Activation, Shape

KERNEL_SIZE = 3


@register(input_shape=check_image_shape, filters=check_sizes)
def conv_encoder(
    input_shape: Shape,
    latent_size: int,
    filters: Sequence[int] = (32, 64),
    hidden: Sequence[int] = (256,),
    activation: Activation | None = "relu",
    num_classes: int | None = None,
    condition_shape: Shape | None = None,
    parameters_per_latent: int = 2,
    name: str = "conv_encoder",
) -> keras.Model:
    """Builds a convolutional encoder: images to the parameters of a distribution over latents.

    One 3x3 convolution of stride 2 an entry of `filters`, each of which halves height and width (rounding up), then one
    dense layer an entry of `hidden` and a linear layer. A condition is concatenated with the flattened features.

    Args:
        input_shape: Shape of an image, `(height, width, channels)`.
        latent_size: Number of latents.
        filters: Channels after each convolution.
        hidden: Widths of the dense layers behind them.
        activation: Activation of the convolutions and the hidden layers.
        num_classes: For a conditional encoder given labels: the number of classes.
        condition_shape: For a conditional encoder given vectors: their shape.
        parameters_per_latent: 2 for a Gaussian posterior, `[loc, log_scale]`; 1 for a deterministic code.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from images `(batch, *input_shape)`, or from a dict `{"x": ..., "condition": ...}`
        if it is conditional, to `(batch, parameters_per_latent * latent_size)`. Labels are integers of shape
        `(batch,)`.

    Raises:
        ValueError: If a size is not a positive integer, `input_shape` has not three axes, or both kinds of condition
            are asked for.

    Example:

    >>> encoder = conv_encoder((28, 28, 1), latent_size=4, filters=(2, 3), hidden=(8,))
    >>> encoder(keras.ops.zeros((5, 28, 28, 1))).shape
    TensorShape([5, 8])
    """
    inputs, x, condition = condition_inputs.inputs("x", input_shape, num_classes, condition_shape)
    for number, channels in enumerate(filters, start=1):
        x = keras.layers.Conv2D(
            channels, KERNEL_SIZE, strides=2, padding="same", activation=activation, name=f"conv_{number}"
        )(x)
    x = condition_inputs.concatenate(keras.layers.Flatten(name="flatten")(x), condition)
    x = hidden_layers(x, hidden, activation)
    x = keras.layers.Dense(parameters_per_latent * latent_size, name="parameters")(x)
    return keras.Model(inputs, x, name=name)


@register(output_shape=check_image_shape, filters=check_sizes)
def conv_decoder(
    latent_size: int,
    output_shape: Shape,
    filters: Sequence[int] = (64, 32),
    hidden: Sequence[int] = (256,),
    activation: Activation | None = "relu",
    parameters_per_value: int = 1,
    num_classes: int | None = None,
    condition_shape: Shape | None = None,
    name: str = "conv_decoder",
) -> keras.Model:
    """Builds a convolutional decoder, the mirror of `conv_encoder`: latents to the parameters of images.

    Dense layers up to a small image of `filters[0]` channels, then transposed 3x3 convolutions of stride 2, as many as
    `filters` has entries, that pass through the sizes which the encoder's convolutions have (28, 14, 7; or 9, 5, 3).
    The last is linear and makes the parameters. A condition is concatenated with the latents.

    Args:
        latent_size: Number of latents.
        output_shape: Shape of an image, `(height, width, channels)`.
        filters: Channels before each transposed convolution, so `(64, 32)` mirrors an encoder's `(32, 64)`.
        hidden: Widths of the dense layers in front.
        activation: Activation of all layers but the last.
        parameters_per_value: How many parameters the likelihood needs for every value
            (`keras_dl.likelihoods.Likelihood.parameters_per_value`).
        num_classes: For a conditional decoder given labels: the number of classes.
        condition_shape: For a conditional decoder given vectors: their shape.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from latents `(batch, latent_size)`, or from a dict
        `{"latents": ..., "condition": ...}` if it is conditional, to
        `(batch, height, width, channels * parameters_per_value)`. Labels are integers of shape `(batch,)`.

    Raises:
        ValueError: If a size is not a positive integer, `output_shape` has not three axes, `filters` is empty, or both
            kinds of condition are asked for.

    Example:

    >>> decoder = conv_decoder(4, (7, 9, 2), filters=(3, 2), hidden=(8,))
    >>> decoder(keras.ops.zeros((5, 4))).shape
    TensorShape([5, 7, 9, 2])
    """
    if not filters:
        raise refusal("`filters` should have at least one entry", "filters=()")
    inputs, x, condition = condition_inputs.inputs("latents", (latent_size,), num_classes, condition_shape)
    x = hidden_layers(condition_inputs.concatenate(x, condition), hidden, activation)
    *sizes, smallest = halved_sizes(output_shape[:2], len(filters))
    smallest = (*smallest, filters[0])
    x = keras.layers.Dense(math.prod(smallest), activation=activation, name="features")(x)
    x = keras.layers.Reshape(smallest, name="reshape")(x)
    for number, (channels, size) in enumerate(zip(filters[1:], sizes[:0:-1], strict=True), start=1):
        x = upsample(x, channels, size, activation, name=f"conv_{number}")
    x = upsample(x, output_shape[-1] * parameters_per_value, sizes[0], None, name="parameters")
    return keras.Model(inputs, x, name=name)


def halved_sizes(size, times):
    """Returns the sizes that convolutions of stride 2 and "same" padding pass through, the first included.

    Example:

    >>> halved_sizes((28, 9), 2)
    [(28, 9), (14, 5), (7, 3)]
    """
    sizes = [size]
    for _ in range(times):
        sizes.append(tuple(-(-length // 2) for length in sizes[-1]))
    return sizes


def upsample(x, channels, size, activation, name):
    """Applies the transpose of the stride-2 convolution that shrinks an image of `size` to that of `x`.

    With an odd kernel and "same" padding, an output padding of 1 doubles a length and one of 0 gives an odd length.
    """
    return Conv2DTranspose(
        channels,
        KERNEL_SIZE,
        strides=2,
        padding="same",
        output_padding=tuple(1 - length % 2 for length in size),
        activation=activation,
        name=name,
    )(x)
