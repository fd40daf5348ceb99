"""What recipes and data sets there are, read off their source, so that --help needs no TensorFlow."""

import ast
import difflib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RECIPES = ROOT / "apps" / "recipes"


def recipes():
    """Names of the recipes, sorted."""
    return sorted(path.stem for path in RECIPES.glob("[!_]*.py"))


def docstring(recipe):
    """What the recipe's file says about itself."""
    return ast.get_docstring(_parse(RECIPES / f"{recipe}.py")) or ""


def default_dataset(recipe):
    return _constant(RECIPES / f"{recipe}.py", "DATASET")


def presets(recipe):
    """The recipe's presets: a dict from name to fixed hyperparameters."""
    return _constant(RECIPES / f"{recipe}.py", "PRESETS", {})


def datasets():
    """Names that `keras_dl.data.load` knows, and those of `keras_dl.data.segmentation.load`."""
    data = ROOT / "keras_dl" / "data"
    return [*_constant(data / "datasets.py", "NAMES"), *_constant(data / "segmentation" / "named.py", "NAMES")]


def unknown(kind, name, names):
    """A message about a name that does not exist, with the nearest that do."""
    begun = [one for one in names if len(str(name)) > 3 and one.startswith(str(name))]
    near = begun[:3] or difflib.get_close_matches(str(name), names, n=3, cutoff=0.6)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(names) or 'none'}."
    return f"unknown {kind} {name!r}. {hint}"


def _parse(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def _constant(path, name, default=None):
    for node in _parse(path).body:
        if isinstance(node, ast.Assign) and [getattr(target, "id", None) for target in node.targets] == [name]:
            return ast.literal_eval(node.value)
    return default
