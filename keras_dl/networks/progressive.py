"""Generator and critic that hold every level to which they grow (Karras et al. 2018)."""

from collections.abc import Sequence

import keras

from keras_dl import layers
from keras_dl.checks import check_count, check_shape, refusal
from keras_dl.networks import condition_inputs
from keras_dl.networks.critic_parts import SLOPE
from keras_dl.networks.mlp_gan import as_data
from keras_dl.networks.registry import register
from keras_dl.types import Shape


@register()
def progressive_generator(
    latent_size: int = 512,
    output_shape: Shape = (1024, 1024, 3),
    filters: int = 16,
    most_filters: int = 512,
    smallest_size: int = 4,
    num_classes: int | Sequence | None = None,
    name: str = "progressive_generator",
) -> keras.Model:
    """Builds the generator of Karras et al. 2018, "Progressive growing of GANs for improved quality, stability, and
    variation".

    All levels exist from the start: level 0 makes images of `smallest_size`, each further one doubles them. At a
    `level` between two numbers the image is a blend of both levels' images, the smaller one enlarged. Layers have
    equalised learning rates, leaky rectifiers and pixel normalization; the image is linear.

    The layers `features_k` and `to_rgb_k` of level `k` are models of their own, which `models.ProgressiveGAN` runs
    alone while the network is small.

    Args:
        latent_size: Number of latents.
        output_shape: Shape of the largest images: `smallest_size`, doubled some times, along the shorter side.
        filters: Channels of the finest level; they double from level to level towards the coarsest.
        most_filters: Channels that no level exceeds.
        smallest_size: The shorter side of level 0's images.
        num_classes: Number of classes of labels, which are joined to the latents; or the sequence of those of several
            attributes, see `mlp_generator`. `None` for no condition.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from a dict `{"latents": (batch, latent_size), "level": (batch, 1)}`, with
        `"condition"` if it is conditional, to float32 images `(batch, *output_shape)`. The published one has 23,079,115
        weights at 1024x1024.

    Raises:
        ValueError: If a size is not a positive integer, or the image is no doubled smallest one.

    Example:

    >>> generator = progressive_generator(8, (16, 16, 1), filters=2)
    >>> inputs = {"latents": keras.ops.zeros((3, 8)), "level": keras.ops.ones((3, 1))}
    >>> generator(inputs).shape
    TensorShape([3, 16, 16, 1])
    """
    sides, channels = _levels(output_shape, "output_shape", filters, most_filters, smallest_size)
    inputs, latents, condition = condition_inputs.inputs("latents", (latent_size,), num_classes)
    inputs = inputs if isinstance(inputs, dict) else {"latents": inputs}
    level = keras.Input((1,), name="level")
    x, image = condition_inputs.concatenate(latents, condition), None
    for number, (size, width) in enumerate(zip(sides, channels, strict=True)):
        x = _generator_level(number, size, width)(x)
        new = layers.EqualizedConv2D(output_shape[-1], 1, gain=1.0, name=f"to_rgb_{number}")(x)
        if image is not None:
            old = keras.layers.UpSampling2D(name=f"enlarged_{number - 1}")(image)
            new = layers.Blend(number - 1, name=f"blend_{number}")([old, new, level])
        image = new
    return keras.Model({**inputs, "level": level}, as_data(image, None), name=name)


@register()
def progressive_critic(
    input_shape: Shape = (1024, 1024, 3),
    filters: int = 16,
    most_filters: int = 512,
    smallest_size: int = 4,
    group_size: int = 4,
    num_outputs: int = 1,
    name: str = "progressive_critic",
) -> keras.Model:
    """Builds the critic of Karras et al. 2018, the mirror of `progressive_generator`, to a linear score.

    At a `level` below the finest one the features of the finer blocks fade into those of the image made smaller. The
    last block sees the deviation within groups of the batch, `layers.MinibatchStdDev`. The layers `from_rgb_k` and
    `block_k` of level `k`, and `judge`, are models of their own; see `progressive_generator`.

    Args:
        input_shape: As `output_shape` of `progressive_generator`.
        filters: As for `progressive_generator`.
        most_filters: As for `progressive_generator`.
        smallest_size: As for `progressive_generator`.
        group_size: Samples in a group of which deviations are taken.
        num_outputs: 1, or 1 more than the classes of labels that the critic also reads off images
            (`objectives.Attributes.num_outputs`).
        name: Name of the model.

    Returns:
        A functional `keras.Model` from a dict `{"x": (batch, *input_shape), "level": (batch, 1)}` to scores
        `(batch, num_outputs)`. The published one has 23,087,249 weights at 1024x1024.

    Raises:
        ValueError: If a size is not a positive integer, or the image is no doubled smallest one.

    Example:

    >>> critic = progressive_critic((16, 16, 1), filters=2)
    >>> critic({"x": keras.ops.zeros((4, 16, 16, 1)), "level": keras.ops.ones((4, 1))}).shape
    TensorShape([4, 1])
    """
    sides, channels = _levels(input_shape, "input_shape", filters, most_filters, smallest_size)
    image, level = keras.Input(input_shape, name="x"), keras.Input((1,), name="level")
    finest, reduced = len(sides) - 1, image
    x = _from_rgb(finest, channels[finest])(image)
    for number in range(finest, 0, -1):
        x = _critic_level(number, channels[number], channels[number - 1])(x)
        reduced = keras.layers.AveragePooling2D(2, name=f"reduced_{number - 1}")(reduced)
        old = _from_rgb(number - 1, channels[number - 1])(reduced)
        x = layers.Blend(number - 1, name=f"blend_{number}")([old, x, level])
    sizes = check_count(group_size, "group_size"), check_count(num_outputs, "num_outputs")
    score = _judge(channels[0], *sizes)(x)
    return keras.Model({"x": image, "level": level}, score, name=name)


def _levels(shape, name, filters, most_filters, smallest_size):
    """Sides and channels of the levels, coarsest first."""
    height, width, _ = check_shape(shape, name, rank=3)
    filters, most = check_count(filters, "filters"), check_count(most_filters, "most_filters")
    smallest = check_count(smallest_size, "smallest_size")
    times = max(0, (min(height, width) // smallest).bit_length() - 1)
    if min(height, width) != smallest << times or height % (1 << times) or width % (1 << times):
        raise refusal(f"`{name}` should be {smallest} pixels, doubled some times", **{name: shape})
    sides = [(height >> (times - k), width >> (times - k)) for k in range(times + 1)]
    return sides, [min(most, filters << (times - k)) for k in range(times + 1)]


def _generator_level(number, size, width):
    """From latents to the coarsest level's features, or from a level's to those of twice the size."""
    if number:
        first = [keras.layers.UpSampling2D(), layers.EqualizedConv2D(width, 3)]
    else:  # as a dense layer whose outputs share a bias per channel
        padding = keras.layers.ZeroPadding2D(tuple((side - 1, side - 1) for side in size))
        row = [layers.PixelNormalization(), keras.layers.Reshape((1, 1, -1)), padding]
        first = [*row, layers.EqualizedConv2D(width, size, padding="valid")]
    rest = [*_rectified(), layers.EqualizedConv2D(width, 3), *_rectified()]
    return keras.Sequential([*first, *rest], name=f"features_{number}")


def _rectified():
    return [keras.layers.LeakyReLU(SLOPE), layers.PixelNormalization()]


def _from_rgb(number, width):
    convolution = layers.EqualizedConv2D(width, 1)
    return keras.Sequential([convolution, keras.layers.LeakyReLU(SLOPE)], name=f"from_rgb_{number}")


def _critic_level(number, width, next_width):
    parts = [layers.EqualizedConv2D(width, 3), keras.layers.LeakyReLU(SLOPE)]
    parts += [layers.EqualizedConv2D(next_width, 3), keras.layers.LeakyReLU(SLOPE), keras.layers.AveragePooling2D(2)]
    return keras.Sequential(parts, name=f"block_{number}")


def _judge(width, group_size, num_outputs):
    parts = [layers.MinibatchStdDev(group_size), layers.EqualizedConv2D(width, 3), keras.layers.LeakyReLU(SLOPE)]
    parts += [keras.layers.Flatten(), layers.EqualizedDense(width), keras.layers.LeakyReLU(SLOPE)]
    return keras.Sequential([*parts, layers.EqualizedDense(num_outputs, gain=1.0)], name="judge")
