"""Catalogue of recipes, data sets and names, read off their source, so that --help needs no TensorFlow."""

import ast
import difflib
import functools
import importlib.util
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RECIPES = ROOT / "apps" / "recipes"
#: The hyperparameters of all recipes.
OPTIONS = RECIPES / "options.json"
#: What a search of each of them tries.
SEARCHES = RECIPES / "searches.json"
#: Methods by which a recipe asks for a hyperparameter.
KINDS = ("Boolean", "Choice", "Fixed", "Float", "Int")


def recipes():
    """Names of the recipes, sorted."""
    return sorted(path.stem for path in RECIPES.glob("[!_]*.py"))


def is_recipe(text):
    """Whether a text names a recipe: one of `recipes()`, or a file of one's own."""
    return text in recipes() or (text.endswith(".py") and os.path.isfile(text))


def title(recipe):
    """What a recipe is called in names of folders: its own name, or that of its file."""
    return Path(recipe).stem


def module(recipe):
    """Imports a recipe; Keras then finds classes of its own in saved files.

    Raises:
        ValueError: if there is none of that name.
    """
    if not is_recipe(recipe):
        from keras_dl.checks import refusal  # with TensorFlow, which nothing else here needs

        raise refusal(f"{unknown('recipe', recipe, recipes())}", f"{recipe!r}")
    name = f"recipe_{title(recipe)}" if recipe.endswith(".py") else f"apps.recipes.{recipe}"
    if name in sys.modules and Path(sys.modules[name].__file__).resolve() == _path(recipe).resolve():
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, _path(recipe))
    sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(sys.modules[name])
    except BaseException:
        del sys.modules[name]
        raise
    _register(sys.modules[name])
    return sys.modules[name]


def _register(module):
    """Registers a module's own classes with Keras under the module's name, but those that are registered already."""
    import keras

    for name, part in list(vars(module).items()):
        own = isinstance(part, type) and part.__module__ == module.__name__
        saved = own and callable(getattr(part, "from_config", None))
        if saved and keras.saving.get_registered_name(part) == name:
            keras.saving.register_keras_serializable(module.__name__.rpartition(".")[2])(part)


def docstring(recipe):
    """What the recipe's file says about itself."""
    return ast.get_docstring(_parse(_path(recipe))) or ""


def default_dataset(recipe):
    return _constant(_path(recipe), "DATASET")


def presets(recipe):
    """The recipe's presets: a dict from name to fixed hyperparameters; empty for None."""
    return _constant(_path(recipe), "PRESETS", {}) if recipe else {}


def hyperparameters(recipe):
    """Names of the hyperparameters that a recipe may ask for, itself or by functions of recipes that it imports.

    Returns:
        A sorted list; `None` for a recipe of one's own, and if a name is not written out.
    """
    if recipe not in recipes():
        return None
    names, read, waiting = set(), set(), [(recipe, "build"), (recipe, "fit_options")]
    while waiting:
        place = waiting.pop()
        if place in read or place[1] not in (definitions := _definitions(place[0])):
            continue
        read.add(place)
        for node in ast.walk(definitions[place[1]]):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="hp"), attr=kind), args=[name, *_]) if kind in KINDS:
                    name = name.args[0] if isinstance(name, ast.Call) else name  # a name that comes with its meaning
                    names.add(getattr(name, "value", None))
                case ast.Attribute(value=ast.Name(id=other), attr=name) if other in recipes():
                    waiting.append((other, name))
                case ast.Name(id=name):
                    waiting.append((place[0], name))
    return None if None in names else sorted(names)


def options_of(recipe):
    """Rows (name, default, what it takes, what it means) of a recipe's hyperparameters on its own data set.

    They stand in a file that `python -m apps.recipes` writes, since to find them out is to build the model.

    Returns:
        A list; `None` for a recipe of one's own.
    """
    return json.loads(OPTIONS.read_text(encoding="utf-8")).get(recipe)


def search_of(recipe):
    """What `keras_dl.search.Plan.listed` says of a recipe on its own data set with nothing set, as it is written down.

    Returns:
        A dict; `None` for a recipe of one's own.
    """
    return json.loads(SEARCHES.read_text(encoding="utf-8")).get(recipe)


@functools.cache
def _definitions(recipe):
    """What a recipe's file defines, as syntax trees by name."""
    definitions: dict[str, ast.stmt] = {}
    for node in _parse(_path(recipe)).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            definitions[node.name] = node
        if isinstance(node, ast.Assign):
            definitions |= {target.id: node for target in node.targets if isinstance(target, ast.Name)}
    return definitions


def strategies():
    """Names of the ways to distribute training."""
    return _constant(ROOT / "keras_dl" / "runtime" / "strategy.py", "NAMES")


def tuners():
    """Names of the ways to search, with what they are called."""
    return _constant(ROOT / "keras_dl" / "search" / "oracles.py", "TUNERS")


def formats():
    """Names of the formats that models are exported in."""
    return ["saved_model", *_constant(ROOT / "keras_dl" / "models" / "formats" / "writing.py", "FORMATS")]


def datasets():
    """Names that `keras_dl.data.load` knows, and those of sets of scans and of images of any sizes."""
    data = ROOT / "keras_dl" / "data"
    files = data / "datasets.py", data / "segmentation" / "named.py", data / "images" / "named.py"
    return [name for file in files for name in _constant(file, "NAMES")]


def unknown(kind, name, names):
    """A message about a name that does not exist, with the nearest that do."""
    begun = [one for one in names if len(str(name)) > 3 and one.startswith(str(name))]
    near = begun[:3] or difflib.get_close_matches(str(name), names, n=3, cutoff=0.6)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(names) or 'none'}."
    return f"unknown {kind} {name!r}. {hint}"


def _path(recipe):
    return Path(recipe) if recipe.endswith(".py") else RECIPES / f"{recipe}.py"


def _parse(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def _constant(path, name, default=None):
    for node in _parse(path).body:
        if isinstance(node, ast.Assign) and [getattr(target, "id", None) for target in node.targets] == [name]:
            return ast.literal_eval(node.value)
    return default
