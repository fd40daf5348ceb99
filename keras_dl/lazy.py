"""Attributes of a package whose modules are imported when they are first used (PEP 562)."""

import importlib


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
