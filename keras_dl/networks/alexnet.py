"""AlexNet (Krizhevsky et al., 2012, and its one-stream form of 2014)."""

import keras

from keras_dl import layers
from keras_dl.checks import check_count, refusal
from keras_dl.networks.classification import Top, image_shape, max_pool
from keras_dl.networks.registry import register
from keras_dl.types import Activation, Shape

ONE_STREAM = (64, 192, 384, 256, 256)
TWO_STREAMS = (96, 256, 384, 384, 256)
SMALLEST = {False: 63, True: 79}
HEAD_SIZE = 6


@register()
def alexnet(
    input_shape: Shape,
    num_classes: int = 1000,
    include_top: bool = True,
    pooling: str | None = None,
    classifier_activation: Activation | None = None,
    two_streams: bool = False,
    width: float = 1.0,
    units: int = 4096,
    dropout: float = 0.5,
    antialias: bool = False,
    name: str = "alexnet",
) -> keras.Model:
    """Builds AlexNet (Krizhevsky, 2014, "One weird trick for parallelizing convolutional neural networks").

    Five convolutions, 11x11 of stride 4, 5x5 and three times 3x3, overlapping 3x3 max pooling of stride 2 behind the
    first, the second and the last, two dense layers of `units` with dropout, and a linear layer; 61,100,840 weights for
    3 channels and 1,000 classes, as in torchvision. With `two_streams` the network of 2012: 96, 256, 384, 384 and 256
    filters, the second, fourth and fifth convolutions in two groups that each see half the channels (the two graphics
    cards of the paper), and local response normalization before the first two poolings; 60,965,224 weights. The last
    maps are averaged to 6x6, as 224x224 images give, in front of the dense layers.

    Layers: `stage_1_conv`, `stage_1_pool`, `stage_2_conv`, `stage_2_pool`, `stage_3_conv_1` ... `stage_3_conv_3`,
    `stage_3_pool`, `flatten`, `dense_1`, `dense_2`, `classes`; with two streams also `stage_1_norm`, `stage_2_norm`.

    Args:
        input_shape: Shape of an image, `(height, width, channels)`.
        num_classes: Number of classes.
        include_top: Whether to end in class scores; else in the last feature maps.
        pooling: For `include_top=False`: `"avg"` or `"max"` over all places of the maps, `None` for the maps.
        classifier_activation: Activation of the last layer, `None` for logits or `"softmax"`.
        two_streams: Whether to build the network of 2012.
        width: Factor of all filters; rounded, and even with two streams.
        units: Width of the hidden dense layers.
        dropout: Share of their activations dropped in training.
        antialias: Whether poolings are `MaxBlurPool2D`, and the first convolution has stride 2 before a `BlurPool2D`
            (Zhang, 2019).
        name: Name of the model.

    Returns:
        A functional `keras.Model` from images `(batch, *input_shape)` to class scores `(batch, num_classes)`, to
        feature maps `(batch, height, width, 256)`, or to features `(batch, 256)`.

    Raises:
        ValueError: If a size is out of range, or the images are too small.

    Example:

    >>> network = alexnet((64, 64, 1), num_classes=10, width=0.125, units=32)
    >>> network(keras.ops.zeros((2, 64, 64, 1))).shape
    TensorShape([2, 10])
    """
    shape = image_shape(input_shape, SMALLEST[bool(antialias)], "AlexNet")
    units = check_count(units, "units")
    if not width > 0:
        raise refusal("`width` should be positive", width=width)
    top = Top(num_classes, include_top, pooling, classifier_activation)
    full_width = TWO_STREAMS if two_streams else ONE_STREAM
    filters = [max(2, 2 * round(width * f / 2)) for f in full_width]
    groups = 2 if two_streams else 1
    inputs = keras.Input(shape, name="x")
    x = _conv("stage_1_conv", filters[0], 11, strides=2 if antialias else 4, padding=2)(inputs)
    x = layers.BlurPool2D(name="stage_1_blur")(x) if antialias else x
    x = _norm_and_pool(x, 1, two_streams, antialias)
    x = _conv("stage_2_conv", filters[1], 5, groups=groups)(x)
    x = _norm_and_pool(x, 2, two_streams, antialias)
    for conv, parts in enumerate((1, groups, groups), start=1):
        x = _conv(f"stage_3_conv_{conv}", filters[1 + conv], 3, groups=parts)(x)
    x = max_pool(x, 3, "stage_3_pool", antialias=antialias)
    return keras.Model(inputs, top.hidden_layers(x, HEAD_SIZE, units, dropout), name=name)


def _conv(name, filters, size, **options):
    return layers.ConvBlock(filters, size, normalization=None, name=name, **options)


def _norm_and_pool(x, stage, normalize, antialias):
    if normalize:
        # alpha is the paper's 1e-4 times the window, by which the layer divides.
        x = layers.LocalResponseNormalization(5, alpha=5e-4, beta=0.75, k=2.0, name=f"stage_{stage}_norm")(x)
    return max_pool(x, 3, f"stage_{stage}_pool", antialias=antialias)
