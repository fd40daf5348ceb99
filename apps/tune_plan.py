"""Plans of searches that `apps.tune` begins: the recipe, its data, and the processes in which trials run."""

from apps import catalogue, cli
from apps.cli import user_errors


def opened(config, stack):
    """The plan of a search, and the `Apart` that runs it until the stack ends.

    This is None where this process cannot be forked any more, which then builds and trains all models itself.
    """
    from keras_dl.search import Apart, is_possible

    if not is_possible():
        return make_plan(config), None
    with user_errors(ValueError, OSError, ImportError):
        recipe, data, asked = loaded(config)
        apart = stack.enter_context(Apart(recipe, data, cli.check_interrupted))
        return apart.plan(**asked), apart


def make_plan(config):
    """What a search's config says is searched, and for what."""
    from keras_dl.search import Plan

    with user_errors(ValueError, OSError, ImportError):
        recipe, data, asked = loaded(config)
        return Plan.make(recipe, data, **asked)


def loaded(config):
    """The recipe and the data that a search's config names, and a dict of what else it asks of a plan."""
    from apps import show

    recipe = catalogue.module(config["recipe"])
    reading = cli.reading_of(config)
    data = recipe.TASK.load(config["dataset"], config.get("folder"), track=show.tracked, **reading)
    asked = {name: config[name] for name in ("objective", "seed", "features")}
    return recipe, data, asked | {"values": config["hyperparameters"]}
