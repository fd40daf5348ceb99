import importlib

import pytest

import keras_dl
from apps import catalogue


def test_it_reads_what_the_modules_hold():
    assert {"vae", "cvae", "iwae"} <= set(catalogue.recipes())
    assert catalogue.datasets() == [*keras_dl.data.NAMES, *keras_dl.data.segmentation.NAMES]


@pytest.mark.parametrize("name", catalogue.recipes())
def test_every_recipe_says_what_it_is_and_fits_into_the_programs(name):
    recipe = importlib.import_module(f"apps.recipes.{name}")
    assert catalogue.default_dataset(name) == recipe.DATASET and recipe.DATASET in catalogue.datasets()
    assert catalogue.presets(name) == getattr(recipe, "PRESETS", {})
    assert f"python -m apps.train {name}" in catalogue.docstring(name)
    assert callable(recipe.build) and callable(recipe.fit_options)


def test_unknown_names_the_nearest_or_all():
    assert catalogue.unknown("recipe", "vea", ["vae", "gan"]) == "unknown recipe 'vea'. Did you mean vae?"
    assert catalogue.unknown("recipe", "zzz", ["vae", "gan"]) == "unknown recipe 'zzz'. There are: vae, gan."
