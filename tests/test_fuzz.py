"""Malformed arguments thrown at everything public: refused by name, or harmless.

What may come of one: a result of finite numbers, or a `ValueError`, `TypeError` or `FileNotFoundError` (subclasses
included) whose message names the argument. Never another error, a hang, or NaN where finite numbers went in.
`pytest -m soak tests/test_fuzz.py` throws many more.
"""

import contextlib
import signal

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st

from keras_dl import metrics
from tests import fuzz_systems

SECONDS = 600  # more than any call takes, on a busy machine too: what is longer hangs
REFUSALS = (ValueError, TypeError, FileNotFoundError)

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.sampled_from([1.5, -0.5, float("nan"), float("inf"), -float("inf"), 1j]),
    st.sampled_from(["", "text"]),
    st.lists(st.integers(-1, 2), max_size=3),
    st.sampled_from([(), {}, {"a": 1}, (None,), object(), len]),
)
ARRAYS = {
    "not a number": lambda a: _with(a, 0, np.nan),
    "infinite": lambda a: _with(a, -1, np.inf),
    "no rows": lambda a: a[:0],
    "one row": lambda a: a[:1],
    "a row more": lambda a: np.concatenate([a, a[:1]]),
    "a scalar": lambda a: np.float32(1.0),
    "an axis more in front": lambda a: a[None],
    "an axis more behind": lambda a: a[..., None],
    "flat": lambda a: a.reshape(-1),
    "half precision": lambda a: a.astype("float16"),
    "booleans": lambda a: a.astype(bool),
    "negative": lambda a: -1.0 - a,
    "complex": lambda a: a.astype(complex),
    "objects": lambda a: np.full(a.shape, object()),
    "texts": lambda a: np.full(a.shape, "a"),
    "dates": lambda a: np.full(a.shape, "2020-01-01", "datetime64[D]"),
    "ragged": lambda a: [[1.0], [1.0, 2.0]],
    "an empty list": lambda a: [],
    "a dict": lambda a: {},
    "None": lambda a: None,
    "a text": lambda a: "text",
}
NOT_FINITE = ("not a number", "infinite")
OUT_OF_RANGE = ("negative", "dates")


def _with(array, index, value):
    array = array.astype(float)
    array.reshape(-1)[index] = value
    return array


@pytest.fixture(scope="module", params=fuzz_systems.GROUPS)
def group(request, tmp_path_factory):
    """The name of a package and its parts."""
    return request.param, fuzz_systems.parts(request.param, tmp_path_factory.mktemp(request.param))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.grid("losses")
def test_malformed_arguments(group):
    throw(group, 60 if group[0] in ("models", "runtime") else 250)


@pytest.mark.soak
@pytest.mark.filterwarnings("ignore")
def test_many_malformed_arguments(group):
    throw(group, 3000)


@pytest.mark.filterwarnings("ignore:No warm-up records", "ignore:overflow")
def test_well_formed_arguments(group):
    for name, part in group[1].items():
        assert finite(part.call(**part.valid)), name


def throw(group, count):
    """Lets Hypothesis call a group's parts so many times, each with one argument malformed."""
    name, parts = group

    @hypothesis.settings(max_examples=count, derandomize=True, deadline=None, database=None,
                         suppress_health_check=list(hypothesis.HealthCheck))  # fmt: skip
    @hypothesis.given(st.data())
    def check(data):
        part = data.draw(st.sampled_from(sorted(n for n in parts if parts[n].valid)), "part")
        argument = data.draw(st.sampled_from(sorted(parts[part].valid)), "argument")
        is_array = argument in parts[part].arrays
        value = data.draw(st.sampled_from(sorted(ARRAYS)) if is_array else VALUES, "value")
        problem = problem_of(parts[part], argument, value)
        if problem:
            raise AssertionError(f"{part}({argument}={value!r}): {problem}")

    check()


def problem_of(part, argument, value):
    """What is wrong with what comes of a malformed argument, or `None`."""
    kind = value if argument in part.arrays else None
    if kind is not None:
        valid = part.valid[argument]
        array = valid[0] if isinstance(valid, (tuple, list)) else valid
        value = ARRAYS[kind](np.zeros(6, np.float32) if array is None else np.asarray(array))
    free = kind is not None and not part.checks_values  # a function of tensors
    try:
        with time_limit():
            result = part.call(**{**part.valid, argument: value})
    except REFUSALS as error:
        words = (argument, *part.says.get(argument, ()))
        named = free or any(word in str(error) for word in words)
        return None if named else f"unnamed: {type(error).__name__}: {error}"
    except tf.errors.OpError as error:
        return None if free else f"{type(error).__name__}: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    if free and kind in (*NOT_FINITE, *OUT_OF_RANGE):
        return None
    if kind in NOT_FINITE:
        return "accepted"
    return None if finite(result) else "the result is not finite"


def finite(result):
    """Whether all numbers of a nest are finite; values of other kinds are passed over, and unknown standard errors."""
    if isinstance(result, metrics.Estimate):
        result = result.value
    if isinstance(result, tuple):
        return all(map(finite, result))
    for leaf in tf.nest.flatten(result):
        with contextlib.suppress(ValueError, TypeError):
            array = np.asarray(leaf)
            if array.dtype.kind in "fc" and not np.isfinite(array).all():
                return False
    return True


@contextlib.contextmanager
def time_limit():
    def hang(*_):
        raise AssertionError(f"not done after {SECONDS} s")

    before = signal.signal(signal.SIGALRM, hang)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
