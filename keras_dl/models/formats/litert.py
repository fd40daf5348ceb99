"""Signatures as a file for LiteRT."""

import contextlib
import os
import re
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.models.formats import blame, comparison, empty_batches, portable, rewriting
from keras_dl.types import PathLike

FILE = "model.tflite"
_MISSING = re.compile(r"'tf\.(\w+)' op is neither")
_PLACES = re.compile(r'fused\["(\w+):", "([^"@]+)')
_CALLS = ("StatefulPartitionedCall", "PartitionedCall")


def write_litert(model: Any, folder: PathLike, signatures: dict[str, Any]) -> tuple[str, ...]:
    """Writes `model.tflite` with every signature without noise, and returns their names. TensorFlow alone does it.

    Raises:
        ValueError: If the model has operations that LiteRT lacks, or the file gives other numbers than the model.
    """
    functions = portable.portable_functions(signatures, model, "LiteRT")
    module = tf.Module()
    module.functions = {name: _decomposed(function).function() for name, function in functions.items()}
    with tempfile.TemporaryDirectory() as saved:
        # Activations with gradients of their own (swish) hold what the file cannot; it computes no gradients.
        options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
        tf.saved_model.save(module, saved, signatures=module.functions, options=options)
        converter = tf.lite.TFLiteConverter.from_saved_model(saved, signature_keys=list(functions))
        try:
            with _without_native_messages():
                converted = converter.convert()
        except Exception as error:  # of a class that TensorFlow keeps to itself
            raise _refused(error, model) from error
    path = Path(folder) / FILE
    path.write_bytes(converted)
    interpreter = _interpreter(path)
    for name, function in functions.items():
        run = interpreter.get_signature_runner(name)
        comparison.check(f"{FILE}: {name}", function, lambda inputs, run=run: run(**inputs), model)
    empty_batches.check({name: (path, function) for name, function in functions.items()}, model)
    return tuple(functions)


def _decomposed(function):
    return function._replace(graph=rewriting.decomposed(function.graph, rewriting.OF_LITERT))


@contextlib.contextmanager
def _without_native_messages():
    """Drops what the converter writes to file descriptor 2 from C++: its error says the same, and becomes a refusal."""
    try:
        terminal = os.dup(2)
    except OSError:  # a process without one
        yield
        return
    sys.stderr.flush()
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


def _interpreter(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it moves to a package of its own, which may not be there
        return tf.lite.Interpreter(str(path), num_threads=1)


def _refused(error, model):
    """What is missing by name and layer, read from the converter's text."""
    text = str(error)
    places = dict(reversed([place for place in _PLACES.findall(text) if place[0] not in _CALLS]))
    missing = sorted(set(_MISSING.findall(text))) or list(places)[-1:]
    if not missing:
        return refusal("the model should be one that LiteRT can hold", f"{text.strip()[:300]} in {model.name}")
    node = next((places[name] for name in missing if name in places), "")
    return blame.refusal("LiteRT", ", ".join(missing), node, model)
