"""What every test and doctest starts from: float32, a fixed seed, compiled functions, no noise, no display."""

import gc
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("MPLBACKEND", "Agg")

import pytest

pytest.register_assert_rewrite("keras_dl.testing")

MEMORY_PER_PROCESS = 10 * 2**30  # bytes; more than a process of half of the tests grows to


def pytest_addoption(parser):
    parser.addoption("--share", metavar="K/N", help="only the tests of every N-th file, the K-th share of N")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """Returns how many processes share the tests: at most two, and none beside pytest's own for tests that are named.

    Most of a test's time is Python's, so one process keeps one core busy.
    """
    named = config.args_source is config.ArgsSource.ARGS
    if named or (os.cpu_count() or 1) < 2 or _memory() < 2 * MEMORY_PER_PROCESS:
        return 0
    return 2


def pytest_collection_finish():
    """Spares the garbage collector what lives to the end: TensorFlow's modules, and those of the tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)  # a graph that is traced makes millions of objects, of which few are garbage


def _memory():
    """How many bytes this machine has, or a container's limit; 0 where neither is known."""
    limits = []
    if hasattr(os, "sysconf"):
        limits.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    limit = pathlib.Path("/sys/fs/cgroup/memory.max")
    if limit.is_file() and limit.read_text().strip().isdigit():
        limits.append(int(limit.read_text()))
    return min(limits, default=0)


@pytest.fixture(autouse=True)
def clean_state():
    """Resets the dtype policy, the random seed and eager mode, for tests of modules that use Keras."""
    if "keras" in sys.modules:
        _reset()
    yield
    if "keras" in sys.modules:
        _reset()


def _reset():
    import keras
    import tensorflow as tf

    _leave_untuned(tf.data.Dataset)

    keras.config.set_dtype_policy("float32")
    keras.utils.set_random_seed(0)
    tf.config.run_functions_eagerly(False)


def _leave_untuned(dataset_class):
    """Turns tf.data's tuning off for the datasets that Keras and tests make; why, `untuned` says."""
    prepare = dataset_class._apply_debug_options
    if hasattr(prepare, "untuned"):
        return

    def prepared(dataset):
        from keras_dl.untuned import UNTUNED

        return prepare(dataset.with_options(UNTUNED))

    prepared.untuned = True
    dataset_class._apply_debug_options = prepared


@pytest.fixture(autouse=True)
def names_in_examples(doctest_namespace):
    """The names that every doctest may use without importing them."""
    if "keras_dl" in sys.modules:
        import keras
        import numpy as np

        import keras_dl

        doctest_namespace.update(keras=keras, keras_dl=keras_dl, np=np)


@pytest.fixture
def real_data():
    """A function that loads a named set as `keras_dl.data.load` does, or skips where its files are not at hand."""
    import keras_dl

    def load(name, **options):
        if name != "digits" and not os.environ.get("KERAS_DL_DATA"):
            pytest.skip(f"needs the files of {name}: set KERAS_DL_DATA to the folder that holds {name}/")
        try:
            return keras_dl.data.load(name, **options)
        except FileNotFoundError as error:
            pytest.skip(f"needs the files of {name}: {error}")

    return load
