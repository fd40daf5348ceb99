"""Exported files compared with the model, on input of many kinds."""

import numpy as np
import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.models.formats import examples, portable

#: Differences that rounding explains: `RELATIVE |y| + ABSOLUTE max(1, max |y|)`, and what follows from the input's.
RELATIVE, ABSOLUTE = 1e-3, 1e-5
_ROUNDING, _AMPLIFIED = 1e-6, 20.0
_NOTHING = 1e-8  # beside zeros; networks that normalise make much of it where all is alike
#: Operations by which a graph says that it knows of NaN and infinities.
_NOT_FINITE = {"IsNan", "IsInf", "IsFinite"}
#: Operations that runtimes are known to compute otherwise for some of their inputs.
_SUSPECTS = ("FloorMod", "FloorDiv", "OneHot", "IsNan", "IsInf", "Max", "Maximum", "ResizeBicubic", "Round", "Sign")


def check(title, function, run, model):
    """Compares a file with the model.

    Args:
        title: What messages call the file's function.
        function: `portable.Portable` of the signature.
        run: Takes a dict of arrays and returns a dict of arrays, computed by the file.
        model: The model.

    Raises:
        ValueError: If the file fails where the model does not, or gives something else.
    """
    reference = function.function()
    operations = {node.op for node in portable.nodes(function.graph)}
    cases = examples.comparison_inputs(function.specs, model.condition_classes(), bool(operations & _NOT_FINITE))
    for kind, inputs in cases.items():
        expected = _outputs(reference, inputs)
        if expected is None:
            continue  # the model refuses it, too
        nearby = _outputs(reference, {key: _rounded_otherwise(value) for key, value in inputs.items()}) or expected
        try:
            found = run(inputs)
        except Exception as error:  # runtimes have classes of their own
            raise refusal(f"{title} should take {kind}, as the model does", error) from error
        finite = all(np.isfinite(value).all() for value in inputs.values())
        about = f"{title} on {kind}", model, operations, finite
        try:
            _check_outputs(found, expected, nearby, *about)
        except ValueError:
            # The graph's constants are rounded, too: where large ones nearly cancel, as means of data beside zeros.
            others = _outputs(function.rounded_otherwise().function(), inputs) or expected
            _check_outputs(found, expected, _farther(expected, nearby, others), *about)


def _check_outputs(found, expected, nearby, where, model, operations, of_finite):
    for output, value in expected.items():
        _check_output(found.get(output), value, nearby[output], where, model, operations, of_finite)


def _farther(expected, one, other):
    """Of two dicts of outputs the values that lie farther from what was expected."""
    with np.errstate(invalid="ignore"):
        return {
            key: np.where(np.abs(other[key] - value) > np.abs(one[key] - value), other[key], one[key])
            for key, value in expected.items()
        }


def _outputs(function, inputs):
    try:
        return {key: value.numpy() for key, value in function(*map(tf.constant, inputs.values())).items()}
    except (tf.errors.OpError, ValueError):
        return None


def _rounded_otherwise(value):
    """What rounding may make of an input: how far outputs move then, they may move in a file."""
    if value.dtype.kind != "f":
        return value
    signs = np.random.default_rng(0).choice([-1.0, 1.0], value.shape)
    moved = value * (1.0 + _ROUNDING * signs) if value.any() else _NOTHING * signs
    return moved.astype(value.dtype)


def _check_output(found, expected, nearby, title, model, operations, of_finite=False):
    shape = None if found is None else found.shape
    if shape != expected.shape:
        raise refusal(f"{title} should give the shape {expected.shape}", shape)
    wrong = ~_close(*(np.asarray(value, "float64") for value in (found, expected, nearby)))
    if of_finite and expected.ndim:
        wrong[_undefined(expected)] = False
    if wrong.any():
        index = tuple(int(i) for i in np.argwhere(wrong)[0])
        suspects = [operation for operation in _SUSPECTS if operation in operations]
        known = f"; operations that may be the cause: {', '.join(suspects)}" if suspects else ""
        raise refusal(
            f"{title} should give what {model.name} gives, {expected[index]:.6g} at {index}",
            f"{found[index]:.6g}, and {int(wrong.sum())} of {wrong.size} values that differ{known}",
        )


def _undefined(expected):
    """Rows for which the model has no value, as a logit has none beyond its range: runtimes spread NaN differently."""
    return np.isnan(np.asarray(expected, "float64").reshape(len(expected), -1)).any(1)


def _close(found, expected, nearby):
    finite = np.isfinite(expected)
    if not finite.any():
        return (found == expected) | (np.isnan(found) & np.isnan(expected))
    scale = np.abs(expected[finite]).max()
    both = finite & np.isfinite(nearby)
    moved = np.abs(nearby[both] - expected[both]).max(initial=0.0)
    tolerance = RELATIVE * np.abs(expected) + ABSOLUTE * max(1.0, scale) + _AMPLIFIED * moved
    with np.errstate(invalid="ignore"):
        close = np.abs(found - expected) <= tolerance
    return np.where(finite, close, (found == expected) | (np.isnan(found) & np.isnan(expected)))
