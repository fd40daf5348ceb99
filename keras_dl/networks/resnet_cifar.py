"""The thin residual networks for images of 32x32 (He et al., 2015, section 4.2)."""

import keras

from keras_dl import layers
from keras_dl.checks import check_count, refusal
from keras_dl.networks.classification import Top, image_shape
from keras_dl.networks.registry import register, variant
from keras_dl.networks.resnet import residual_stages
from keras_dl.types import Activation, Shape

SMALLEST = {False: 1, True: 3}


@register()
def resnet_cifar(
    input_shape: Shape,
    num_classes: int = 10,
    include_top: bool = True,
    pooling: str | None = None,
    classifier_activation: Activation | None = None,
    depth: int = 20,
    width: int = 16,
    projection: str = "A",
    squeeze_excite: int | None = None,
    preactivation: bool = False,
    antialias: bool = False,
    name: str | None = None,
) -> keras.Model:
    """Builds a residual network of 6 n + 2 layers for small images (He et al., 2015, section 4.2).

    A 3x3 convolution, three stages of n basic blocks of `width`, 2 and 4 times `width` filters, the last two of which
    halve the sides, global averages and a linear layer. Shortcuts have no weights: where the shape changes they take
    every second pixel and add zero channels (option A). For 3 channels and 10 classes there are 269,722 / 464,154 /
    658,586 / 853,018 / 1,727,962 weights in 20 / 32 / 44 / 56 / 110 layers.

    Layers: `stem`, `stage_1_block_1` ... `stage_3_block_n`, `pooling`, `classes`.

    Args:
        input_shape: Shape of an image, `(height, width, channels)`.
        num_classes: Number of classes.
        include_top: Whether to end in class scores; else in the last feature maps.
        pooling: For `include_top=False`: `"avg"` or `"max"` over all places of the maps, `None` for the maps.
        classifier_activation: Activation of the last layer, `None` for logits or `"softmax"`.
        depth: Layers with weights, 6 n + 2: 20, 32, 44, 56, 110 in the paper.
        width: Filters of the first stage.
        projection: `"A"`, or `"B"` for 1x1 convolutions where the shape changes.
        squeeze_excite: Ratio of a squeeze-and-excitation in every block, or `None`.
        preactivation: As for `resnet`.
        antialias: Whether strides are taken by `BlurPool2D` (Zhang, 2019).
        name: Name of the model.

    Returns:
        A functional `keras.Model` from images `(batch, *input_shape)` to class scores `(batch, num_classes)`, to
        feature maps `(batch, height, width, 4 * width)`, or to features `(batch, 4 * width)`.

    Raises:
        ValueError: If an option is unknown or out of range, or the images are too small.

    Example:

    >>> resnet_cifar((32, 32, 3), depth=20).count_params() - 2 * 688    # 688 moving means, and as many variances
    269722
    """
    depth = check_count(depth, "depth")
    if depth < 8 or depth % 6 != 2:
        raise refusal("`depth` should be 6 n + 2, with n of at least 1", f"depth={depth}")
    shape = image_shape(input_shape, SMALLEST[bool(antialias)], "ResNet for CIFAR")
    width = check_count(width, "width")
    top = Top(num_classes, include_top, pooling, classifier_activation)
    blocks = {"projection": projection, "squeeze_excite": squeeze_excite, "antialias": antialias}
    inputs = keras.Input(shape, name="x")
    x = layers.ConvBlock(width, 3, name="stem")(inputs)
    x = residual_stages(x, [(depth - 2) // 6] * 3, [width, 2 * width, 4 * width], preactivation, **blocks)
    return keras.Model(inputs, top(x), name=name or f"resnet{depth}")


resnet20 = variant(resnet_cifar, "resnet20", depth=20)
resnet32 = variant(resnet_cifar, "resnet32", depth=32)
resnet44 = variant(resnet_cifar, "resnet44", depth=44)
resnet56 = variant(resnet_cifar, "resnet56", depth=56)
resnet110 = variant(resnet_cifar, "resnet110", depth=110)
