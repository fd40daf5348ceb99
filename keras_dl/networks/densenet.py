"""Densely connected networks (Huang et al., 2017)."""

import keras

from keras_dl import layers
from keras_dl.checks import check_count, refusal
from keras_dl.networks.classification import Top, image_shape, known, max_pool
from keras_dl.networks.registry import register, variant
from keras_dl.types import Activation, Shape

LAYERS = {121: (6, 12, 24, 16), 161: (6, 12, 36, 24), 169: (6, 12, 32, 32), 201: (6, 12, 48, 32)}
GROWTH_RATES = {121: 32, 161: 48, 169: 32, 201: 32}
SMALLEST = {False: 29, True: 17}
SMALLEST_CIFAR = {False: 4, True: 3}


@register()
def densenet(
    input_shape: Shape,
    num_classes: int = 1000,
    include_top: bool = True,
    pooling: str | None = None,
    classifier_activation: Activation | None = None,
    depth: int = 121,
    growth_rate: int | None = None,
    dropout: float = 0.0,
    antialias: bool = False,
    name: str | None = None,
) -> keras.Model:
    """Builds a densely connected network (Huang et al., 2017, "Densely connected convolutional networks", table 1).

    A 7x7 convolution of stride 2 to twice the growth rate and 3x3 max pooling of stride 2, four dense blocks with
    bottlenecks, transitions between them that halve channels and sides, normalization, rectifier, global averages and a
    linear layer; 7,978,856 / 28,681,000 / 14,149,480 / 20,013,928 weights for depths 121 / 161 / 169 / 201, 3 channels
    and 1,000 classes, as in torchvision.

    Layers: `stem`, `stem_pool`, `stage_1`, `transition_1` ... `stage_4`, `stage_4_normalization`, `stage_4_activation`,
    `pooling`, `classes`.

    Args:
        input_shape: Shape of an image, `(height, width, channels)`.
        num_classes: Number of classes.
        include_top: Whether to end in class scores; else in the last feature maps.
        pooling: For `include_top=False`: `"avg"` or `"max"` over all places of the maps, `None` for the maps.
        classifier_activation: Activation of the last layer, `None` for logits or `"softmax"`.
        depth: 121, 161, 169 or 201.
        growth_rate: Channels that each layer adds; `None` for 48 in depth 161 and 32 in the others.
        dropout: Share of activations dropped behind each layer in training.
        antialias: Whether the poolings blur (Zhang, 2019): `MaxBlurPool2D` in the stem, `BlurPool2D` in transitions.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from images `(batch, *input_shape)` to class scores `(batch, num_classes)`, to
        feature maps `(batch, height, width, channels)`, or to features `(batch, channels)`.

    Raises:
        ValueError: If an option is unknown or out of range, or the images are too small.

    Example:

    >>> network = densenet((32, 32, 1), num_classes=10, depth=121, growth_rate=4)
    >>> network(keras.ops.zeros((2, 32, 32, 1))).shape
    TensorShape([2, 10])
    """
    counts = known(depth, LAYERS, "depth")
    shape = image_shape(input_shape, SMALLEST[bool(antialias)], "DenseNet")
    growth_rate = check_count(growth_rate or GROWTH_RATES[depth], "growth_rate")
    top = Top(num_classes, include_top, pooling, classifier_activation)
    inputs = keras.Input(shape, name="x")
    x = layers.ConvBlock(2 * growth_rate, 7, 2, "symmetric", name="stem")(inputs)
    x = max_pool(x, 3, "stem_pool", "symmetric", antialias)
    x = _dense_stages(x, counts, 0.5, antialias, growth_rate=growth_rate, dropout=dropout)
    return keras.Model(inputs, top(x), name=name or f"densenet{depth}")


@register()
def densenet_cifar(
    input_shape: Shape,
    num_classes: int = 10,
    include_top: bool = True,
    pooling: str | None = None,
    classifier_activation: Activation | None = None,
    depth: int = 100,
    growth_rate: int = 12,
    bottleneck: bool = True,
    dropout: float = 0.0,
    antialias: bool = False,
    name: str | None = None,
) -> keras.Model:
    """Builds a densely connected network for small images (Huang et al., 2017, section 3, "Implementation details").

    A 3x3 convolution, three dense blocks of equal depth, transitions between them, normalization, rectifier, global
    averages and a linear layer. With bottlenecks, DenseNet-BC: transitions halve the channels, and the first
    convolution has twice the growth rate; without, it has 16 channels and transitions keep them. For growth rate 12, 3
    channels and 10 classes: 1,019,722 weights in DenseNet-40, 769,162 in DenseNet-BC-100.

    Layers: `stem`, `stage_1`, `transition_1`, `stage_2`, `transition_2`, `stage_3`, `stage_3_normalization`,
    `stage_3_activation`, `pooling`, `classes`.

    Args:
        input_shape: Shape of an image, `(height, width, channels)`.
        num_classes: Number of classes.
        include_top: Whether to end in class scores; else in the last feature maps.
        pooling: For `include_top=False`: `"avg"` or `"max"` over all places of the maps, `None` for the maps.
        classifier_activation: Activation of the last layer, `None` for logits or `"softmax"`.
        depth: Layers with weights, 6 n + 4 with bottlenecks and 3 n + 4 without: 40 or 100 in the paper.
        growth_rate: Channels that each layer adds.
        bottleneck: Whether to build DenseNet-BC.
        dropout: Share of activations dropped behind each layer in training; 0.2 in the paper without augmentation.
        antialias: Whether the transitions pool by `BlurPool2D` (Zhang, 2019).
        name: Name of the model.

    Returns:
        A functional `keras.Model` from images `(batch, *input_shape)` to class scores `(batch, num_classes)`, to
        feature maps `(batch, height, width, channels)`, or to features `(batch, channels)`.

    Raises:
        ValueError: If an option is out of range, or the images are too small.

    Example:

    >>> network = densenet_cifar((8, 8, 1), depth=10, growth_rate=4)
    >>> network(keras.ops.zeros((2, 8, 8, 1))).shape
    TensorShape([2, 10])
    """
    depth, step = check_count(depth, "depth"), 6 if bottleneck else 3
    if depth < 4 + step or (depth - 4) % step:
        raise refusal(
            f"`depth` should be {step} n + 4, with n of at least 1, {('with' if bottleneck else 'without')} "
            "bottlenecks",
            f"depth={depth}",
        )
    shape = image_shape(input_shape, SMALLEST_CIFAR[bool(antialias)], "DenseNet for CIFAR")
    growth_rate = check_count(growth_rate, "growth_rate")
    top = Top(num_classes, include_top, pooling, classifier_activation)
    blocks = {"growth_rate": growth_rate, "bottleneck": 4 if bottleneck else None, "dropout": dropout}
    inputs = keras.Input(shape, name="x")
    filters = 2 * growth_rate if bottleneck else 16
    x = layers.ConvBlock(filters, 3, normalization=None, activation=None, use_bias=False, name="stem")(inputs)
    x = _dense_stages(x, [(depth - 4) // step] * 3, 0.5 if bottleneck else 1.0, antialias, **blocks)
    return keras.Model(inputs, top(x), name=name or f"densenet{'_bc_' if bottleneck else ''}{depth}")


def _dense_stages(x, counts, compression, antialias, dropout, **options):
    """Applies dense blocks with transitions between them, and activates the last maps."""
    pooling = "blur" if antialias else "average"
    for stage, count in enumerate(counts, start=1):
        x = layers.DenseBlock(count, dropout=dropout, name=f"stage_{stage}", **options)(x)
        if stage < len(counts):
            name = f"transition_{stage}"
            x = layers.TransitionDown(compression, pooling, dropout=dropout, name=name)(x)
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"stage_{len(counts)}_normalization")(x)
    return keras.layers.Activation("relu", name=f"stage_{len(counts)}_activation")(x)


densenet121 = variant(densenet, "densenet121", depth=121)
densenet161 = variant(densenet, "densenet161", depth=161)
densenet169 = variant(densenet, "densenet169", depth=169)
densenet201 = variant(densenet, "densenet201", depth=201)
densenet40 = variant(densenet_cifar, "densenet40", depth=40, bottleneck=False)
densenet_bc_40 = variant(densenet_cifar, "densenet_bc_40", depth=40, bottleneck=True)
densenet_bc_100 = variant(densenet_cifar, "densenet_bc_100", depth=100, bottleneck=True)
