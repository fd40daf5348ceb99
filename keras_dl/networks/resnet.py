"""Residual networks (He et al., 2015 and 2016), with squeeze-and-excitation (Hu et al., 2018) and anti-aliased."""

import keras

from keras_dl import layers
from keras_dl.checks import check_count
from keras_dl.networks.classification import Top, image_shape, known, max_pool
from keras_dl.networks.registry import register, variant
from keras_dl.types import Activation, Shape

BLOCKS = {
    18: ("basic", (2, 2, 2, 2)),
    34: ("basic", (3, 4, 6, 3)),
    50: ("bottleneck", (3, 4, 6, 3)),
    101: ("bottleneck", (3, 4, 23, 3)),
    152: ("bottleneck", (3, 8, 36, 3)),
}
# Reflection needs two pixels at every blur: in the stem's pooling and in three stages.
SMALLEST = {False: 1, True: 17}
SMALLEST_WITH_SMALL_STEM = {False: 1, True: 5}


@register()
def resnet(
    input_shape: Shape,
    num_classes: int = 1000,
    include_top: bool = True,
    pooling: str | None = None,
    classifier_activation: Activation | None = None,
    depth: int = 50,
    width: int = 64,
    squeeze_excite: int | None = None,
    preactivation: bool = False,
    stride_in_1x1: bool = False,
    small_stem: bool = False,
    antialias: bool = False,
    name: str | None = None,
) -> keras.Model:
    """Builds a residual network (He et al., 2015, "Deep residual learning for image recognition", table 1).

    A 7x7 convolution of stride 2 and 3x3 max pooling of stride 2, four stages of residual blocks of 1, 2, 4 and 8 times
    `width` filters, the last three of which halve the sides, global averages and a linear layer. Blocks are basic up to
    34 layers and bottlenecks of 4 times the channels from 50 on. The convolutions pad as torchvision's do and number as
    many weights: 11,689,512 / 21,797,672 / 25,557,032 / 44,549,160 / 60,192,808 for depths 18 / 34 / 50 / 101 / 152, 3
    channels and 1,000 classes; SE-ResNet-50 has 28,088,024.

    Layers: `stem`, `stem_pool`, `stage_1_block_1` ... `stage_4_block_3`, `pooling`, `classes`.

    Args:
        input_shape: Shape of an image, `(height, width, channels)`.
        num_classes: Number of classes.
        include_top: Whether to end in class scores; else in the last feature maps.
        pooling: For `include_top=False`: `"avg"` or `"max"` over all places of the maps, `None` for the maps.
        classifier_activation: Activation of the last layer, `None` for logits or `"softmax"`.
        depth: 18, 34, 50, 101 or 152.
        width: Filters of the first stage's 3x3 convolutions.
        squeeze_excite: Ratio of a squeeze-and-excitation in every block, 16 in Hu et al., or `None`.
        preactivation: Whether normalization and rectifier come before the convolutions (He et al., 2016). The first
            block takes what the stem has activated, and an activation follows the last block.
        stride_in_1x1: Whether bottlenecks take their stride in the first 1x1 convolution (the paper,
            keras.applications) rather than in the 3x3 (torchvision).
        small_stem: For images of about 32x32: a 3x3 convolution of stride 1 without pooling in place of the stem.
        antialias: Whether strides are taken by `BlurPool2D` (Zhang, 2019) in the stem's pooling and in the stages; the
            stem's convolution keeps its stride.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from images `(batch, *input_shape)` to class scores `(batch, num_classes)`, to
        feature maps `(batch, height, width, channels)`, or to features `(batch, channels)`.

    Raises:
        ValueError: If an option is unknown or out of range, or the images are too small.

    Example:

    >>> network = resnet((32, 32, 1), num_classes=10, depth=18, width=8)
    >>> network(keras.ops.zeros((2, 32, 32, 1))).shape
    TensorShape([2, 10])
    """
    kind, counts = known(depth, BLOCKS, "depth")
    smallest = (SMALLEST_WITH_SMALL_STEM if small_stem else SMALLEST)[bool(antialias)]
    shape = image_shape(input_shape, smallest, "ResNet")
    width = check_count(width, "width")
    top = Top(num_classes, include_top, pooling, classifier_activation)
    blocks = {"kind": kind, "stride_in_1x1": stride_in_1x1, "squeeze_excite": squeeze_excite, "antialias": antialias}
    inputs = keras.Input(shape, name="x")
    size, strides = (3, 1) if small_stem else (7, 2)
    x = layers.ConvBlock(width, size, strides, "symmetric", name="stem")(inputs)
    x = x if small_stem else max_pool(x, 3, "stem_pool", "symmetric", antialias)
    x = residual_stages(x, counts, [width << stage for stage in range(4)], preactivation, **blocks)
    return keras.Model(inputs, top(x), name=name or f"resnet{depth}")


def residual_stages(x, counts, widths, preactivation, **options):
    """Applies stages of residual blocks, each stage but the first of which halves the sides.

    Args:
        x: Feature maps, normalized and activated.
        counts: Blocks of each stage.
        widths: Filters of each stage.
        preactivation: As for `resnet`.
        **options: Further options of `layers.ResidualBlock`.

    Returns:
        Feature maps, activated.
    """
    for stage, (count, width) in enumerate(zip(counts, widths, strict=True), start=1):
        for block in range(1, count + 1):
            x = layers.ResidualBlock(
                width,
                strides=2 if stage > 1 and block == 1 else 1,
                padding="symmetric",
                preactivation=preactivation,
                activated_input=preactivation and stage == block == 1,
                name=f"stage_{stage}_block_{block}",
                **options,
            )(x)
    if preactivation:
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"stage_{len(counts)}_normalization")(x)
        x = keras.layers.Activation("relu", name=f"stage_{len(counts)}_activation")(x)
    return x


resnet18 = variant(resnet, "resnet18", depth=18)
resnet34 = variant(resnet, "resnet34", depth=34)
resnet50 = variant(resnet, "resnet50", depth=50)
resnet101 = variant(resnet, "resnet101", depth=101)
resnet152 = variant(resnet, "resnet152", depth=152)
se_resnet18 = variant(resnet, "se_resnet18", depth=18, squeeze_excite=16)
se_resnet34 = variant(resnet, "se_resnet34", depth=34, squeeze_excite=16)
se_resnet50 = variant(resnet, "se_resnet50", depth=50, squeeze_excite=16)
se_resnet101 = variant(resnet, "se_resnet101", depth=101, squeeze_excite=16)
