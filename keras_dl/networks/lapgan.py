"""The generator and the critic of a level of a Laplacian pyramid (Denton et al. 2015)."""

import math
from collections.abc import Sequence

import keras

from keras_dl.checks import check_count, check_counts, check_shape, refusal
from keras_dl.networks import condition_inputs, critic_parts
from keras_dl.networks.mlp_gan import as_data
from keras_dl.networks.registry import register
from keras_dl.types import Shape


@register()
def lapgan_generator(
    output_shape: Shape,
    filters: int = 64,
    kernel_sizes: Sequence[int] = (7, 7, 5),
    num_classes: int | Sequence[int] | None = None,
    condition_shape: Shape | None = None,
    name: str = "lapgan_generator",
) -> keras.Model:
    """Builds the generator of a finer level: what a blurred image lacks, from it and a plane of noise.

    Convolutions with rectifiers between them, on the image, the noise and a plane of the condition side by side (Denton
    et al. 2015, "Deep generative image models using a Laplacian pyramid of adversarial networks"). It returns a
    difference, which is added to the blurred image. For the coarsest level take `mlp_generator` or `dcgan_generator`.

    Args:
        output_shape: Shape of the level's images, `(height, width, channels)`.
        filters: Channels of the inner convolutions.
        kernel_sizes: Sides of the kernels; the last convolution makes the difference.
        num_classes: As for `mlp_generator`.
        condition_shape: As for `mlp_generator`.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from a dict `{"latents": (batch, height, width, 1), "coarse": (batch,
        *output_shape)}`, with `"condition"` if it is conditional, to float32 differences `(batch, *output_shape)`.

    Raises:
        ValueError: If a size is not a positive integer, or both kinds of condition are asked for.

    Example:

    >>> generator = lapgan_generator((8, 8, 1), filters=4)
    >>> plane = keras.ops.zeros((3, 8, 8, 1))
    >>> generator({"latents": plane, "coarse": plane}).shape
    TensorShape([3, 8, 8, 1])
    """
    shape = check_shape(output_shape, "output_shape", rank=3)
    filters = check_count(filters, "filters")
    *inner, last = _kernel_sizes(kernel_sizes)
    inputs, noise, condition = condition_inputs.inputs("latents", (*shape[:2], 1), num_classes, condition_shape)
    coarse = keras.Input(shape, name="coarse")
    named = inputs if isinstance(inputs, dict) else {"latents": inputs}
    x = keras.layers.Concatenate(name="with_noise")([coarse, noise, *_plane(condition, shape)])
    for number, kernel_size in enumerate(inner, start=1):
        x = keras.layers.Conv2D(filters, kernel_size, padding="same", activation="relu", name=f"conv_{number}")(x)
    x = keras.layers.Conv2D(shape[-1], last, padding="same", name="difference")(x)
    return keras.Model({**named, "coarse": coarse}, as_data(x, None), name=name)


@register()
def lapgan_critic(
    input_shape: Shape,
    filters: int = 64,
    kernel_size: int = 5,
    dropout: float = 0.5,
    num_classes: int | Sequence[int] | None = None,
    condition_shape: Shape | None = None,
    name: str = "lapgan_critic",
) -> keras.Model:
    """Builds the critic of a level: images, blurred ones with a difference added, to the logit of being real.

    Two convolutions with rectifiers, the second of stride 2, dropout and a linear layer (Denton et al. 2015). The
    condition is one more plane beside the image's channels.

    Args:
        input_shape: Shape of the level's images, `(height, width, channels)`.
        filters: Channels of the convolutions.
        kernel_size: Side of their kernels.
        dropout: Share of activations dropped in training.
        num_classes: As for `mlp_critic`.
        condition_shape: As for `mlp_critic`.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from images `(batch, *input_shape)`, or from a dict `{"x": ..., "condition": ...}`
        if it is conditional, to scores `(batch, 1)`.

    Raises:
        ValueError: If a size is not a positive integer, or both kinds of condition are asked for.

    Example:

    >>> lapgan_critic((8, 8, 1), filters=4)(keras.ops.zeros((3, 8, 8, 1))).shape
    TensorShape([3, 1])
    """
    shape = check_shape(input_shape, "input_shape", rank=3)
    filters = check_count(filters, "filters")
    inputs, x, condition = condition_inputs.inputs("x", shape, num_classes, condition_shape)
    if condition is not None:
        x = keras.layers.Concatenate(name="with_condition")([x, *_plane(condition, shape)])
    options = {"padding": "same", "activation": "relu"}
    x = keras.layers.Conv2D(filters, kernel_size, name="conv_1", **options)(x)
    x = keras.layers.Conv2D(filters, kernel_size, strides=2, name="conv_2", **options)(x)
    x = keras.layers.Dropout(dropout, name="dropout")(keras.layers.Flatten(name="flatten")(x))
    return keras.Model(inputs, critic_parts.score(x, None), name=name)


def _plane(condition, shape):
    """A list of one plane, a linear function of the condition's vectors, or of none."""
    if condition is None:
        return []
    plane = keras.layers.Dense(math.prod(shape[:2]), name="condition_values")(condition)
    return [keras.layers.Reshape((*shape[:2], 1), name="condition_plane")(plane)]


def _kernel_sizes(kernel_sizes):
    if not isinstance(kernel_sizes, (list, tuple)):
        raise refusal("`kernel_sizes` should be a sequence of positive integers", kernel_sizes=kernel_sizes)
    return check_counts(kernel_sizes, "kernel_sizes")
