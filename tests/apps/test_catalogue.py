import importlib
import subprocess
import sys

import pytest

import keras_dl
from apps import catalogue
from keras_dl import runtime


def test_it_reads_what_the_modules_hold():
    assert {"vae", "cvae", "iwae"} <= set(catalogue.recipes())
    data = keras_dl.data
    assert catalogue.datasets() == [*data.NAMES, *data.segmentation.NAMES, *data.images.named.NAMES]


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


def test_hyperparameters_are_read_off_the_functions_that_a_recipe_uses(tmp_path):
    assert catalogue.hyperparameters("siamese") == sorted(
        ["batch_size", "embedding_size", "epochs", "learning_rate", "margin", "mining"]
    )
    assert {"anomaly_class", "latent_size", "beta"} <= set(catalogue.hyperparameters("anomaly"))
    assert "latent_size" not in catalogue.hyperparameters("unet")  # which uses the optimizer of the VAE's file alone
    own = tmp_path / "own.py"
    own.write_text("from elsewhere import build, fit_options\n")
    assert catalogue.hyperparameters(str(own)) is None
    assert not [name for name in catalogue.recipes() if catalogue.hyperparameters(name) is None]


@pytest.mark.full
@pytest.mark.parametrize("name", catalogue.recipes())
def test_every_hyperparameter_that_a_recipe_asks_for_is_read(name):
    module = catalogue.module(name)
    recipe = runtime.hypermodel(module.build, module.TASK.load(module.DATASET).spec, module.fit_options)
    presets = catalogue.presets(name).values()
    asked = set(recipe.explore()).union(*(recipe.explore(dict(values)) for values in presets))
    assert {str(each) for each in asked} <= set(catalogue.hyperparameters(name))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["vae", "--set", "latent_sizes=3"], "unknown hyperparameter 'latent_sizes'. Did you mean latent_size"),
        (["vae", "--set", "latent_size"], "--set expects NAME=VALUE"),
        (["vae", "--dataset", "digits", "--data", "there"], "--dataset names a set and --data a folder"),
    ],
)
def test_what_needs_no_data_is_refused_before_tensorflow_is_imported(arguments, message):
    code = f"import runpy, sys; sys.argv = ['train', *{arguments}]\n"
    code += "try:\n    runpy.run_module('apps.train', run_name='__main__')\n"
    code += "finally:\n    print('tensorflow' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 2 and message in run.stderr and run.stdout == "False\n"
