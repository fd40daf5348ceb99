"""What the command line asks of a recipe, and how it goes with what was begun: for `apps.train` and `apps.tune`."""

import importlib
from pathlib import Path

import keras
import tensorflow as tf

import keras_dl
from apps import catalogue, progress, settings
from apps.cli import UserError
from apps.data import Data
from apps.scans import Scans


def recipe(name):
    """The recipe's module."""
    return importlib.import_module(f"apps.recipes.{name}")


def condition(module):
    """What a recipe's model sees beside the samples: `"labels"`, `"values"` or None."""
    return getattr(module, "CONDITION", None) or getattr(module, "TARGET", None)


def data(module, config):
    """The data that a config names; scans that are too few for folds are refused before anything is built."""
    found = Data.load(config["dataset"], condition(module), config.get("folder"))
    if isinstance(found, Scans):
        found.names(0)
    return found


def data_folder(arguments):
    """The folder of scans that is given, as an absolute path; None where none is."""
    return str(Path(arguments.data).resolve()) if arguments.data else None


def dataset_name(arguments):
    """What the data are called: the data set's name, or the folder's; None where neither is given."""
    if arguments.data and arguments.dataset:
        raise UserError("--dataset names a set and --data a folder; give one of them")
    return Path(arguments.data).resolve().name if arguments.data else arguments.dataset


def values(arguments):
    """The hyperparameters that are given: those of the preset, over them `--set` and `--epochs`."""
    found = dict(catalogue.presets(arguments.recipe).get(arguments.preset, {}))
    found |= settings.assignments(arguments.set)
    if arguments.epochs is not None:
        found["epochs"] = arguments.epochs
    return found


def versions():
    """What runs, as a config says it."""
    return {"keras_dl": keras_dl.__version__, "keras": keras.__version__, "tensorflow": tf.__version__}


def old_config(folder, arguments, kind):
    """The config of what is to be resumed, a `kind` (`"run"`, `"search"`); None where a new one begins."""
    if not folder.exists():
        if arguments.resume:
            progress.console.print(f"nothing to resume in {folder.path}: beginning")
        return None
    if not arguments.resume:
        raise UserError(f"{folder.path} already holds a {kind}: go on with --resume, or give another --out")
    return folder.read_config()


def refuse_changes(asked, old, kind):
    """Refuses what differs from what the resumed run or search was begun with; None asks for nothing."""
    for name, value in asked.items():
        if value is not None and value != old.get(name):
            raise UserError(f"the {kind} was begun with {name} {old.get(name)!r}; received {value!r}")
