"""Networks that enlarge images: SRResNet (Ledig et al. 2017), EDSR (Lim et al. 2017), ESPCN (Shi et al. 2016)."""

from collections.abc import Sequence

import keras

from keras_dl import layers
from keras_dl.checks import check_count, check_number, check_sizes, refusal
from keras_dl.networks import enlarging
from keras_dl.networks.registry import register
from keras_dl.types import Activation, Shape


@register()
def srresnet(
    input_shape: Shape = (None, None, 3),
    scale: int = 4,
    filters: int = 64,
    num_blocks: int = 16,
    enlarged_input: bool = False,
    name: str = "srresnet",
) -> keras.Model:
    """Builds SRResNet (Ledig et al. 2017, "Photo-realistic single image super-resolution", figure 4).

    Residual blocks with batch normalisation and learned rectifiers between convolutions of 9, then sub-pixel
    upsampling: 1,549,462 trainable parameters for 3 channels and x4.

    Args:
        input_shape: Shape of a small image, `(height, width, channels)`; sizes may be `None`.
        scale: By how much images are enlarged: 1, 2, 3, 4 or 8.
        filters: Channels.
        num_blocks: Residual blocks.
        enlarged_input: Whether the input, bilinearly enlarged, is added to the output.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from `(batch, height, width, channels)` to
        `(batch, scale height, scale width, channels)`, linear.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    >>> srresnet((24, 24, 3), scale=4, filters=8, num_blocks=1).output_shape
    (None, 96, 96, 3)
    """
    shape, filters = enlarging.image_shape(input_shape), check_count(filters, "filters")
    enlarging.steps(scale)
    inputs = keras.Input(shape, name="x")
    x = enlarging.conv(inputs, filters, "first", 9)
    x = start = _prelu("first_activation")(x)
    for number in range(1, check_count(num_blocks, "num_blocks") + 1):
        y = _normalized(x, filters, f"block_{number}_1")
        y = _prelu(f"block_{number}_activation")(y)
        y = _normalized(y, filters, f"block_{number}_2")
        x = keras.layers.Add(name=f"block_{number}")([x, y])
    x = keras.layers.Add(name="body")([start, _normalized(x, filters, "body_conv")])
    x = enlarging.shuffled(x, filters, scale, "up", activation=_prelu)
    x = enlarging.conv(x, shape[-1], "last", 9)
    return keras.Model(inputs, enlarging.with_enlarged(inputs, x, scale, enlarged_input), name=name)


@register()
def edsr(
    input_shape: Shape = (None, None, 3),
    scale: int = 2,
    filters: int = 64,
    num_blocks: int = 16,
    residual_scale: float = 1.0,
    enlarged_input: bool = False,
    name: str = "edsr",
) -> keras.Model:
    """Builds EDSR (Lim et al. 2017, "Enhanced deep residual networks for single image super-resolution").

    Residual blocks without normalisation. The defaults are the paper's baseline, 1.37 million parameters at x2;
    `filters=256, num_blocks=32, residual_scale=0.1` its large network, 40.7 million. The paper subtracts the mean
    colour of its data first; here a bias learns that.

    Args:
        input_shape: Shape of a small image, `(height, width, channels)`; sizes may be `None`.
        scale: By how much images are enlarged: 1, 2, 3, 4 or 8.
        filters: Channels.
        num_blocks: Residual blocks.
        residual_scale: Factor of what a block adds, 0.1 where there are many channels.
        enlarged_input: Whether the input, bilinearly enlarged, is added to the output, so that training starts there.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from `(batch, height, width, channels)` to
        `(batch, scale height, scale width, channels)`, linear.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    >>> edsr().count_params()
    1369859
    """
    shape, filters = enlarging.image_shape(input_shape), check_count(filters, "filters")
    check_number(residual_scale, "residual_scale", above=0, most=1)
    enlarging.steps(scale)
    inputs = keras.Input(shape, name="x")
    x = start = enlarging.conv(inputs, filters, "first")
    for number in range(1, check_count(num_blocks, "num_blocks") + 1):
        y = enlarging.conv(x, filters, f"block_{number}_1", activation="relu")
        y = enlarging.conv(y, filters, f"block_{number}_2", initializer=enlarging.small())
        if residual_scale != 1:
            y = keras.layers.Rescaling(residual_scale, name=f"block_{number}_scale")(y)
        x = keras.layers.Add(name=f"block_{number}")([x, y])
    x = keras.layers.Add(name="body")([start, enlarging.conv(x, filters, "body_conv")])
    x = enlarging.shuffled(x, filters, scale, "up")
    last = {"initializer": enlarging.small()} if enlarged_input else {}
    x = enlarging.conv(x, shape[-1], "last", **last)
    return keras.Model(inputs, enlarging.with_enlarged(inputs, x, scale, enlarged_input), name=name)


@register()
def espcn(
    input_shape: Shape = (None, None, 1),
    scale: int = 3,
    filters: Sequence[int] = (64, 32),
    kernel_sizes: Sequence[int] = (5, 3, 3),
    activation: Activation | None = "tanh",
    enlarged_input: bool = False,
    name: str = "espcn",
) -> keras.Model:
    """Builds ESPCN (Shi et al. 2016, "Real-time single image and video super-resolution").

    Convolutions at the small size and one sub-pixel convolution at the end: 22,729 parameters for one channel and x3.

    Args:
        input_shape: Shape of a small image, `(height, width, channels)`; sizes may be `None`.
        scale: By how much images are enlarged, in one step: 1, 2, 3, 4 or 8.
        filters: Channels of all convolutions but the last.
        kernel_sizes: Sides of the kernels, one more than `filters` has.
        activation: Behind all convolutions but the last.
        enlarged_input: Whether the input, bilinearly enlarged, is added to the output.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from `(batch, height, width, channels)` to
        `(batch, scale height, scale width, channels)`, linear.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    >>> espcn().count_params()
    22729
    """
    shape, filters = enlarging.image_shape(input_shape), check_sizes(filters, "filters")
    kernel_sizes = check_sizes(kernel_sizes, "kernel_sizes")
    enlarging.steps(scale)
    if len(kernel_sizes) != len(filters) + 1:
        raise refusal("`kernel_sizes` should have one entry more than `filters`", kernel_sizes=kernel_sizes)
    inputs = x = keras.Input(shape, name="x")
    for number, (width, size) in enumerate(zip(filters, kernel_sizes, strict=False), start=1):
        x = enlarging.conv(x, width, f"conv_{number}", size, activation=activation)
    initializer = layers.ICNR(scale, enlarging.small() if enlarged_input else "he_normal")
    x = enlarging.conv(x, shape[-1] * scale**2, "last", kernel_sizes[-1], initializer=initializer)
    x = layers.PixelShuffle(scale, name="up")(x)
    return keras.Model(inputs, enlarging.with_enlarged(inputs, x, scale, enlarged_input), name=name)


def _prelu(name):
    return layers.PReLU(name=name)


def _normalized(x, filters, name):
    x = enlarging.conv(x, filters, name)
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_normalization")(x)
