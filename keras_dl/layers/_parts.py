"""Layers as parts of a layer: configurations to be copied, made and built in its own `build`."""

import itertools

import keras
from keras import ops

from keras_dl import activations
from keras_dl.checks import refusal
from keras_dl.layers.batch_normalization import BatchNormalization


def layer_config(layer, name):
    """Returns the configuration of a layer to be copied, without its name, or `None`.

    Args:
        layer: `None`, a `keras.layers.Layer` (built or not), or its serialised configuration.
        name: String, the argument it came by, for the error message.
    """
    if layer is None:
        return None
    if isinstance(layer, keras.layers.Layer):
        layer = keras.saving.serialize_keras_object(layer)
        layer = {key: layer[key] for key in ("module", "class_name", "config", "registered_name")}
        layer["config"].pop("name", None)
    if not isinstance(layer, dict) or "class_name" not in layer:
        raise refusal(f"`{name}` should be None, a Keras layer or its configuration", **{name: layer})
    return layer


def normalization_config(normalization):
    """Returns the configuration of a normalisation; `"batch"` has the course's (PyTorch's) momentum and epsilon."""
    if normalization == "batch":
        normalization = BatchNormalization(momentum=0.9, epsilon=1e-5)
    return layer_config(normalization, "normalization")


def activation_or_config(activation):
    """Returns the function that a name stands for, or the configuration of a layer such as `PReLU()` to be copied."""
    if activation is None:
        return None
    if isinstance(activation, dict):
        activation = keras.saving.deserialize_keras_object(activation)
    activation = activations.get(activation)
    return layer_config(activation, "activation") if isinstance(activation, keras.layers.Layer) else activation


def serialize_activation(activation):
    """Returns what `get_config` stores for the result of `activation_or_config`."""
    return activation if activation is None or isinstance(activation, dict) else keras.activations.serialize(activation)


def activation_layers(activation, owner, name):
    """Makes the list of the activation as a part of `owner`; it is empty without one."""
    if activation is None:
        return []
    if isinstance(activation, dict):
        return [copy_layer(activation, owner, name)]
    return [part(owner, keras.layers.Activation, name, activation=activation)]


def copy_layer(config, owner, name):
    """Makes a layer from a `layer_config` as a part of `owner`, whose precision and trainability it takes over."""
    inner = {**config["config"], "name": name, "trainable": owner.trainable}
    inner["dtype"] = keras.saving.serialize_keras_object(owner.dtype_policy)
    return keras.saving.deserialize_keras_object({**config, "config": inner})


def copy_initializer(initializer):
    """Returns a copy of an initializer, so that two weights that share one do not start equal."""
    if not isinstance(initializer, keras.initializers.Initializer):  # a function, which keeps no numbers
        return initializer
    return initializer.__class__.from_config(initializer.get_config())


def part(owner, layer_class, name, **options):
    """Makes a layer as a part of `owner`, whose precision and trainability it takes over."""
    return layer_class(name=name, dtype=owner.dtype_policy, trainable=owner.trainable, **options)


def build_chain(layers, shape):
    """Builds layers that follow one another and returns the last one's output shape."""
    for layer in layers:
        if not layer.built:
            layer.build(shape)
        shape = layer.compute_output_shape(shape)
    return shape


def split_chain(layers, lengths):
    """Splits a list of layers into lists of these lengths."""
    ends = list(itertools.accumulate(lengths))
    return [layers[end - length : end] for end, length in zip(ends, lengths, strict=True)]


def call_chain(layers, x):
    """Applies layers or functions one after another."""
    for layer in layers:
        x = layer(x)
    return x


def check_features(input_shape):
    """Raises unless a shape has a batch axis and a last axis of known size."""
    if len(input_shape) < 2 or input_shape[-1] is None:
        raise refusal(
            "inputs should have the shape `(batch, ..., features)` with a known number of features",
            f"input_shape={tuple(input_shape)}",
        )


def check_rank(input_shape, name, ranks=(3, 4, 5)):
    """Raises unless a shape has one of the ranks and a known number of channels."""
    if len(input_shape) not in ranks or input_shape[-1] is None:
        raise refusal(
            f"`{name}` expects channels-last inputs of rank {' or '.join(map(str, ranks))} with a known number of "
            "channels",
            f"input_shape={tuple(input_shape)}",
        )


def check_even(shape, name):
    """Raises if a known side of images is odd."""
    if any(side is not None and side % 2 for side in shape[1:-1]):
        raise refusal(f"{name} should get images of even sides; pad them", f"input_shape={tuple(shape)}")


def of_even_sides(images, name):
    """Returns images of even sides as they are.

    Of a side that is known only when a graph runs nothing can be said before. An odd one then ends the graph: there
    are fewer pixels in the shape that is asked for. XLA, which leaves assertions out, refuses that, too.
    """
    check_even(images.shape, name)
    if None not in images.shape[1:-1]:
        return images
    batch, *sides, channels = ops.shape(images)
    with keras.name_scope(f"{name}_should_get_images_of_even_sides"):  # which the error names
        return ops.reshape(images, (batch, *(2 * (side // 2) for side in sides), channels))
