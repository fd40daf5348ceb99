"""Conversions and checks shared by the losses: dtypes, shapes and kinds of labels. Private to the package."""

import functools

import keras
import numpy as np
from keras import ops

from keras_dl.checks import refusal

ROUNDING = 1e-4  # by which interpolated targets may leave the range from 0 to 1


def convert(x, dtype):
    """A tensor of the given dtype, or, from a tuple or a list of tensors, a tuple of such tensors."""
    if isinstance(x, tuple) or (isinstance(x, list) and x and hasattr(x[0], "shape")):
        return tuple(ops.convert_to_tensor(item, dtype=dtype) for item in x)
    return ops.convert_to_tensor(x, dtype=dtype)


def as_float(x):
    """A floating tensor of at least 32 bits."""
    x = ops.convert_to_tensor(x)
    dtype = keras.backend.standardize_dtype(x.dtype)
    if dtype in ("float32", "float64"):
        return x
    return ops.cast(x, "float32" if dtype in ("float16", "bfloat16") else keras.config.floatx())


def is_integer(x):
    dtype = keras.backend.standardize_dtype(x.dtype)
    return dtype == "bool" or keras.backend.is_int_dtype(dtype)


def plain(value):
    """Numbers as Python numbers in (nested) lists, so that they fit in a config; None stays None."""
    return None if value is None else np.asarray(value).tolist()


def compatible(shape, other):
    """Whether two static shapes could be equal."""
    return len(shape) == len(other) and all(a is None or b is None or a == b for a, b in zip(shape, other, strict=True))


def like_predictions(y_true, y_pred):
    """`y_true` with the dtype and shape of `y_pred`; a last axis of size 1 may be missing or too many."""
    y_true = ops.cast(y_true, y_pred.dtype)
    shape, expected = tuple(y_true.shape), tuple(y_pred.shape)
    if len(shape) == len(expected) - 1 and expected[-1] == 1:
        y_true = ops.expand_dims(y_true, -1)
    elif len(shape) == len(expected) + 1 and shape[-1] == 1:
        y_true = ops.squeeze(y_true, -1)
    if not compatible(tuple(y_true.shape), expected):
        raise refusal("`y_true` and `y_pred` should have one shape", f"{shape} and {expected}")
    return y_true


def align_factor(factor, values):
    """`factor` reshaped to multiply `values` along their leading axes: (batch,) or (batch, 1) becomes (batch, 1, 1)."""
    shape, rank = tuple(factor.shape), len(values.shape)
    while len(factor.shape) > rank and factor.shape[-1] in (1, None):
        factor = ops.squeeze(factor, -1)
    missing = rank - len(factor.shape)
    factor = ops.reshape(factor, (*ops.shape(factor), *[1] * missing))
    fits = all(f in (1, None) or v in (1, None) or f == v for f, v in zip(factor.shape, values.shape, strict=False))
    if missing < 0 or not fits:
        raise refusal(
            "weights should have the shape of the loss values, or of their leading axes",
            f"weights of shape {shape} for values of shape {tuple(values.shape)}",
        )
    return factor


def class_vector(weight, num_classes, dtype, name="weight"):
    """Class weights as a tensor of shape (num_classes,), or None; `name` is the argument that they came by."""
    if weight is None:
        return None
    shape = np.shape(weight)
    if shape != (num_classes,):
        raise refusal(
            f"`{name}` should hold one weight per class, shape ({num_classes},), for predictions of {num_classes} "
            "classes",
            f"{name} of shape {shape}",
        )
    return ops.convert_to_tensor(weight, dtype=dtype)


def class_targets(y_true, y_pred):
    """Tell class indices from class probabilities, for predictions with classes on the last axis.

    Indices have the shape of the predictions without the class axis (or with 1 in its place), probabilities have the
    shape of the predictions.

    Returns:
        (indices as int32, None) or (None, probabilities in the dtype of `y_pred`). A fraction, or what int32 cannot
        hold, is no index, and becomes one of no class.
    """
    y_true = ops.convert_to_tensor(y_true)
    shape, expected = tuple(y_true.shape), tuple(y_pred.shape)
    one_index = len(shape) == len(expected) and shape[-1] == 1 and (expected[-1] != 1 or is_integer(y_true))
    if one_index:
        y_true = ops.squeeze(y_true, -1)
    if compatible(tuple(y_true.shape), expected[:-1]):
        return _indices(y_true), None
    if not one_index and compatible(shape, expected):
        return None, ops.cast(y_true, y_pred.dtype)
    raise refusal(
        f"`y_true` should hold class indices of shape {expected[:-1]} or class probabilities of shape {expected}",
        f"shape {shape}",
    )


def _indices(y_true):
    indices = ops.cast(y_true, "int32")
    if is_integer(y_true) and "64" not in keras.backend.standardize_dtype(y_true.dtype):
        return indices
    return ops.where(ops.equal(ops.cast(indices, y_true.dtype), y_true), indices, -(2**31))


def check_no_ignoring(ignore_index):
    if ignore_index >= 0:
        raise refusal(
            "`y_true` should hold class indices if `ignore_index` is a class; probabilities cannot be ignored",
            f"class probabilities and ignore_index={ignore_index}",
        )


def unpack(y_pred, names):
    """The tensors of a pair or triplet: a tuple of them, or one tensor that stacks them on axis 1."""
    if not isinstance(y_pred, (tuple, list)):
        y_pred = ops.convert_to_tensor(y_pred)
        shape = tuple(y_pred.shape)
        if len(shape) < 2 or shape[1] != len(names):
            raise refusal(
                f"`y_pred` should be ({', '.join(names)}), or one tensor that stacks them on axis 1, of shape "
                f"(batch, {len(names)}, ...)",
                f"one tensor of shape {shape}",
            )
        y_pred = ops.unstack(y_pred, num=len(names), axis=1)
    if len(y_pred) != len(names):
        raise refusal(f"`y_pred` should be ({', '.join(names)})", f"{len(y_pred)} tensors")
    tensors = [as_float(x) for x in y_pred]
    shapes = [tuple(x.shape) for x in tensors]
    if not all(compatible(shape, shapes[0]) for shape in shapes):
        raise refusal(f"{', '.join(names)} should have one shape", shapes)
    return tensors


def shares(targets):
    """Targets, 0 where they are not from 0 to 1, and where they are: masks of 0 and 255 would give plausible losses."""
    known = are_shares(targets)
    return ops.where(known, targets, ops.zeros_like(targets)), known


def are_shares(targets):
    return ops.logical_and(targets >= -ROUNDING, targets <= 1 + ROUNDING)


def pair_labels(y_true, values):
    """Labels of pairs in the dtype and with the axes of values, one a pair."""
    y_true = ops.cast(y_true, values.dtype)
    shape, expected = tuple(y_true.shape), tuple(values.shape)
    if len(shape) == len(expected) + 1 and shape[-1] not in (1, None):
        raise refusal(f"labels of pairs should have shape {expected}, one a pair", f"labels of shape {shape}")
    return align_factor(y_true, values)


def either(labels, *known):
    """Labels, 0 where they are none of the known numbers, and where they are one."""
    among = functools.reduce(ops.logical_or, [ops.equal(labels, label) for label in known])
    return ops.where(among, labels, ops.zeros_like(labels)), among


def weighed(values, factor):
    """Values times a factor, and 0 where that is 0, whatever the value: padding has no label that is worth one."""
    return ops.where(ops.equal(factor, 0), ops.zeros_like(values), values * factor)


def where_counted(y_pred, counted):
    """Predictions with 0 in place of those that count for nothing, so that infinities there stay out of gradients.

    Args:
        y_pred: Predictions.
        counted: Booleans of their shape, the last axis perhaps of size 1.
    """
    return ops.where(counted, y_pred, ops.zeros_like(y_pred))
