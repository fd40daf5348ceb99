"""Every recipe as a model of a few hundred weights that was not trained."""

from apps import catalogue
from keras_dl.runs import space

#: What makes a recipe small, by the names of hyperparameters; each recipe takes those that it has.
SMALL = {"hidden_units": 16, "hidden_layers": 1, "filters": 4, "latent_size": 3, "num_samples": 2}
SMALL |= {"levels": 2, "patch_size": 16, "steps": 2, "blocks": 1, "critic_filters": 4}
SMALL |= {"num_layers": 2, "num_steps": 1, "num_bins": 4, "width": 8, "num_blocks": 1, "solver_steps": 1}
SMALL |= {"groups": 1, "scales": 1}
SMALL |= {"num_hidden": 8, "gibbs_steps": 2, "chain_steps": 2, "sample_steps": 10, "capacity": 512}


def untrained(recipe, values=SMALL):
    """Builds a recipe's model with those of the values that it knows."""
    module = catalogue.module(recipe)
    spec = module.TASK.load(module.DATASET).spec
    known = {name for name, *_ in space.table(module, spec)}
    model, *_ = space.build(module, spec, {name: v for name, v in values.items() if name in known}, seed=1)
    return model
