"""GoogLeNet, Inception v1 (Szegedy et al., 2015)."""

import keras

from keras_dl import layers
from keras_dl.checks import refusal
from keras_dl.networks.classification import Top, image_shape, known, max_pool
from keras_dl.networks.registry import register
from keras_dl.types import Activation, Shape

# Table 1 of the paper: 1x1, reduced and 3x3, reduced and 5x5, 1x1 behind the pooling.
INCEPTIONS = {
    3: {"a": (64, 96, 128, 16, 32, 32), "b": (128, 128, 192, 32, 96, 64)},
    4: {
        "a": (192, 96, 208, 16, 48, 64),
        "b": (160, 112, 224, 24, 64, 64),
        "c": (128, 128, 256, 24, 64, 64),
        "d": (112, 144, 288, 32, 64, 64),
        "e": (256, 160, 320, 32, 128, 128),
    },
    5: {"a": (256, 160, 320, 32, 128, 128), "b": (384, 192, 384, 48, 128, 128)},
}
AUXILIARY = {"stage_4_inception_a": "auxiliary_1", "stage_4_inception_d": "auxiliary_2"}
SMALLEST = {3: {False: 31, True: 17}, 2: {False: 15, True: 17}}  # by the last pooling's window and anti-aliasing


@register()
def googlenet(
    input_shape: Shape,
    num_classes: int = 1000,
    include_top: bool = True,
    pooling: str | None = None,
    classifier_activation: Activation | None = None,
    auxiliary_heads: bool = False,
    batch_norm: bool = False,
    large_kernel: int = 5,
    last_pool: int = 3,
    dropout: float = 0.4,
    antialias: bool = False,
    name: str = "googlenet",
) -> keras.Model:
    """Builds GoogLeNet (Szegedy et al., 2015, "Going deeper with convolutions", table 1).

    A 7x7 convolution of stride 2, a reduced 3x3 convolution, nine Inception blocks with 5x5 branches, global averages,
    dropout and a linear layer, with max pooling between and local response normalization at the start; 6,998,552
    weights for 3 channels and 1,000 classes, 13,378,280 with the auxiliary heads at 224x224. torchvision's weights
    (6,624,904) are of another form: `batch_norm=True, large_kernel=3, last_pool=2`.

    Layers: `stage_1_conv`, `stage_1_pool`, `stage_2_reduce`, `stage_2_conv`, `stage_2_pool`, `stage_3_inception_a` ...
    `stage_5_inception_b`, `pooling`, `classes`; `auxiliary_1_pool`, `auxiliary_1_conv`, `auxiliary_1_dense`,
    `auxiliary_1` and the same for the second.

    Args:
        input_shape: Shape of an image, `(height, width, channels)`.
        num_classes: Number of classes.
        include_top: Whether to end in class scores; else in the last feature maps.
        pooling: For `include_top=False`: `"avg"` or `"max"` over all places of the maps, `None` for the maps.
        classifier_activation: Activation of the last layer (and of the auxiliary ones), `None` for logits or
            `"softmax"`.
        auxiliary_heads: Whether to classify from blocks 4a and 4d too, for training: the model then returns a dict.
            The paper adds their losses with weight 0.3 and leaves them out afterwards:
            `keras.Model(model.input, model.output["classes"])`.
        batch_norm: Whether every convolution is normalized, in place of local response normalization.
        large_kernel: 5, or 3 as in torchvision.
        last_pool: Window of the pooling in front of block 5a, 3 or 2.
        dropout: Share of the averages dropped in training; the auxiliary heads drop 0.7.
        antialias: Whether poolings between blocks are `MaxBlurPool2D` (Zhang, 2019).
        name: Name of the model.

    Returns:
        A functional `keras.Model` from images `(batch, *input_shape)` to class scores `(batch, num_classes)`, with
        auxiliary heads to a dict of such scores, `"classes"`, `"auxiliary_1"` and `"auxiliary_2"`; else to feature maps
        `(batch, height, width, 1024)`, or to features `(batch, 1024)`.

    Raises:
        ValueError: If an option is unknown or out of range, the images are too small, or there are auxiliary heads
            without a top.

    Example:

    >>> network = googlenet((32, 32, 3), num_classes=10, auxiliary_heads=True)
    >>> sorted(network(keras.ops.zeros((2, 32, 32, 3))))
    ['auxiliary_1', 'auxiliary_2', 'classes']
    """
    shape = image_shape(input_shape, known(last_pool, SMALLEST, "last_pool")[bool(antialias)], "GoogLeNet")
    top = Top(num_classes, include_top, pooling, classifier_activation)
    if auxiliary_heads and not include_top:
        raise refusal("`auxiliary_heads` needs the top", "auxiliary_heads=True, include_top=False")
    normalization = layers.BatchNormalization(momentum=0.9, epsilon=1e-3) if batch_norm else None
    options, outputs = {"normalization": normalization}, {}
    inputs = keras.Input(shape, name="x")
    x = _stem(inputs, batch_norm, antialias, options)
    for stage, blocks in INCEPTIONS.items():
        for letter, filters in blocks.items():
            name_of_block = f"stage_{stage}_inception_{letter}"
            x = layers.InceptionBlock(*filters, large_kernel=large_kernel, name=name_of_block, **options)(x)
            if auxiliary_heads and name_of_block in AUXILIARY:
                head = AUXILIARY[name_of_block]
                outputs[head] = _auxiliary_head(x, top, head, options)
        if stage < 5:
            x = max_pool(x, 3 if stage == 3 else last_pool, f"stage_{stage}_pool", "ceil", antialias)
    x = top(x, dropout)
    return keras.Model(inputs, {"classes": x, **outputs} if outputs else x, name=name)


def _stem(x, batch_norm, antialias, options):
    """Two stages of plain convolutions, with the paper's normalization if there is no other."""
    normalize = _unchanged if batch_norm else _local_response
    x = layers.ConvBlock(64, 7, 2, "symmetric", name="stage_1_conv", **options)(x)
    x = normalize(max_pool(x, 3, "stage_1_pool", "ceil", antialias), "stage_2_norm_1")
    x = layers.ConvBlock(64, 1, name="stage_2_reduce", **options)(x)
    x = layers.ConvBlock(192, 3, name="stage_2_conv", **options)(x)
    return max_pool(normalize(x, "stage_2_norm_2"), 3, "stage_2_pool", "ceil", antialias)


def _unchanged(x, name):
    return x


def _local_response(x, name):
    # The constants of the authors' AlexNet as Caffe reads them, which divides alpha by the window as the layer does.
    return layers.LocalResponseNormalization(5, alpha=1e-4, beta=0.75, k=1.0, name=name)(x)


def _auxiliary_head(x, top, name, options):
    """The paper's: 5x5 average pooling of stride 3 (or all there is of smaller maps), 1x1 convolution, dense layers."""
    window = [min(5, side) for side in x.shape[1:3]]
    x = keras.layers.AveragePooling2D(window, 3, name=f"{name}_pool")(x)
    x = layers.ConvBlock(128, 1, name=f"{name}_conv", **options)(x)
    x = keras.layers.Flatten(name=f"{name}_flatten")(x)
    x = keras.layers.Dense(1024, activation="relu", kernel_initializer="he_normal", name=f"{name}_dense")(x)
    x = keras.layers.Dropout(0.7, name=f"{name}_dropout")(x)
    return top.classes(x, name)
