"""VGG (Simonyan and Zisserman, 2015)."""

import keras

from keras_dl import layers
from keras_dl.checks import check_count
from keras_dl.networks.classification import Top, image_shape, known, max_pool
from keras_dl.networks.registry import register, variant
from keras_dl.types import Activation, Shape

CONVOLUTIONS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
WIDTHS = (1, 2, 4, 8, 8)
SMALLEST = {False: 32, True: 48}


@register()
def vgg(
    input_shape: Shape,
    num_classes: int = 1000,
    include_top: bool = True,
    pooling: str | None = None,
    classifier_activation: Activation | None = None,
    depth: int = 16,
    batch_norm: bool = False,
    width: int = 64,
    head_size: int | None = 7,
    units: int = 4096,
    dropout: float = 0.5,
    antialias: bool = False,
    name: str | None = None,
) -> keras.Model:
    """Builds VGG (Simonyan and Zisserman, 2015, "Very deep convolutional networks for large-scale image recognition").

    Five stages of 3x3 convolutions of 1, 2, 4, 8 and 8 times `width` filters, each followed by 2x2 max pooling, two
    dense layers of `units` with dropout, and a linear layer: the paper's configurations A, B, D and E. Maps are
    averaged to `head_size` in front of the dense layers, so that their number of weights does not depend on the image:
    132,863,336 / 133,047,848 / 138,357,544 / 143,667,240 for depths 11 / 13 / 16 / 19, 3 channels and 1,000 classes;
    VGG-16 with batch normalization has 138,365,992 (as in torchvision, whose convolutions keep their biases).

    Layers: `stage_1_conv_1`, `stage_1_pool` ... `stage_5_pool`, `flatten`, `dense_1`, `dense_2`, `classes`.

    Args:
        input_shape: Shape of an image, `(height, width, channels)`.
        num_classes: Number of classes.
        include_top: Whether to end in class scores; else in the last feature maps.
        pooling: For `include_top=False`: `"avg"` or `"max"` over all places of the maps, `None` for the maps.
        classifier_activation: Activation of the last layer, `None` for logits or `"softmax"`.
        depth: Layers with weights, 11, 13, 16 or 19.
        batch_norm: Whether every convolution is normalized.
        width: Filters of the first stage.
        head_size: Side to which the last maps are averaged (or stretched) before they are flattened; `None` flattens
            them as they are, as keras.applications does. Images of 224x224 end in 7x7 either way.
        units: Width of the hidden dense layers.
        dropout: Share of their activations dropped in training.
        antialias: Whether poolings are `MaxBlurPool2D` (Zhang, 2019).
        name: Name of the model.

    Returns:
        A functional `keras.Model` from images `(batch, *input_shape)` to class scores `(batch, num_classes)`, to
        feature maps `(batch, height // 32, width // 32, 8 * width)`, or to features `(batch, 8 * width)`.

    Raises:
        ValueError: If an option is unknown or out of range, or the images are too small.

    Example:

    >>> network = vgg((32, 32, 1), num_classes=10, depth=11, width=8, head_size=None, units=64)
    >>> network(keras.ops.zeros((2, 32, 32, 1))).shape
    TensorShape([2, 10])
    """
    counts = known(depth, CONVOLUTIONS, "depth")
    shape = image_shape(input_shape, SMALLEST[bool(antialias)], "VGG")
    width, units = check_count(width, "width"), check_count(units, "units")
    head_size = head_size if head_size is None else check_count(head_size, "head_size")
    top = Top(num_classes, include_top, pooling, classifier_activation)
    normalization = "batch" if batch_norm else None
    inputs = x = keras.Input(shape, name="x")
    for stage, (count, times) in enumerate(zip(counts, WIDTHS, strict=True), start=1):
        for conv in range(1, count + 1):
            options: dict = {"use_bias": True, "normalization": normalization, "name": f"stage_{stage}_conv_{conv}"}
            x = layers.ConvBlock(width * times, 3, **options)(x)
        x = max_pool(x, 2, f"stage_{stage}_pool", antialias=antialias)
    outputs = top.hidden_layers(x, head_size, units, dropout)
    return keras.Model(inputs, outputs, name=name or f"vgg{depth}{'_bn' if batch_norm else ''}")


vgg11 = variant(vgg, "vgg11", depth=11, batch_norm=False)
vgg11_bn = variant(vgg, "vgg11_bn", depth=11, batch_norm=True)
vgg13 = variant(vgg, "vgg13", depth=13, batch_norm=False)
vgg13_bn = variant(vgg, "vgg13_bn", depth=13, batch_norm=True)
vgg16 = variant(vgg, "vgg16", depth=16, batch_norm=False)
vgg16_bn = variant(vgg, "vgg16_bn", depth=16, batch_norm=True)
vgg19 = variant(vgg, "vgg19", depth=19, batch_norm=False)
vgg19_bn = variant(vgg, "vgg19_bn", depth=19, batch_norm=True)
