"""SqueezeNet (Iandola et al., 2016)."""

import keras

from keras_dl import layers
from keras_dl.networks.classification import Top, image_shape, known, max_pool
from keras_dl.networks.registry import register, variant
from keras_dl.types import Activation, Shape

# Filters and size of the first convolution; fires 2 to 9 in stages between the poolings.
FORMS = {"1.0": (96, 7, (3, 4, 1)), "1.1": (64, 3, (2, 2, 4))}
SQUEEZED = (16, 16, 32, 32, 48, 48, 64, 64)
EXPANSION = 4
SMALLEST = {"1.0": {False: 21, True: 15}, "1.1": {False: 17, True: 11}}


@register()
def squeezenet(
    input_shape: Shape,
    num_classes: int = 1000,
    include_top: bool = True,
    pooling: str | None = None,
    classifier_activation: Activation | None = None,
    version: str = "1.1",
    dropout: float = 0.5,
    antialias: bool = False,
    name: str | None = None,
) -> keras.Model:
    """Builds SqueezeNet (Iandola et al., 2016, "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters").

    A convolution of stride 2 without padding, eight fire modules of 128, 128, 256, 256, 384, 384, 512 and 512 channels
    with 3x3 max pooling between, dropout, a 1x1 convolution to the classes with a rectifier, and global averages.
    Version 1.0 starts with 7x7 kernels and pools behind the first convolution, fire 4 and fire 8: 1,248,424 weights for
    3 channels and 1,000 classes. Version 1.1 starts with 3x3 and pools earlier, at less than half the cost: 1,235,496.

    Layers: `stem`, `stem_pool`, `stage_1_fire_2` ... `stage_3_fire_9`, `stage_1_pool`, `stage_2_pool`, `classes`,
    `pooling`.

    Args:
        input_shape: Shape of an image, `(height, width, channels)`.
        num_classes: Number of classes.
        include_top: Whether to end in class scores; else in the last feature maps.
        pooling: For `include_top=False`: `"avg"` or `"max"` over all places of the maps, `None` for the maps.
        classifier_activation: Activation of the scores, `None` for the averages themselves, which are not negative, or
            `"softmax"`.
        version: `"1.0"` or `"1.1"`.
        dropout: Share of the last maps dropped in training.
        antialias: Whether poolings are `MaxBlurPool2D` (Zhang, 2019).
        name: Name of the model.

    Returns:
        A functional `keras.Model` from images `(batch, *input_shape)` to class scores `(batch, num_classes)`, to
        feature maps `(batch, height, width, 512)`, or to features `(batch, 512)`.

    Raises:
        ValueError: If an option is unknown or out of range, or the images are too small.

    Example:

    >>> squeezenet((64, 64, 3), num_classes=1000, version="1.0").count_params()
    1248424
    """
    filters, size, counts = known(version, FORMS, "version")
    shape = image_shape(input_shape, SMALLEST[version][bool(antialias)], f"SqueezeNet {version}")
    top = Top(num_classes, include_top, pooling, classifier_activation)
    inputs = keras.Input(shape, name="x")
    x = layers.ConvBlock(filters, size, 2, "valid", normalization=None, name="stem")(inputs)
    x = max_pool(x, 3, "stem_pool", "ceil", antialias)
    squeezed = iter(enumerate(SQUEEZED, start=2))
    for stage, count in enumerate(counts, start=1):
        for number, channels in (next(squeezed) for _ in range(count)):
            expanded = EXPANSION * channels
            x = layers.FireModule(channels, expanded, expanded, name=f"stage_{stage}_fire_{number}")(x)
        if stage < len(counts):
            x = max_pool(x, 3, f"stage_{stage}_pool", "ceil", antialias)
    if top.included:
        x = keras.layers.Dropout(dropout, name="dropout")(x) if dropout else x
    outputs = top.class_maps(x, activation="relu") if top.included else top.pooled(x)
    return keras.Model(inputs, outputs, name=name or f"squeezenet{version.replace('.', '_')}")


squeezenet1_0 = variant(squeezenet, "squeezenet1_0", version="1.0")
squeezenet1_1 = variant(squeezenet, "squeezenet1_1", version="1.1")
