"""Recipes, loaded by their files: benchmarks import nothing of the programs."""

import importlib.util
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "apps" / "recipes"


def names():
    """The names of all recipes, sorted."""
    return sorted(path.stem for path in FOLDER.glob("[!_]*.py"))


def recipe(name):
    """The module of a recipe: `build`, `fit_options`, `DATASET` and `TASK`."""
    spec = importlib.util.spec_from_file_location(f"recipe_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
