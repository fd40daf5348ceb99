"""A harmonic network for rotated digits (Worrall et al., 2017)."""

import keras

from keras_dl import layers
from keras_dl.checks import check_count
from keras_dl.networks.classification import Top, image_shape
from keras_dl.networks.registry import register
from keras_dl.types import Activation, Shape

STAGES = 3
SMALLEST = {False: 4, True: 5}


@register()
def h_net(
    input_shape: Shape,
    num_classes: int = 10,
    include_top: bool = True,
    pooling: str | None = None,
    classifier_activation: Activation | None = None,
    filters: int = 8,
    kernel_size: int = 5,
    num_rings: int = 4,
    max_order: int = 1,
    antialias: bool = False,
    name: str = "h_net",
) -> keras.Model:
    """Builds an H-Net (Worrall et al., 2017, "Harmonic networks: deep translation and rotation equivariance").

    Three stages of two harmonic convolutions of `filters`, 2 and 4 times `filters` complex channels, the first with a
    rectifier of the magnitudes, the second with their batch normalization, and average pooling between stages; then a
    harmonic convolution to `num_classes` channels, the averages of its magnitudes over the image, and a linear layer
    (the paper adds a bias to their sum). The scores do not change under quarter turns of an image whose side is a
    multiple of 4, and little under others, without turned images in training; 46,706 weights for one channel and 10
    classes (the paper's network for rotated MNIST: 33,000).

    Layers: `stage_1_conv_1`, `stage_1_activation`, `stage_1_conv_2`, `stage_1_normalization`, `stage_1_pool` ...
    `stage_3_normalization`, `class_maps`, `magnitudes`, `pooling`, `classes`.

    Args:
        input_shape: Shape of an image, `(height, width, channels)`.
        num_classes: Number of classes.
        include_top: Whether to end in class scores; else in the magnitudes of the last feature maps.
        pooling: For `include_top=False`: `"avg"` or `"max"` over all places of the maps, `None` for the maps.
        classifier_activation: Activation of the last layer, `None` for logits or `"softmax"`.
        filters: Complex channels of each rotation order in the first stage.
        kernel_size: Side of the kernels.
        num_rings: Rings of the radial profiles.
        max_order: Highest rotation order of the feature maps.
        antialias: Whether poolings are `HarmonicBlurPool2D` (Zhang, 2019).
        name: Name of the model.

    Returns:
        A functional `keras.Model` from images `(batch, *input_shape)` to class scores `(batch, num_classes)`, to
        feature maps `(batch, height // 4, width // 4, 4 * filters * (max_order + 1))`, the sides rounded up if they
        are anti-aliased, or to their pooling.

    Raises:
        ValueError: If an option is out of range, or the images are too small.

    Example:

    >>> network = h_net((8, 8, 1), filters=2)
    >>> image = keras.random.normal((1, 8, 8, 1))
    >>> turned = keras.ops.rot90(image, axes=(1, 2))
    >>> bool(keras.ops.max(keras.ops.abs(network(image) - network(turned))) < 1e-5)
    True
    """
    shape = image_shape(input_shape, SMALLEST[bool(antialias)], "H-Net")
    filters = check_count(filters, "filters")
    top = Top(num_classes, include_top, pooling, classifier_activation)
    options: dict = {"kernel_size": kernel_size, "num_rings": num_rings, "max_order": max_order}
    pool = layers.HarmonicBlurPool2D if antialias else layers.HarmonicPooling2D
    inputs = x = keras.Input(shape, name="x")
    for stage in range(1, STAGES + 1):
        width, prefix = filters << (stage - 1), f"stage_{stage}"
        x = layers.HarmonicConv2D(width, name=f"{prefix}_conv_1", **options)(x)
        x = layers.HarmonicActivation(name=f"{prefix}_activation")(x)
        x = layers.HarmonicConv2D(width, name=f"{prefix}_conv_2", **options)(x)
        x = layers.HarmonicBatchNormalization(name=f"{prefix}_normalization")(x)
        x = pool(name=f"{prefix}_pool")(x) if stage < STAGES else x
    if top.included:
        x = layers.HarmonicConv2D(top.num_classes, name="class_maps", **options)(x)
    return keras.Model(inputs, top(layers.HarmonicMagnitude(name="magnitudes")(x)), name=name)
