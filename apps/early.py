"""Modules of keras_dl that the standard library suffices for, without the package, whose import takes seconds."""

import functools
import importlib.util

from apps import catalogue


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


def check_free(path):
    """Refuses a file of the user's as the place of a result, before any work."""
    from apps.cli import user_errors

    with user_errors(OSError):
        module("files").check_free([path])
