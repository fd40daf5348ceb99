"""LeNet-5."""

import keras

from keras_dl import layers
from keras_dl.checks import check_shape
from keras_dl.networks.classification import Top
from keras_dl.networks.registry import register
from keras_dl.types import Activation, Shape

SIDE = 32
KERNEL_SIZE = 5
FILTERS = (6, 16)
UNITS = (120, 84)


@register()
def lenet5(
    input_shape: Shape,
    num_classes: int = 10,
    include_top: bool = True,
    pooling: str | None = None,
    classifier_activation: Activation | None = None,
    modern: bool = True,
    antialias: bool = False,
    name: str = "lenet5",
) -> keras.Model:
    """Builds LeNet-5 (LeCun et al., 1998, "Gradient-based learning applied to document recognition").

    Two 5x5 convolutions of 6 and 16 channels, each followed by a 2x2 pooling, and dense layers of 120, 84 and
    `num_classes`; 61,706 weights for 32x32x1 images and 10 classes, the second convolution connecting all channels. An
    image with a side below 32 is padded with zeros to 32, as the paper does with digits of 28x28; one that fits into
    it several times is enlarged by that whole number first, 8x8 by 4.

    Layers: `stage_1_conv`, `stage_1_pool`, `stage_2_conv`, `stage_2_pool`, `flatten`, `dense_1`, `dense_2`, `classes`.

    Args:
        input_shape: Shape of an image, `(height, width, channels)`.
        num_classes: Number of classes.
        include_top: Whether to end in the dense layers; else in the feature maps of the last pooling.
        pooling: For `include_top=False`: `"avg"` or `"max"` over all places of the feature maps, `None` for the maps.
        classifier_activation: Activation of the last layer, `None` for logits or `"softmax"`.
        modern: Rectifiers and max pooling; `False` for the paper's hyperbolic tangents and average pooling.
        antialias: Whether poolings blur before they subsample (Zhang, 2019): `MaxBlurPool2D`, or `BlurPool2D` in the
            paper's form.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from images `(batch, *input_shape)` to class logits `(batch, num_classes)`, to
        feature maps `(batch, height, width, 16)`, or to features `(batch, 16)`.

    Raises:
        ValueError: If a size is not a positive integer, or `pooling` is unknown or asked for beside the top.

    Example:

    >>> lenet5((28, 28, 1), num_classes=10).count_params()
    61706
    """
    shape = check_shape(input_shape, "input_shape", rank=3)
    top = Top(num_classes, include_top, pooling, classifier_activation)
    activation = "relu" if modern else "tanh"
    inputs = keras.Input(shape, name="x")
    x = _as_large_as_the_papers(inputs, shape)
    for stage, channels in enumerate(FILTERS, start=1):
        x = keras.layers.Conv2D(channels, KERNEL_SIZE, activation=activation, name=f"stage_{stage}_conv")(x)
        x = _pool(modern, antialias, f"stage_{stage}_pool")(x)
    if not top.included:
        return keras.Model(inputs, top.pooled(x), name=name)
    x = keras.layers.Flatten(name="flatten")(x)
    for number, units in enumerate(UNITS, start=1):
        x = keras.layers.Dense(units, activation=activation, name=f"dense_{number}")(x)
    return keras.Model(inputs, top.classes(x), name=name)


def _pool(modern, antialias, name):
    if antialias:
        return layers.MaxBlurPool2D(2, name=name) if modern else layers.BlurPool2D(name=name)
    pool = keras.layers.MaxPooling2D if modern else keras.layers.AveragePooling2D
    return pool(2, name=name)


def _as_large_as_the_papers(x, shape):
    """Enlarges and pads images that are smaller than the paper's."""
    times = max(SIDE // max(shape[:2]), 1)
    if times > 1:
        x = keras.layers.UpSampling2D(times, name="enlarging")(x)
    padding = [_padding(times * side) for side in shape[:2]]
    return keras.layers.ZeroPadding2D(padding, name="padding")(x) if any(map(any, padding)) else x


def _padding(side):
    """Zeros before and after a side that make it 32, or none."""
    missing = max(SIDE - side, 0)
    return missing // 2, missing - missing // 2
