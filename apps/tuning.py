"""What `apps.tune` does once TensorFlow is there."""

import functools
import math
import os
import sys
from typing import Any, NamedTuple

import keras_tuner as kt

from apps import catalogue, cli, search, search_objectives, search_oracles, search_report, show
from apps.cli import UserError, user_errors
from apps.search_folder import SearchFolder
from keras_dl import runs, runtime
from keras_dl.runs import space
from keras_dl.runtime.tuning import is_fixed
from keras_dl.tasks import Context, Task

TRIALS = 10
SHARE = 10
NAMES = {"random": "random search", "bayesian": "Bayesian optimization", "hyperband": "Hyperband"}
#: What is asked on the command line and cannot change when a search is resumed.
ASKED = ("recipe", "dataset", "preset", "tuner", "objective", "seed", "features")


class Plan(NamedTuple):
    """What is searched, and for what.

    Attributes:
        recipe: what `keras_dl.runtime.hypermodel` makes of a recipe.
        task: `keras_dl.tasks.Task`.
        data: what the task's `load` returned.
        offers: names of the objectives that the recipe offers.
        goal: `apps.search_objectives.Goal`.
        space: `keras_tuner.HyperParameters`, in which those that are not searched are fixed.
        values: dict of the hyperparameters that were given, and the number of epochs.
        options: the recipe's `fit_options`, at its defaults.
    """

    recipe: runtime.tuning.Recipe
    task: Task
    data: Any
    offers: list
    goal: search_objectives.Goal
    space: kt.HyperParameters
    values: dict
    options: dict

    @classmethod
    def make(cls, config):
        """Builds the recipe with its defaults and with each value of each choice, and checks what was asked for."""
        module = catalogue.module(config["recipe"])
        task = module.TASK
        with user_errors(ValueError, OSError, ImportError):
            data = task.load(config["dataset"], config.get("folder"), track=show.tracked)
        options = functools.partial(space.fit_options, module, data_spec=data.spec)
        recipe = runtime.hypermodel(module.build, data.spec, options, config["seed"])
        with user_errors(ValueError):
            found, values = _given(recipe, config["hyperparameters"])
            told = kt.HyperParameters()
            told.values.update(values)
            model, options, _ = recipe.make(told)
            offers = task.goals(model, data, options, config["features"])
        goal = search_objectives.Goal.choose(config["objective"], offers, task)
        searched = _space(found, values, goal.unsearched)
        return cls(recipe, task, data, offers, goal, searched, values, options)

    @property
    def searched(self):
        return [parameter for parameter in self.space.space if not is_fixed(parameter)]

    @property
    def unsearched(self):
        """Names of the hyperparameters that the objective keeps at their defaults."""
        fixed = [parameter.name for parameter in self.space.space if is_fixed(parameter)]
        return [name for name in fixed if name not in self.values]


def show_options(arguments):
    """Lists what is searched, what is not, and the objectives."""
    plan = Plan.make(_config(arguments, None))
    fixed = {p.name: f"{p.value} (not searched)" for p in plan.space.space if is_fixed(p)}
    takes = {p.name: space.describe(p) for p in plan.searched}
    scales = {p.name: getattr(p, "sampling", "") for p in plan.searched}
    title = f"hyperparameters of {arguments.recipe}, as they are searched for {plan.goal.objective.name}"
    show.results_table(title, {"searched": {**takes, **fixed}, "scale": {**scales, **dict.fromkeys(fixed, "")}})
    show.console.print(f"objectives: {', '.join(plan.offers)}")


def tune(arguments):
    """Searches, or goes on searching, and leaves a search folder; as a worker, runs trials of a search."""
    folder = SearchFolder(arguments.out or f"runs/{arguments.recipe}_search")
    worker, old = search.role() == "worker", None
    if worker:
        search.wait_for_chief()
        config = folder.read_config()
    else:
        old = cli.old_config(folder, arguments, "search", show.say)
        config = _config(arguments, old)
    plan = Plan.make(config)
    if not worker:
        if not plan.searched:
            raise UserError("nothing is left to search: every hyperparameter is given")
        with user_errors(ValueError, OSError):
            if old:
                plan.data.check_resumed(old, folder.path, plan.options)
            folder.check_writable() if old else folder.create()
            folder.write_config({**config, **_found(plan)})
    try:
        runner = _runner(plan, config, folder, arguments)
        if not worker:
            _announce(plan, config, folder, runner.oracle)
        _run(runner, config, folder, worker)
        if not worker:
            search_report.report(plan, folder.read_config(), folder, runner.oracle)
    except BrokenPipeError:  # nobody reads what is printed
        raise
    except OSError as error:
        raise UserError(f"cannot write to {folder.path}: {error.strerror or error}; go on with --resume") from error


def _runner(plan, config, folder, arguments):
    epochs = plan.values["epochs"]
    context = Context(folder.path, plan.options, features=config["features"], track=show.tracked, say=show.say)
    with user_errors(ValueError, OSError):
        measures = plan.task.watches(plan.goal.name, plan.data, epochs, context)
    oracle = search_oracles.create(
        config["tuner"], folder, config["trials"], epochs, config["seed"],
        objective=plan.goal.objective, hyperparameters=plan.space,
    )  # fmt: skip
    runner = search.Search(folder, oracle, plan.recipe, plan.data, measures)
    ended = search_oracles.count(oracle)[0]
    if ended > config["trials"]:
        raise UserError(f"{folder.path} has {ended} trials behind it; received --trials {config['trials']}")
    return runner


def _run(runner, config, folder, worker):
    try:
        runner.search()
    except KeyboardInterrupt:
        if not worker:
            ended = search_oracles.count(runner.oracle)[0]
            workers = os.environ.get(search.WORKERS)
            launch = f"python -m apps.launch --workers {workers} --search -- " if workers else ""
            command = f"{launch}python -m apps.tune {config['recipe']} --out {folder.path} --resume"
            show.console.print(
                f"\nstopped after {ended} of {config['trials']} trials, which are kept; go on with\n  {command}"
            )
        raise


def _announce(plan, config, folder, oracle):
    better = "larger" if plan.goal.objective.direction == "max" else "smaller"
    most = " at most" if config["tuner"] == "hyperband" else ""
    show.console.print(
        f"{config['recipe']} on {config['dataset']}: {config['trials']} trials of{most} {plan.values['epochs']} epochs "
        f"by {NAMES[config['tuner']]} in {len(plan.searched)} hyperparameters, into {folder.path}\n"
        f"objective: {plan.goal.objective.name}, {better} is better",
        markup=False,
    )
    if plan.unsearched:
        names = ", ".join(plan.unsearched)
        show.console.print(f"not searched, as it decides what {plan.goal.name} means (--set changes it): {names}")
    ended, failed = search_oracles.count(oracle)
    if ended:
        finished = "already finished" if ended >= config["trials"] else "going on"
        show.console.print(f"{ended} of {config['trials']} trials done, {failed} of them failed: {finished}")


def _given(recipe, wanted):
    """What the recipe may ask for, by name, and the values of those hyperparameters that are given.

    Which it may ask for depends on what it is told, so that it is asked again with every value that found its place.
    """
    values = {}
    while True:
        found = recipe.explore(values)
        new = {name: space.parse(found[name], wanted[name]) for name in found if name in wanted.keys() - values}
        if not new:
            break
        values |= new
    for name in wanted:
        if name not in found:
            raise UserError(catalogue.unknown("hyperparameter", name, sorted(found)))
    values.setdefault("epochs", math.ceil(found["epochs"].default / SHARE))
    return found, values


def _space(found, values, unsearched):
    """The space to search, in which what is given or not searched is fixed."""
    hp = kt.HyperParameters()
    for name, parameter in found.items():
        if name in values:
            hp.Fixed(name, values[name])
        elif name in unsearched:
            hp.Fixed(name, parameter.default)
        elif not is_fixed(parameter):
            hp.merge([parameter])
    return hp


def _config(arguments, old):
    """What is asked for, by the command line and, where a search is resumed, by its config."""
    given = {name: getattr(arguments, name) for name in ASKED}
    given |= {"dataset": cli.dataset_name(arguments), "folder": cli.data_folder(arguments)}
    if arguments.objective is not None:
        given["objective"] = search_objectives.canonical(arguments.objective)
    values = cli.hyperparameters(arguments)
    if old is None:
        defaults = {"dataset": catalogue.default_dataset(arguments.recipe), "tuner": "random", "seed": 0}
        config = {name: defaults.get(name) if value is None else value for name, value in given.items()}
        config |= {"trials": arguments.trials or TRIALS, "hyperparameters": values, "versions": runs.versions()}
        config |= {"condition": catalogue.module(arguments.recipe).TASK.condition}
        return config | {"command": ["python", "-m", "apps.tune", *sys.argv[1:]]}
    with user_errors(ValueError):
        runs.refuse_changes(given, old, "search")
        runs.refuse_other_values(values, old, "search")
    return old | {"trials": arguments.trials or old["trials"]}


def _found(plan) -> dict[str, Any]:
    """What the config says of the search beside what was asked for."""
    found = {"data": plan.data.described(), "objective": plan.goal.name}
    return found | {"hyperparameters": plan.values, "fit": plan.options}
