"""Modules of keras_dl that the standard library suffices for, without the package, whose import takes seconds."""

import functools
import importlib.util
import sys
from pathlib import Path

from apps import catalogue
from apps.cli import UserError, user_errors


@functools.cache
def module(name):
    """Imports a module of keras_dl by its file alone.

    Args:
        name: Its name in the package, such as `"files"`.
    """
    path = catalogue.ROOT / "keras_dl" / f"{name.replace('.', '/')}.py"
    spec = importlib.util.spec_from_file_location(f"early_{path.stem}", path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def check_run(path, file="config.json", folds=False):
    """Refuses a folder that holds no run, before TensorFlow is imported.

    Args:
        path: the folder.
        file: the file that a run, or a search, is recognised by.
        folds: whether a folder with the runs of folds will do.
    """
    place = Path(path)
    with user_errors(OSError):  # a name that is too long, a folder that may not be entered
        is_run = (place / file).is_file() or (folds and any(place.glob(f"fold_[0-9]*/{file}")))
    if not is_run:
        kind = "search" if file == "search.json" else "run"
        raise UserError(f"{path} holds no {kind}: {place / file} does not exist")


def check_free(path):
    """Refuses a file of the user's as the place of a result, before any work."""
    with user_errors(OSError):
        module("files").check_free([path])


@functools.cache
def package(name):
    """Imports a package of keras_dl that imports nothing else of it, by its folder alone.

    Args:
        name: Its name in keras_dl, such as `"report"`.
    """
    folder = catalogue.ROOT / "keras_dl" / name
    spec = importlib.util.spec_from_file_location(
        f"early_{name}", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = loaded
    spec.loader.exec_module(loaded)
    return loaded
