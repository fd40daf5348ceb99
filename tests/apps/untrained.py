"""Every recipe as a model of a few hundred weights that was not trained."""

import importlib

from apps import catalogue, settings
from apps.data import Data

#: What makes a recipe small, by the names of hyperparameters; each recipe takes those that it has.
SMALL = {"hidden_units": 16, "hidden_layers": 1, "filters": 4, "latent_size": 3, "num_samples": 2}
SMALL |= {"levels": 2, "patch_size": 16, "steps": 2}


def untrained(recipe, values=SMALL):
    """Builds a recipe's model with those of the values that it knows."""
    module = importlib.import_module(f"apps.recipes.{recipe}")
    condition = getattr(module, "CONDITION", None) or getattr(module, "TARGET", None)
    spec = Data.load(catalogue.default_dataset(recipe), condition).spec
    known = {name for name, *_ in settings.table(module, spec)}
    model, *_ = settings.build(module, spec, {name: v for name, v in values.items() if name in known}, seed=1)
    return model
