"""Residual-in-residual dense blocks, the generator of ESRGAN (Wang et al. 2018), and the critic of SRGAN."""

import keras

from keras_dl import layers
from keras_dl.checks import check_count, check_number, check_shape
from keras_dl.networks import enlarging
from keras_dl.networks.registry import register
from keras_dl.types import Shape

SLOPE = 0.2  # of leaky rectifiers


@register()
def rrdb(
    input_shape: Shape = (None, None, 3),
    scale: int = 4,
    filters: int = 64,
    growth: int = 32,
    num_blocks: int = 23,
    residual_scale: float = 0.2,
    enlarged_input: bool = False,
    name: str = "rrdb",
) -> keras.Model:
    """Builds the generator of ESRGAN (Wang et al. 2018, "Enhanced super-resolution generative adversarial networks").

    Each block is three dense blocks of five convolutions; what they add is scaled, inside and around. Pixels are
    repeated and convolved where images grow. 16,697,987 parameters with the defaults.

    Args:
        input_shape: Shape of a small image, `(height, width, channels)`; sizes may be `None`.
        scale: By how much images are enlarged: 1, 2, 3, 4 or 8.
        filters: Channels.
        growth: Channels that each convolution of a dense block adds.
        num_blocks: Blocks of three dense blocks.
        residual_scale: Factor of what blocks add.
        enlarged_input: Whether the input, bilinearly enlarged, is added to the output.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from `(batch, height, width, channels)` to
        `(batch, scale height, scale width, channels)`, linear.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    >>> rrdb((16, 16, 3), scale=4, filters=8, growth=4, num_blocks=1).output_shape
    (None, 64, 64, 3)
    """
    shape, filters = enlarging.image_shape(input_shape), check_count(filters, "filters")
    growth = check_count(growth, "growth")
    check_number(residual_scale, "residual_scale", above=0, most=1)
    enlarging.steps(scale)
    inputs = keras.Input(shape, name="x")
    x = start = enlarging.conv(inputs, filters, "first")
    for number in range(1, check_count(num_blocks, "num_blocks") + 1):
        y = x
        for part in range(1, 4):
            y = _dense_block(y, filters, growth, residual_scale, f"block_{number}_{part}")
        x = _added(x, y, residual_scale, f"block_{number}")
    x = keras.layers.Add(name="body")([start, enlarging.conv(x, filters, "body_conv")])
    x = enlarging.repeated(x, filters, scale, "up", _leaky)
    x = _leaky("high_activation")(enlarging.conv(x, filters, "high"))
    x = enlarging.conv(x, shape[-1], "last")
    return keras.Model(inputs, enlarging.with_enlarged(inputs, x, scale, enlarged_input), name=name)


@register()
def srgan_critic(
    input_shape: Shape,
    filters: int = 64,
    dense_units: int = 1024,
    normalization: str | None = "batch",
    name: str = "srgan_critic",
) -> keras.Model:
    """Builds the critic of SRGAN (Ledig et al. 2017, figure 4): images of one size to a logit.

    Args:
        input_shape: Shape of an image, `(height, width, channels)`.
        filters: Channels of the first two of eight convolutions; they double behind every second one.
        dense_units: Units of the hidden dense layer.
        normalization: `"batch"`, or `None` for none.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from `(batch, *input_shape)` to scores `(batch, 1)`.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    >>> srgan_critic((32, 32, 3), filters=4, dense_units=8).output_shape
    (None, 1)
    """
    shape = check_shape(input_shape, "input_shape", rank=3)
    inputs = x = keras.Input(shape, name="x")
    for number in range(8):
        width = check_count(filters, "filters") << number // 2
        normalized = normalization if number else None
        options = {"strides": 1 + number % 2, "use_bias": normalized is None}
        x = enlarging.conv(x, width, f"conv_{number + 1}", **options)
        if normalized:
            x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"normalization_{number + 1}")(x)
        x = _leaky(f"activation_{number + 1}")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dense(check_count(dense_units, "dense_units"), name="dense")(x)
    x = _leaky("dense_activation")(x)
    return keras.Model(inputs, keras.layers.Dense(1, name="score")(x), name=name)


def _dense_block(x, filters, growth, scale, name):
    features = [x]
    for number in range(1, 5):
        y = _joined(features, f"{name}_joined_{number}")
        y = enlarging.conv(y, growth, f"{name}_conv_{number}", initializer=enlarging.small())
        features.append(_leaky(f"{name}_activation_{number}")(y))
    y = _joined(features, f"{name}_joined_5")
    y = enlarging.conv(y, filters, f"{name}_conv_5", initializer=enlarging.small())
    return _added(x, y, scale, name)


def _joined(features, name):
    return features[0] if len(features) == 1 else keras.layers.Concatenate(name=name)(features)


def _added(x, y, scale, name):
    y = keras.layers.Rescaling(scale, name=f"{name}_scale")(y)
    return keras.layers.Add(name=name)([x, y])


def _leaky(name):
    return keras.layers.LeakyReLU(SLOPE, name=name)
