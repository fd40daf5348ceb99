"""Networks that translate images: the U-Net of pix2pix (Isola et al. 2017), the ResNet of CycleGAN (Zhu et al.)."""

import keras

from keras_dl import layers
from keras_dl.checks import check_count, refusal
from keras_dl.layers.fit_size import CropToSize
from keras_dl.networks import enlarging
from keras_dl.networks.registry import register
from keras_dl.types import Activation, Shape

SLOPE = 0.2  # of leaky rectifiers on the way down
NORMALIZATIONS = ("batch", "instance", None)


@register()
def pix2pix_generator(
    input_shape: Shape = (256, 256, 3),
    channels: int | None = None,
    filters: int = 64,
    levels: int = 8,
    normalization: str | None = "batch",
    dropout: float = 0.5,
    output_activation: Activation | None = "tanh",
    name: str = "pix2pix_generator",
) -> keras.Model:
    """Builds the U-Net of pix2pix (Isola et al. 2017, "Image-to-image translation with conditional adversarial nets").

    Convolutions of 4 and stride 2 down to `levels` halvings, transposed ones up, skips between; no normalisation in the
    first and in the innermost, where a map of one pixel would become zero; dropout in the coarsest levels of the way
    up, three of eight, is the noise. 54,413,955 parameters with the defaults. Other sizes than multiples of
    `2 ** levels` are padded and cut back.

    Args:
        input_shape: Shape of an image, `(height, width, channels)`; sizes may be `None`.
        channels: Channels of the output; `None` for the input's.
        filters: Channels of the finest level; they double up to eight times as many.
        levels: Halvings: 8 bring 256 pixels to one.
        normalization: `"batch"` as published, where a batch of one is an instance; `"instance"`, the same in training
            and after it; or `None`.
        dropout: Share of activations dropped.
        output_activation: `"tanh"` for images in [-1, 1], `"sigmoid"` for [0, 1], `None` for any numbers.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from images to images `(batch, height, width, channels)`.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    >>> pix2pix_generator((32, 32, 1), channels=3, filters=4, levels=3).output_shape
    (None, 32, 32, 3)
    """
    shape, filters = enlarging.image_shape(input_shape), check_count(filters, "filters")
    levels = check_count(levels, "levels", least=2)
    check_normalization(normalization)
    channels = shape[-1] if channels is None else check_count(channels, "channels")
    widths = [filters * 2 ** min(level, 3) for level in range(levels)]
    inputs = keras.Input(shape, name="x")
    fits = all(size is not None and size % 2**levels == 0 for size in shape[:2])
    x = inputs if fits else layers.PadToMultiple(2**levels, name="padding")(inputs)
    skips = []
    for level, width in enumerate(widths):
        x = x if level == 0 else keras.layers.LeakyReLU(SLOPE, name=f"down_{level + 1}_activation")(x)
        x = _down(x, width, f"down_{level + 1}", 4, normalization is None)
        x = x if level in (0, levels - 1) else normalized(x, normalization, f"down_{level + 1}")
        skips.append(x)
    for level in reversed(range(1, levels)):
        x = keras.layers.Activation("relu", name=f"up_{level}_activation")(x)
        x = _up(x, widths[level - 1], f"up_{level}", 4, normalization is None)
        x = normalized(x, normalization, f"up_{level}")
        if dropout and level >= levels - min(3, levels // 2):
            x = keras.layers.Dropout(dropout, name=f"up_{level}_dropout")(x)
        x = keras.layers.Concatenate(name=f"up_{level}_joined")([x, skips[level - 1]])
    x = keras.layers.Activation("relu", name="last_activation")(x)
    x = _up(x, channels, "last", 4, use_bias=True)
    x = x if fits else CropToSize(1, 0, name="cut")([x, inputs])
    return keras.Model(inputs, _as_image(x, output_activation), name=name)


@register()
def resnet_translator(
    input_shape: Shape = (None, None, 3),
    channels: int | None = None,
    filters: int = 64,
    num_blocks: int = 9,
    downsamplings: int = 2,
    normalization: str | None = "instance",
    output_activation: Activation | None = "tanh",
    name: str = "resnet_translator",
) -> keras.Model:
    """Builds the generator of CycleGAN (Zhu et al. 2017, appendix; Johnson et al. 2016).

    Reflection padding, a convolution of 7, halvings, residual blocks, doublings, a convolution of 7. Instances are
    normalised without learned factors. Nine blocks (six at 128 pixels) have the published 11.4 million parameters,
    11,372,931; the published code has 5,248 more, biases in front of normalisations, which take them off again.
    Other sizes than multiples of `2 ** downsamplings`, and smaller ones than twice that, are padded and cut back.

    Args:
        input_shape: Shape of an image, `(height, width, channels)`; sizes may be `None`.
        channels: Channels of the output; `None` for the input's.
        filters: Channels at full resolution; they double with each halving.
        num_blocks: Residual blocks.
        downsamplings: Halvings.
        normalization: `"instance"` as published, `"batch"` or `None`.
        output_activation: `"tanh"` for images in [-1, 1], `"sigmoid"` for [0, 1], `None` for any numbers.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from images to images `(batch, height, width, channels)`.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    >>> resnet_translator((16, 16, 3), filters=4, num_blocks=1).output_shape
    (None, 16, 16, 3)
    """
    shape, filters = enlarging.image_shape(input_shape), check_count(filters, "filters")
    downsamplings = check_count(downsamplings, "downsamplings", least=0)
    check_normalization(normalization)
    channels = shape[-1] if channels is None else check_count(channels, "channels")
    inputs = keras.Input(shape, name="x")
    multiple, least = 2**downsamplings, max(4, 2 << downsamplings)  # what reflections need, of 3 pixels and of 1
    fits = all(size is not None and size % multiple == 0 and size >= least for size in shape[:2])
    x = inputs if fits else layers.PadToMultiple(multiple, minimum=least, name="padding")(inputs)
    x = _relu(_reflected(x, filters, "first", normalization, 7), "first")
    for level in range(1, downsamplings + 1):
        x = _down(x, filters << level, f"down_{level}", 3, normalization is None)
        x = _relu(normalized(x, normalization, f"down_{level}"), f"down_{level}")
    for number in range(1, check_count(num_blocks, "num_blocks") + 1):
        y = _reflected(x, x.shape[-1], f"block_{number}_1", normalization, 3)
        y = _relu(y, f"block_{number}_1")
        y = _reflected(y, x.shape[-1], f"block_{number}_2", normalization, 3)
        x = keras.layers.Add(name=f"block_{number}")([x, y])
    for level in reversed(range(downsamplings)):
        x = _up(x, filters << level, f"up_{level + 1}", 3, normalization is None)
        x = _relu(normalized(x, normalization, f"up_{level + 1}"), f"up_{level + 1}")
    x = layers.ReflectionPadding2D(3, name="last_padding")(x)
    last = {"padding": "valid", "kernel_initializer": weights(), "name": "last"}
    x = keras.layers.Conv2D(channels, 7, **last)(x)
    x = x if fits else CropToSize(1, 0, name="cut")([x, inputs])
    return keras.Model(inputs, _as_image(x, output_activation), name=name)


def check_normalization(normalization):
    """Refuses what `normalized` does not know."""
    if normalization not in NORMALIZATIONS:
        raise refusal(f"`normalization` should be one of {NORMALIZATIONS}", normalization=normalization)


def normalized(x, normalization, name):
    """Normalises batches, with factors, or instances, without."""
    if normalization == "batch":
        return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_normalization")(x)
    if normalization == "instance":
        layer = layers.GroupNormalization(-1, epsilon=1e-5, center=False, scale=False, name=f"{name}_normalization")
        return layer(x)
    return x


def weights():
    """The start of both papers, N(0, 0.02^2)."""
    return keras.initializers.RandomNormal(stddev=0.02)


def _down(x, filters, name, kernel_size, use_bias):
    """A convolution of stride 2 with zeros on both sides alike."""
    x = keras.layers.ZeroPadding2D(1, name=f"{name}_padding")(x)
    options = {"strides": 2, "use_bias": use_bias, "kernel_initializer": weights(), "name": name}
    return keras.layers.Conv2D(filters, kernel_size, **options)(x)


def _up(x, filters, name, kernel_size, use_bias):
    options = {"strides": 2, "padding": "same", "use_bias": use_bias, "kernel_initializer": weights(), "name": name}
    return keras.layers.Conv2DTranspose(filters, kernel_size, **options)(x)


def _reflected(x, filters, name, normalization, kernel_size):
    x = layers.ReflectionPadding2D(kernel_size // 2, name=f"{name}_padding")(x)
    options = {"use_bias": normalization is None, "kernel_initializer": weights(), "name": name}
    return normalized(keras.layers.Conv2D(filters, kernel_size, **options)(x), normalization, name)


def _relu(x, name):
    return keras.layers.Activation("relu", name=f"{name}_activation")(x)


def _as_image(x, activation):
    return keras.layers.Activation(activation, dtype="float32", name="image")(x)
