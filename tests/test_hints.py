"""Public names without type hints: a new function or method is to come with them."""

import functools
import importlib
import inspect
import pkgutil

import pytest

import keras_dl

PACKAGES = sorted(info.name for info in pkgutil.walk_packages(keras_dl.__path__, "keras_dl.") if info.ispkg)


def is_ours(part):
    return getattr(part, "__module__", "").startswith("keras_dl.")


def underlying(attribute):
    """The function behind a method, a property or a decorator; what it is given where there is none."""
    for kind, name in ((property, "fget"), (functools.cached_property, "func")):
        attribute = getattr(attribute, name) if isinstance(attribute, kind) else attribute
    attribute = getattr(attribute, "__func__", attribute)
    return inspect.unwrap(attribute) if callable(attribute) else attribute


def methods(part):
    """The public methods of a class and of our classes under it, and how it is made and called."""
    for base in filter(is_ours, part.__mro__):
        for name, attribute in vars(base).items():
            if not name.startswith("_") or name in ("__init__", "__call__"):
                yield underlying(attribute)


def public_functions(package):
    """The functions and methods that a package lists in `__all__`."""
    module = importlib.import_module(package)
    for name in getattr(module, "__all__", []):
        part = getattr(module, name)
        yield from methods(part) if inspect.isclass(part) else [underlying(part)]


def bare(function):
    """What of a function has no hint: names of arguments, `"return"`; `*args` and `**kwargs` need none."""
    signature = inspect.signature(function)
    arguments = [p for p in signature.parameters.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if arguments and arguments[0].name in ("self", "cls"):
        del arguments[0]
    names = [argument.name for argument in arguments if argument.annotation is argument.empty]
    returns = function.__name__ == "__init__" or signature.return_annotation is not signature.empty
    return names if returns else [*names, "return"]


@pytest.mark.parametrize("package", PACKAGES)
def test_public_names_have_hints(package):
    functions = {f for f in public_functions(package) if inspect.isfunction(f) and is_ours(f)}
    missing = {f"{f.__module__}.{f.__qualname__}": bare(f) for f in functions}
    assert {name: parts for name, parts in missing.items() if parts} == {}


def test_the_reader_sees_what_is_missing():
    def half(a, b: int, *args, **kwargs): ...

    assert bare(half) == ["a", "return"]
