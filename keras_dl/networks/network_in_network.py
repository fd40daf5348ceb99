"""Network in network (Lin et al., 2014)."""

import keras

from keras_dl import layers
from keras_dl.networks.classification import Top, image_shape
from keras_dl.networks.registry import register
from keras_dl.types import Activation, Shape

SMALLEST = {False: 1, True: 3}


@register()
def network_in_network(
    input_shape: Shape,
    num_classes: int = 10,
    include_top: bool = True,
    pooling: str | None = None,
    classifier_activation: Activation | None = None,
    dropout: float = 0.5,
    antialias: bool = False,
    name: str = "network_in_network",
) -> keras.Model:
    """Builds a network in network (Lin et al., 2014, "Network in network", the authors' network for CIFAR-10).

    Convolutions of 5x5, 5x5 and 3x3, each followed by two 1x1 convolutions, a small network at every place, with 192,
    160, 96; 192, 192, 192; 192, 192 and `num_classes` channels; 3x3 max pooling of stride 2 behind the first, average
    pooling behind the second, dropout behind both, and global averages of the class maps in place of dense layers;
    966,986 weights for 3 channels and 10 classes. The last convolution is linear.

    Layers: `stage_1_mlpconv`, `stage_1_pool`, `stage_2_mlpconv`, `stage_2_pool`, `stage_3_mlpconv`, `classes`,
    `pooling`.

    Args:
        input_shape: Shape of an image, `(height, width, channels)`.
        num_classes: Number of classes.
        include_top: Whether to end in class scores; else in the last feature maps.
        pooling: For `include_top=False`: `"avg"` or `"max"` over all places of the maps, `None` for the maps.
        classifier_activation: Activation of the scores, `None` for logits or `"softmax"`.
        dropout: Share of activations dropped behind the poolings in training.
        antialias: Whether poolings blur before they subsample (Zhang, 2019): `MaxBlurPool2D`, then `BlurPool2D`.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from images `(batch, *input_shape)` to class scores `(batch, num_classes)`, to
        feature maps `(batch, height, width, 192)`, or to features `(batch, 192)`.

    Raises:
        ValueError: If an option is unknown or out of range, or the images are too small.

    Example:

    >>> network_in_network((32, 32, 3), num_classes=10).count_params()
    966986
    """
    shape = image_shape(input_shape, SMALLEST[bool(antialias)], "Network in network")
    top = Top(num_classes, include_top, pooling, classifier_activation)
    inputs = keras.Input(shape, name="x")
    x = layers.NetworkInNetwork((192, 160, 96), 5, name="stage_1_mlpconv")(inputs)
    pool = layers.MaxBlurPool2D if antialias else keras.layers.MaxPooling2D
    x = _dropped(pool(3, 2, "same", name="stage_1_pool")(x), dropout, "stage_1_dropout")
    x = layers.NetworkInNetwork((192, 192, 192), 5, name="stage_2_mlpconv")(x)
    pool = layers.BlurPool2D(3, 2, name="stage_2_pool") if antialias else None
    pool = pool or keras.layers.AveragePooling2D(3, 2, "same", name="stage_2_pool")
    x = _dropped(pool(x), dropout, "stage_2_dropout")
    x = layers.NetworkInNetwork((192, 192), 3, name="stage_3_mlpconv")(x)
    return keras.Model(inputs, top.class_maps(x) if top.included else top.pooled(x), name=name)


def _dropped(x, dropout, name):
    return keras.layers.Dropout(dropout, name=name)(x) if dropout else x
