"""Parts shared by the classification networks: how images enter, how maps are pooled, and how networks end."""

import keras

from keras_dl import layers
from keras_dl.checks import check_count, check_shape, refusal


class Top:
    """The end of a classification network, whose options are checked before anything is built.

    Args:
        num_classes: Number of classes; looked at with `include_top` only.
        include_top: Whether the network ends in class scores; else in its last feature maps.
        pooling: Without the top: `"avg"` or `"max"` over all places of the maps, `None` for the maps.
        classifier_activation: Activation of the last layer, `None` for logits.

    Raises:
        ValueError: If an option is unknown, or `pooling` is asked for beside the top.
    """

    def __init__(self, num_classes, include_top, pooling, classifier_activation):
        if pooling not in (None, "avg", "max") or (pooling is not None and include_top):
            raise refusal(
                '`pooling` should be "avg", "max" or None, and None if `include_top` is true',
                pooling=pooling,
                include_top=include_top,
            )
        self.included = bool(include_top)
        self.num_classes = check_count(num_classes, "num_classes") if include_top else None
        self.pooling = pooling
        self.classifier_activation = classifier_activation

    def __call__(self, maps, dropout=0.0):
        """Ends a network in global averages and a dense layer, or in what is asked for without the top."""
        if not self.included:
            return self.pooled(maps)
        x = keras.layers.GlobalAveragePooling2D(name="pooling")(maps)
        return self.classes(keras.layers.Dropout(dropout, name="dropout")(x) if dropout else x)

    def pooled(self, maps):
        """Ends a network without the top."""
        if self.pooling is None:
            return maps
        over = keras.layers.GlobalAveragePooling2D if self.pooling == "avg" else keras.layers.GlobalMaxPooling2D
        return over(name="pooling")(maps)

    def classes(self, features, name="classes"):
        """Applies the last dense layer."""
        return keras.layers.Dense(self.num_classes, activation=self.classifier_activation, name=name)(features)

    def class_maps(self, maps, activation=None):
        """Ends a network in a map for each class, by a 1x1 convolution, and its global averages."""
        x = layers.ConvBlock(self.num_classes, 1, normalization=None, activation=activation, name="classes")(maps)
        x = keras.layers.GlobalAveragePooling2D(name="pooling")(x)
        activation = self.classifier_activation
        return x if activation is None else keras.layers.Activation(activation, name="classifier_activation")(x)

    def hidden_layers(self, maps, head_size, units, dropout):
        """Ends a network in two hidden dense layers with dropout, as AlexNet and VGG do."""
        if not self.included:
            return self.pooled(maps)
        if head_size is not None and maps.shape[1:3] != (head_size, head_size):
            maps = layers.AdaptiveAveragePooling2D(head_size, name="adaptive_pooling")(maps)
        x = keras.layers.Flatten(name="flatten")(maps)
        for number in (1, 2):
            x = keras.layers.Dense(units, activation="relu", kernel_initializer="he_normal", name=f"dense_{number}")(x)
            x = keras.layers.Dropout(dropout, name=f"dropout_{number}")(x) if dropout else x
        return self.classes(x)


def image_shape(input_shape, smallest, network):
    """Returns the shape of an image as a tuple, or raises a `ValueError` that names the smallest side."""
    shape = check_shape(input_shape, "input_shape", rank=3)
    if min(shape[:2]) < smallest:
        raise refusal(
            f"{network} needs images of at least {smallest}x{smallest} with these options", input_shape=input_shape
        )
    return shape


def known(value, table, name):
    """Returns what a table holds for a value, or raises a `ValueError` that calls it `name`."""
    if value not in table:
        raise refusal(f"`{name}` should be one of {[*table]}", **{name: value})
    return table[value]


def max_pool(x, size, name, padding="valid", antialias=False):
    """Applies max pooling of stride 2 to maps that are nowhere negative, or its anti-aliased form (Zhang, 2019).

    Args:
        x: Feature maps of known size, at least 0 everywhere, so that zeros around them are never the maximum alone.
        size: Side of the windows.
        name: Name of the layer.
        padding: `"valid"`; `"symmetric"` for `size // 2` zeros on either side (PyTorch's `padding`); `"ceil"` for zeros
            at the end, so that the last window may stand out (PyTorch's `ceil_mode`, and Caffe's habit).
        antialias: Whether to take maxima at stride 1 and blur before the stride.

    Returns:
        Feature maps of about half the size.
    """
    if antialias:
        return layers.MaxBlurPool2D(size, 2, "valid" if padding == "valid" else "same", name=name)(x)
    zeros = [(size // 2,) * 2] * 2 if padding == "symmetric" else [(0, 0)] * 2
    if padding == "ceil":
        zeros = [(0, (size - side) % 2) for side in x.shape[1:3]]
    if any(map(any, zeros)):
        x = keras.layers.ZeroPadding2D(zeros, name=f"{name}_padding")(x)
    return keras.layers.MaxPooling2D(size, 2, name=name)(x)
