"""Options of layers by name: the one table that all layers are checked by."""

import inspect
from functools import partial

import keras

from keras_dl import activations
from keras_dl.checks import check_count, check_counts, check_number, checked, optional, refusal

_register = keras.saving.register_keras_serializable(package="keras_dl")


def check_initializer(value, name):
    """Returns `value`, what Keras takes for an initializer, or raises a `ValueError`; `None` is none."""
    try:
        initializer = keras.initializers.get(value)
        if not isinstance(initializer, keras.initializers.Initializer):  # a function of one's own
            inspect.signature(initializer).bind((1,), dtype="float32")
    except (ValueError, TypeError) as error:
        raise refusal(
            f"`{name}` should be a Keras initializer, its name or its configuration, or a function of a shape and "
            "`dtype`",
            **{name: value},
        ) from error
    return value


def check_regularizer(value, name):
    """Returns `value`, what Keras takes for a regularizer, or `None`, or raises a `ValueError`."""
    try:
        if value is keras.regularizers.get(value) and not _gives_tensors(value):
            raise ValueError("a function that returns no tensor")
    except (ValueError, TypeError) as error:
        raise refusal(
            f"`{name}` should be None, a Keras regularizer, its name or its configuration", f"{name}={value!r}"
        ) from error
    return value


def check_activation(value, name):
    """Returns `value`, an activation's name, a layer, its configuration, a function or `None`, or raises an error."""
    try:
        activation = keras.saving.deserialize_keras_object(value) if isinstance(value, dict) else value
        if not isinstance(activation, keras.layers.Layer):
            activation = activations.get(activation)
            if activation is value and not _gives_tensors(activation):
                raise ValueError("a function that returns no tensor")
    except (ValueError, TypeError) as error:
        raise refusal(f"`{name}` should be an activation or None", f"{name}={value!r}: {error}") from error
    return value


def _gives_tensors(function):
    """Whether a function of one's own gives a tensor for a tensor; if it refuses this one, a call will tell."""
    if function is None:
        return True
    try:
        return keras.ops.is_tensor(function(keras.ops.ones((2, 2))))
    except Exception:
        return True


def check_widths(value, name):
    """Returns `value`, a sequence of positive integers that is not empty, as a tuple, or raises a `ValueError`."""
    if not isinstance(value, (list, tuple)):
        raise refusal(f"`{name}` should be a tuple of positive integers", **{name: value})
    return check_counts(value, name)


_NUMBERS_OF = ("num_rings", "num_features", "num_layers", "units", "filters", "groups", "growth_rate", "size")
_WIDTHS = ("intermediate_filters", "squeeze", "expand_1x1", "expand_3x3", "filters_1x1", "filters_3x3", "filters_5x5")
_OPTIONAL = ("reduce_3x3", "reduce_5x5", "filters_pool", "squeeze_excite", "group_size", "bottleneck")
_SIZES = ("kernel_size", "strides", "dilation_rate", "pool_size", "multiple", "minimum")
_ACTIVATIONS = ("activation", "intermediate_activation", "gate")

OPTIONS = {
    **dict.fromkeys((*_NUMBERS_OF, *_WIDTHS, "large_kernel", "ratio", "upscale_factor"), check_count),
    **dict.fromkeys(_OPTIONAL, optional(check_count)),
    **dict.fromkeys(_SIZES, check_counts),
    **dict.fromkeys(("kernel_initializer", "bias_initializer"), check_initializer),
    **dict.fromkeys(("kernel_regularizer", "alpha_regularizer", "activity_regularizer"), check_regularizer),
    **dict.fromkeys(_ACTIVATIONS, check_activation),
    **dict.fromkeys(("omega_0", "sigma", "gain", "lr_multiplier", "k"), partial(check_number, above=0)),
    **dict.fromkeys(("alpha", "epsilon"), partial(check_number, least=0)),
    "beta": check_number,
    "momentum": partial(check_number, least=0, most=1),
    "dropout": partial(check_number, least=0, below=1),
    "remainder": partial(check_counts, least=0),
    "max_order": partial(check_count, least=0),
}


def register(**own):
    """Makes a decorator of layers: their options are checked, and Keras knows them under `keras_dl`.

    Args:
        **own: Checks of options that mean something else in this layer than in the others.
    """

    def decorate(layer):
        return _register(checked({**OPTIONS, **own}, of_layers=True)(layer))

    return decorate
