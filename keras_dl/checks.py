"""Checks of arguments that every part of the package shares.

A check is a function of a value and of the argument's name, which raises a `ValueError` that names the argument.
`checked` has them run before a function or the `__init__` of a class begins, by a table from names to checks.
"""

import difflib
import functools
import inspect
import math
import numbers
import operator
import os
import reprlib

import numpy as np

LARGEST_SEED = 2**63 - 1
_SHORT = reprlib.Repr()  # data in place of another argument would fill pages
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxdict = _SHORT.maxset = _SHORT.maxarray = 20
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 1000
NO_CHANNELS = "grey images should have an axis of channels, x[..., None]"  # for messages about shapes of two axes


def refusal(expected, received="", /, *, error=ValueError, **values):
    """The exception by which every part refuses what it cannot use: "`x` should be ... Received: x=...".

    Args:
        expected: What was expected, a sentence without its full stop.
        received: What came instead, in words; empty where `values` say it.
        error: The class of the exception.
        **values: What came instead, by the names of the arguments.

    Example:

    >>> from keras_dl.checks import refusal
    >>> refusal("`rate` should be a positive number", rate=-1)
    ValueError('`rate` should be a positive number. Received: rate=-1')
    """
    if values:
        received = ", ".join(f"{name}={_SHORT.repr(value)}" for name, value in values.items())
    stop = "" if expected.endswith((".", "?")) else "."
    return error(f"{expected}{stop} Received: {received}")


def check_count(value, name, least=1):
    """Returns `value` as an `int` of at least `least`, or raises a `ValueError` that calls it `name`."""
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least or isinstance(value, bool):
        expected = "a positive integer" if least == 1 else f"an integer of at least {least}"
        raise refusal(f"`{name}` should be {expected}", **{name: value})
    return number


def check_counts(value, name, least=1):
    """Returns `value`, a count or a sequence of counts (one per axis, say), or raises a `ValueError`."""
    if not isinstance(value, (list, tuple)):
        return check_count(value, name, least)
    if not value:
        raise refusal(f"`{name}` should be an integer or a sequence of integers", **{name: value})
    return tuple(check_count(one, name, least) for one in value)


def check_sizes(values, name):
    """Returns `values` as a tuple of `int`s of at least 1, or raises a `ValueError` that calls them `name`."""
    try:
        return tuple(check_count(value, name) for value in values)
    except (TypeError, ValueError):
        raise refusal(f"`{name}` should be a sequence of positive integers", **{name: values}) from None


def check_shape(values, name, rank=None):
    """Returns the shape of one sample as a tuple, or raises a `ValueError` that calls it `name`.

    Args:
        values: Sizes of a sample's axes, without the batch axis.
        name: What error messages call it.
        rank: How many axes there must be; `None` allows any number but zero.
    """
    shape = check_sizes(values, name)
    if rank == 3 and len(shape) != 3:
        lacks = f": {NO_CHANNELS}" if len(shape) == 2 else ""
        raise refusal(f"`{name}` should be (height, width, channels){lacks}", **{name: values})
    if not shape:
        raise refusal(f"`{name}` should have at least one axis besides the batch", **{name: values})
    return shape


def check_seed(seed, name="seed"):
    """Returns `seed` as an `int` that TensorFlow's stateless operations take, or raises a `ValueError`."""
    try:
        number = operator.index(seed)
    except TypeError:
        number = -1
    if not 0 <= number <= LARGEST_SEED or isinstance(seed, bool):
        raise refusal(f"`{name}` should be an integer from 0 to 2**63 - 1", **{name: seed})
    return number


def check_path(path, name):
    """Returns `path` as a string, or raises a `TypeError` that calls it `name`."""
    if not isinstance(path, (str, os.PathLike)) or not os.fspath(path):
        raise refusal(f"`{name}` should be a path", **{name: path}, error=TypeError)
    return os.fspath(path)


def pixels_hint(largest):
    """What to do with data that look like pixels of 0 to 255, for a message; empty for others."""
    return ": divide pixels of 0 to 255 by 255" if 1 < largest <= 255 else ""


def check_no_levels(x, name):
    """Refuses pixels of 0 to 255 where images should lie in [0, 1]; noise may lead a little beyond."""
    x = np.asarray(x)
    most = 1 if x.dtype.kind in "iu" else 2
    if x.size and x.min() >= 0 and x.max() > most:
        raise refusal(f"{name} should lie in [0, 1]{pixels_hint(x.max())}", f"values from {x.min()} to {x.max()}")


def check_number(value, name, least=None, most=None, above=None, below=None, infinite=False):
    """Returns `value`, a real number within bounds, or raises a `ValueError` that calls it `name`.

    Args:
        value: Anything; booleans are no numbers.
        name: What the message calls it.
        least, most: Bounds that the number may be.
        above, below: Bounds that it may not be.
        infinite: Whether infinities are numbers.
    """
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    bounds = ("of at least", least, "ge"), ("of at most", most, "le"), ("above", above, "gt"), ("below", below, "lt")
    bounds = [bound for bound in bounds if bound[1] is not None]
    fits = real and all(getattr(operator, compare)(value, bound) for _, bound, compare in bounds)
    if not fits or math.isnan(value) or (math.isinf(value) and not infinite):
        expected = " and".join(f" {word} {bound}" for word, bound, _ in bounds)
        kind = "number" if infinite else "finite number"
        raise refusal(f"`{name}` should be a {kind}{expected}", **{name: value})
    return value


def check_numbers(value, name):
    """Returns `value`, finite numbers in an array or in nested lists, or raises a `ValueError` that calls it `name`."""
    try:
        array = np.asarray(value)
    except ValueError:  # lists of different lengths
        array = np.asarray(None)
    if array.dtype.kind not in "iuf" or not np.isfinite(array).all():
        raise refusal(f"`{name}` should hold finite numbers", **{name: value})
    return value


def check_flag(value, name):
    """Returns `value`, true or false (0 and 1 pass), or raises a `ValueError` that calls it `name`."""
    if not isinstance(value, (bool, np.bool_)) and not (isinstance(value, numbers.Integral) and value in (0, 1)):
        raise refusal(f"`{name}` should be True or False", **{name: value})
    return value


def optional(check):
    """Returns a check that lets `None` pass."""
    return lambda value, name: value if value is None else check(value, name)


def unknown_arguments(called, names, unknown):
    """The `TypeError` that refuses arguments that `called` does not take, with the nearest ones that it does.

    Args:
        called: The name of the function or class.
        names: Names of the arguments that it takes.
        unknown: Dict of those that it was given beside them.
    """
    names = list(names)
    hints = "".join(f"; did you mean {near} for {name}?" for name in unknown if (near := _near(name, names)))
    return refusal(f"{called} takes {', '.join(names) or 'no arguments'}{hints}", error=TypeError, **unknown)


def _near(name, names):
    """The name of `names` that is spelt like `name`, shares a word with it, or is nearest; `None` if there is none."""
    spelt = difflib.get_close_matches(name, names, n=1, cutoff=0.85)
    sharing = [one for one in names if name in one.split("_") or one in name.split("_")]
    return next(iter(spelt or sharing or difflib.get_close_matches(name, names, n=1)), None)


def bind(signature, called, args, options):
    """Returns the `inspect.BoundArguments`, or raises a `TypeError` that says what is unknown, missing or too much.

    Args:
        signature: `inspect.Signature` of what is called.
        called: Its name.
        args, options: What it is given.
    """
    parameters = [p for p in signature.parameters.values() if p.name != "self"]
    names = [p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    unknown = {name: value for name, value in options.items() if name not in signature.parameters}
    if unknown and all(p.kind is not p.VAR_KEYWORD for p in parameters):
        raise unknown_arguments(called, names, unknown)
    try:
        return signature.bind(*args, **options)
    except TypeError as error:
        given = ", ".join([*(repr(value) for value in args if value is not None), *options]) or "nothing"
        raise refusal(f"{called} should be given {', '.join(names)}: {error}", given, error=TypeError) from error


def check_channels_last():
    """Refuses the setting `channels_first` of Keras.

    Layers read it at different times: some of a network's would take channels first, others last.
    """
    import keras  # not at the top: another backend, perhaps not installed, is refused by what stands in this file

    layout = keras.config.image_data_format()
    if layout != "channels_last":
        way = "keras.config.set_image_data_format('channels_last'), or write so in keras.json"
        raise refusal(f"keras_dl has channels last: call {way}", image_data_format=layout)


def checked(checks, of_layers=False):
    """Makes a decorator that checks the arguments of a function, or of a class's `__init__`, before it begins.

    The function is given what the checks return. An argument that is its default is not checked, so `None` passes if
    it is one. What `**options` hold is checked by name, too.

    Args:
        checks: Dict from the names of arguments to checks; those without one are left alone.
        of_layers: Whether it is a layer, or makes some: these have channels last.

    Returns:
        The decorator. It changes a class in place.
    """

    def decorate(target):
        function = target.__init__ if inspect.isclass(target) else target
        signature = inspect.signature(function)
        parameters = signature.parameters
        (rest,) = [p.name for p in parameters.values() if p.kind is p.VAR_KEYWORD] or [None]

        @functools.wraps(function)
        def checked_call(*args, **options):
            bound = bind(signature, target.__name__, args, options)
            for given in (bound.arguments, bound.arguments.get(rest, {})):
                for name, value in given.items():
                    if name in checks and not (name in parameters and value is parameters[name].default):
                        given[name] = checks[name](value, name)
            if of_layers:
                check_channels_last()
            return function(*bound.args, **bound.kwargs)

        checked_call.__dict__["__signature__"] = signature  # Keras, too, reads the names of arguments
        if not inspect.isclass(target):
            return checked_call
        setattr(target, "__init__", checked_call)  # noqa: B010
        return target

    return decorate
