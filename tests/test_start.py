"""What `import keras_dl` imports and registers."""

import configparser
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import keras_dl
from keras_dl import lazy

HEAVY = ("tensorflow_probability", "tf_keras", "sklearn", "skimage", "ot", "keras_tuner", "matplotlib")
PROGRAM = f"""
import importlib, json, pkgutil, sys
import tensorflow, keras
before = set(sys.modules)
import keras_dl
heavy = [name for name in {HEAVY} if name in sys.modules and name not in before]
registered = set(keras.saving.get_custom_objects())
for module in pkgutil.walk_packages(keras_dl.__path__, "keras_dl."):
    importlib.import_module(module.name)
registered_late = set(keras.saving.get_custom_objects()) - registered
late = [name for name in registered_late if name.startswith("keras_dl>")]
print(json.dumps([heavy, late, len(registered)]))
"""


def test_import_is_light_and_registers_everything():
    """Files are loaded after `import keras_dl` alone: whatever has a name in files is registered by then."""
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    heavy, late, count = json.loads(run.stdout)
    assert (heavy, late) == ([], []) and count > 100


@pytest.mark.parametrize("package", [keras_dl.metrics, keras_dl.runtime])
def test_late_attributes_are_seen_and_found(package):
    assert set(package.__all__) <= set(dir(package))
    for name in package.__all__:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        package.nothing  # noqa: B018


@pytest.mark.parametrize(
    ("call", "module", "package", "extra"),
    [
        (lambda: keras_dl.metrics.wasserstein_2(np.zeros((3, 2)), np.ones((3, 2))), "ot", "POT", "transport"),
        (lambda: keras_dl.data.load("camera"), "skimage.data", "scikit-image", "images"),
    ],
)
def test_what_only_an_extra_installs_is_named(call, module, package, extra, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)  # as if there were none
    message = f"should find {package}: pip install {package.lower()}, or keras_dl with the extra '{extra}'. Received"
    with pytest.raises(ImportError, match=message):
        call()


def test_tests_bring_every_extra_but_those_of_other_machines():
    config = configparser.ConfigParser()
    config.read(Path(keras_dl.__file__).parents[1] / "setup.cfg")
    lists = {name: set(text.split("\n")) - {""} for name, text in config["options.extras_require"].items()}
    assert {extra for _, extra in lazy.EXTRAS.values()} <= set(lists)
    for _, extra in lazy.EXTRAS.values():
        assert lists[extra] <= lists["test"]


def test_a_late_module_is_an_attribute():
    getattr_, dir_ = lazy.attributes("keras_dl.runtime", {"tuning": ("objective",)})
    assert getattr_("tuning").objective is getattr_("objective") and {"tuning", "objective", "export"} <= set(dir_())
