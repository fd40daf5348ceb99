"""Parts shared by networks that enlarge images: scales, and upsampling by pixels shuffled or repeated."""

import keras

from keras_dl import layers
from keras_dl.checks import check_count, refusal

SCALES = (1, 2, 3, 4, 8)


def image_shape(input_shape):
    """Returns `(height, width, channels)` of images, whose sizes may be `None`, or refuses it."""
    shape = tuple(input_shape)
    if len(shape) != 3 or shape[-1] is None:
        raise refusal("`input_shape` should be (height, width, channels), sizes may be None", input_shape=input_shape)
    for size in shape:
        if size is not None:
            check_count(size, "input_shape")
    return shape


def steps(scale):
    """The factors by which images are enlarged one after another: 4 is twice 2.

    Example:

    >>> steps(4), steps(3), steps(1)
    ((2, 2), (3,), ())
    """
    scale = check_count(scale, "scale")
    if scale not in SCALES:
        raise refusal(f"`scale` should be one of {SCALES}", scale=scale)
    return (3,) if scale == 3 else (2,) * (scale.bit_length() - 1)


def shuffled(x, filters, scale, name, activation=None, initializer="he_normal"):
    """Enlarges maps by sub-pixel convolutions, which start as nearest neighbour, each with an activation behind it."""
    for number, factor in enumerate(steps(scale), start=1):
        start = layers.ICNR(factor, initializer)
        x = conv(x, filters * factor**2, f"{name}_{number}_conv", initializer=start)
        x = layers.PixelShuffle(factor, name=f"{name}_{number}")(x)
        x = x if activation is None else activation(f"{name}_{number}_activation")(x)
    return x


def repeated(x, filters, scale, name, activation):
    """Enlarges maps by repeating pixels, each time with a convolution and an activation behind it."""
    for number, factor in enumerate(steps(scale), start=1):
        x = layers.NearestUpsampling2D(factor, name=f"{name}_{number}")(x)
        x = conv(x, filters, f"{name}_{number}_conv")
        x = activation(f"{name}_{number}_activation")(x)
    return x


def conv(x, filters, name, kernel_size=3, initializer="he_normal", **options):
    """Applies a convolution that keeps the size."""
    layer = keras.layers.Conv2D(
        filters, kernel_size, padding="same", kernel_initializer=initializer, name=name, **options
    )
    return layer(x)


def with_enlarged(inputs, x, scale, enlarged_input):
    """Adds to the output the bilinearly enlarged input, where that is asked for."""
    if not enlarged_input:
        return x
    base = inputs if scale == 1 else layers.BilinearUpsampling2D(scale, name="enlarged")(inputs)
    return keras.layers.Add(name="sum")([base, x])


def small(scale=0.1):
    """He's normal start times a factor below 1, for deep residual networks (Wang et al. 2018, section 3.1)."""
    return keras.initializers.VarianceScaling(2.0 * scale**2, "fan_in", "truncated_normal")
