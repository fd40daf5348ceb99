"""Modules that are imported when they are first used: our own (PEP 562), and others' that only an extra installs."""

import importlib
import sys

from keras_dl.checks import refusal

#: What `pip install keras_dl[EXTRA]` installs, by the module's first name.
EXTRAS = {
    "ot": ("POT", "transport"),
    "skimage": ("scikit-image", "images"),
    "tifffile": ("tifffile", "images"),
    "tensorboard": ("TensorBoard", "tensorboard"),
    "pyarrow": ("pyarrow", "parquet"),
}


def need(module, what):
    """Imports a module that only an extra installs.

    Args:
        module: Its full name.
        what: What needs it, the subject of the message.

    Raises:
        ImportError: If it is not installed; the message names the extra.

    Example:

    >>> need("skimage.io", "Reading pictures").__name__
    'skimage.io'
    """
    try:
        __import__(module)
    except ImportError as error:
        package, extra = EXTRAS[module.partition(".")[0]]
        raise refusal(
            f"{what} should find {package}: pip install {package.lower()}, or keras_dl with the extra {extra!r}",
            error,
            error=ImportError,
        ) from error
    return sys.modules[module]


def attributes(package, modules):
    """Returns the functions `__getattr__` and `__dir__` of a package some of whose attributes are imported late.

    Modules that need a library which takes long to import stand here. They register nothing with Keras: a file whose
    classes were not yet imported could not be loaded.

    Args:
        package: Full name of the package.
        modules: Dict from the name of a module of the package to the tuple of what it offers.

    Example:

    >>> getattr_, dir_ = attributes("keras_dl.metrics", {"divergences": ("kl_divergence",)})
    >>> getattr_("kl_divergence").__module__
    'keras_dl.metrics.divergences'
    """
    owners = {}
    for module, names in modules.items():
        owners |= dict.fromkeys(names, module)

    def __getattr__(name):
        if name in modules:
            return importlib.import_module(f"{package}.{name}")
        if name not in owners:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{package}.{owners[name]}"), name)

    def __dir__():
        return sorted({*vars(importlib.import_module(package)), *modules, *owners})

    return __getattr__, __dir__
