"""Conditions as inputs of a network: labels and attributes become one-hot vectors, vectors are taken as they are."""

import keras

from keras_dl.checks import check_count, check_shape, optional, refusal


@keras.saving.register_keras_serializable(package="keras_dl")
class OneHot(keras.layers.Layer):
    """One-hot vectors of integer labels.

    A label outside `0 ... num_classes - 1` gives a vector of zeros: check labels where they are still arrays.

    Args:
        num_classes: Number of classes.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Inputs of shape `(batch,)` give outputs of shape `(batch, num_classes)`.

    Raises:
        ValueError: If `num_classes` is not a positive integer.

    Example:

    >>> keras.ops.convert_to_numpy(OneHot(3)(keras.ops.array([2, 0]))).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """

    def __init__(self, num_classes, **kwargs):
        super().__init__(**kwargs)
        self.num_classes = check_count(num_classes, "num_classes")

    def call(self, labels):
        return keras.ops.one_hot(keras.ops.cast(labels, "int32"), self.num_classes, dtype=self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.num_classes)

    def get_config(self):
        return {**super().get_config(), "num_classes": self.num_classes}


@keras.saving.register_keras_serializable(package="keras_dl")
class AttributeVectors(keras.layers.Layer):
    """Vectors of several attributes: the categorical ones one-hot, the continuous ones as they are, side by side.

    Args:
        sizes: Sequence with an entry an attribute: its number of classes, or `None` for a continuous one.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Inputs of shape `(batch, len(sizes))`, in which classes are whole numbers from 0, give outputs of shape
    `(batch, sum of the numbers of classes + number of continuous attributes)`.

    Raises:
        ValueError: If `sizes` is empty or holds anything else.

    Example:

    >>> keras.ops.convert_to_numpy(AttributeVectors((3, None))(keras.ops.array([[2.0, 0.5]]))).tolist()
    [[0.0, 0.0, 1.0, 0.5]]
    """

    def __init__(self, sizes, **kwargs):
        super().__init__(autocast=False, **kwargs)  # a half would round class numbers above 2048
        check_size = optional(check_count)
        self.sizes = tuple(check_size(n, "num_classes") for n in sizes)
        if not self.sizes:
            raise refusal("`num_classes` should have at least one entry", "num_classes=()")

    def call(self, attributes):
        columns = zip(self.sizes, keras.ops.split(attributes, len(self.sizes), axis=-1), strict=True)
        return keras.ops.concatenate([self._vector(size, column) for size, column in columns], axis=-1)

    def _vector(self, size, column):
        if size is None:
            return keras.ops.cast(column, self.compute_dtype)
        labels = keras.ops.cast(keras.ops.squeeze(column, -1), "int32")
        return keras.ops.one_hot(labels, size, dtype=self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], sum(n or 1 for n in self.sizes))

    def get_config(self):
        return {**super().get_config(), "sizes": self.sizes}


def inputs(name, shape, num_classes=None, condition_shape=None):
    """Makes the inputs of a network that may be conditional.

    Args:
        name: What the data input is called, `"x"` or `"latents"`.
        shape: Its shape, without the batch axis.
        num_classes: For labels: how many classes there are. The condition is int32 of shape `(batch,)`. For several
            attributes: a sequence with the number of classes of each, or `None` for a continuous one. The condition
            then has shape `(batch, len(num_classes))`.
        condition_shape: For vectors and other arrays: their shape. The condition has shape
            `(batch, *condition_shape)`.

    Returns:
        `(inputs, x, condition)`: what `keras.Model` takes as inputs, a tensor or, with a condition, a dict
        `{name: ..., "condition": ...}`; the data tensor; and the condition as vectors `(batch, size)`, or `None`.

    Raises:
        ValueError: If both kinds of condition are asked for, or their sizes are not positive integers.
    """
    x = keras.Input(shape, name=name)
    if num_classes is not None and condition_shape is not None:
        raise refusal(
            "Give `num_classes` for labels or `condition_shape` for vectors, not both",
            num_classes=num_classes,
            condition_shape=condition_shape,
        )
    if isinstance(num_classes, (list, tuple)):
        condition = keras.Input((len(num_classes),), dtype="float32", name="condition")
        vectors = AttributeVectors(num_classes, name="attributes")(condition)
    elif num_classes is not None:
        condition = keras.Input((), dtype="int32", name="condition")
        vectors = OneHot(num_classes, name="one_hot")(condition)
    elif condition_shape is not None:
        condition = keras.Input(check_shape(condition_shape, "condition_shape"), name="condition")
        vectors = keras.layers.Flatten(name="flat_condition")(condition)
    else:
        return x, x, None
    return {name: x, "condition": condition}, x, vectors


def concatenate(x, condition):
    """Returns `x` of shape `(batch, size)` with the condition's vectors, if there are any, behind it."""
    if condition is None:
        return x
    return keras.layers.Concatenate(name="with_condition")([x, condition])


def num_classes(network):
    """Returns how many classes the labels have that a network is conditioned on; `None` if they are no labels.

    For a network conditioned on several attributes, the tuple with an entry each that it was built with.

    Args:
        network: A `keras.Model`, also one that was saved and loaded.

    Example:

    >>> from keras_dl.networks import mlp_decoder
    >>> num_classes(mlp_decoder(2, (8, 8, 1), num_classes=10))
    10
    """
    for layer in network.layers:
        if isinstance(layer, OneHot):
            return layer.num_classes
        if isinstance(layer, AttributeVectors):
            return layer.sizes
    return None
