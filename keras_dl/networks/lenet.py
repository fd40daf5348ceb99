"""LeNet-5."""

import keras

from keras_dl.networks import arguments
from keras_dl.networks.registry import register

SIDE = 32
KERNEL_SIZE = 5
FILTERS = (6, 16)
UNITS = (120, 84)


@register
def lenet5(
    input_shape,
    num_classes=10,
    include_top=True,
    pooling=None,
    classifier_activation=None,
    modern=True,
    name="lenet5",
):
    """Builds LeNet-5 (LeCun et al., 1998, "Gradient-based learning applied to document recognition").

    Two 5x5 convolutions of 6 and 16 channels, each followed by a 2x2 pooling, and dense layers of 120, 84 and
    `num_classes`; 61,706 weights for 32x32x1 images and 10 classes, the second convolution connecting all channels. An
    image with a side below 32 is padded with zeros to 32, as the paper does with digits of 28x28; one that fits into
    it several times is enlarged by that whole number first, 8x8 by 4.

    Args:
        input_shape: Shape of an image, `(height, width, channels)`.
        num_classes: Number of classes.
        include_top: Whether to end in the dense layers; else in the feature maps of the last pooling.
        pooling: For `include_top=False`: `"avg"` or `"max"` over all places of the feature maps, `None` for the maps.
        classifier_activation: Activation of the last layer, `None` for logits or `"softmax"`.
        modern: Rectifiers and max pooling; `False` for the paper's hyperbolic tangents and average pooling.
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
    shape = arguments.sample_shape(input_shape, "input_shape", rank=3)
    _check_pooling(pooling, include_top)
    activation = "relu" if modern else "tanh"
    pool = keras.layers.MaxPooling2D if modern else keras.layers.AveragePooling2D
    inputs = x = keras.Input(shape, name="x")
    times = max(SIDE // max(shape[:2]), 1)
    if times > 1:
        x = keras.layers.UpSampling2D(times, name="enlarging")(x)
    padding = [_padding(times * side) for side in shape[:2]]
    if any(map(any, padding)):
        x = keras.layers.ZeroPadding2D(padding, name="padding")(x)
    for number, channels in enumerate(FILTERS, start=1):
        x = keras.layers.Conv2D(channels, KERNEL_SIZE, activation=activation, name=f"conv_{number}")(x)
        x = pool(2, name=f"pool_{number}")(x)
    if include_top:
        x = keras.layers.Flatten(name="flatten")(x)
        for number, units in enumerate(UNITS, start=1):
            x = keras.layers.Dense(units, activation=activation, name=f"dense_{number}")(x)
        classes = arguments.positive_int(num_classes, "num_classes")
        x = keras.layers.Dense(classes, activation=classifier_activation, name="classes")(x)
    elif pooling is not None:
        over = keras.layers.GlobalAveragePooling2D if pooling == "avg" else keras.layers.GlobalMaxPooling2D
        x = over(name="pooling")(x)
    return keras.Model(inputs, x, name=name)


def _padding(side):
    """Zeros before and after a side that make it 32, or none."""
    missing = max(SIDE - side, 0)
    return missing // 2, missing - missing // 2


def _check_pooling(pooling, include_top):
    if pooling not in (None, "avg", "max") or (pooling is not None and include_top):
        raise ValueError(
            '`pooling` must be "avg", "max" or None, and None where `include_top` is true. '
            f"Received: pooling={pooling!r}, include_top={include_top!r}"
        )
