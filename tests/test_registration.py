"""Names under which Keras finds the classes and functions of the package in files."""

import collections
import importlib
import inspect
import pkgutil

import keras

import keras_dl


def registered():
    """Everything of the package that Keras can be asked for by a name of its own, by that name."""
    found = collections.defaultdict(set)
    for module in pkgutil.walk_packages(keras_dl.__path__, "keras_dl."):
        for _, part in inspect.getmembers(importlib.import_module(module.name)):
            mine = (inspect.isclass(part) or inspect.isfunction(part)) and part.__module__.startswith("keras_dl")
            if mine and ">" in (name := keras.saving.get_registered_name(part)):
                found[name].add(part)
    return found


def test_no_two_parts_share_a_name():
    """Of two classes under one name, a file would load the one that was imported last."""
    found = registered()
    assert len(found) > 100
    assert {name: parts for name, parts in found.items() if len(parts) > 1} == {}
    for name, (part,) in found.items():
        package = "keras_dl_tests>" if part.__module__.startswith("keras_dl.testing") else "keras_dl>"
        assert name.startswith(package) and keras.saving.get_registered_object(name) is part
