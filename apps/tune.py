"""Search for good hyperparameters of a recipe: `python -m apps.tune --help`."""

import contextlib
import os
import shlex
import sys

from apps import catalogue, cli, early, options, tune_plan
from apps.cli import UserError, user_errors
from apps.tune_options import parser

TRIALS = 10
#: Trials that are shown at the end, of however many there are.
SHOWN = 30
#: What is asked on the command line and cannot change when a search is resumed.
ASKED = ("recipe", "preset", "tuner", "objective", "seed", "features")


def main(argv=None):
    arguments = options.parsed(parser, argv)
    if arguments.resume and not arguments.options:
        early.check_run(arguments.out or f"runs/{catalogue.title(arguments.recipe)}_search", "search.json")
    if arguments.options:
        show_options(arguments)
    else:
        cli.start_tensorflow()
        tune(arguments)


def show_options(arguments):
    """Lists what is searched, what is not, and the objectives: as written down, or as the command line opens them."""
    from apps import show

    written = options.are_written(arguments) and arguments.objective is None and arguments.features is None
    listed = catalogue.search_of(arguments.recipe) if written else None
    if listed is None:
        cli.start_tensorflow()
        listed = tune_plan.make_plan(search_config(arguments, None)).listed()
    columns = {"searched": {}, "scale": {}, "means": {}}
    for name, *cells in listed["rows"]:
        for column, cell in zip(columns.values(), cells, strict=True):
            column[name] = cell
    title = f"hyperparameters of {catalogue.title(arguments.recipe)}, as they are searched for {listed['objective']}"
    show.results_table(title, columns)
    show.say(f"objectives: {', '.join(listed['offers'])}")


def tune(arguments):
    """Searches, or goes on searching, and leaves a search folder; as a worker, runs trials of a search."""
    from keras_dl import search

    folder = search.SearchFolder(arguments.out or f"runs/{catalogue.title(arguments.recipe)}_search")
    kinds = ValueError, ConnectionError, BlockingIOError, ImportError
    try:
        with user_errors(*kinds), contextlib.ExitStack() as stack:
            if search.role() == "worker":
                search.wait_for_chief(cli.check_interrupted)
                with user_errors(OSError):
                    config = folder.read_config()
                plan, apart = tune_plan.opened(config, stack)
                run(search.Search(plan, folder, config, listener(), apart))
            else:
                search_all(arguments, folder, stack)
    except BrokenPipeError:  # nobody reads what is printed
        raise
    except OSError as error:
        raise UserError(f"cannot write to {folder.path}: {error.strerror or error}; go on with --resume") from error


def search_all(arguments, folder, stack):
    """Searches, alone or as the chief of workers, and leaves the search folder."""
    from keras_dl import search
    from keras_dl.runs import locked

    with user_errors(OSError):
        old = cli.old_config(folder, arguments, "search")
    config = search_config(arguments, old)
    plan, apart = tune_plan.opened(config, stack)
    config = begin(plan, config, folder, old)
    with locked(folder.path):
        runner = search.Search(plan, folder, config, listener(), apart)
        announce(runner)
        run(runner)
        runner.trainer.close()
        report(search.Report(runner, config))


def begin(plan, config, folder, old):
    """Makes the search folder, or checks that it is the plan's; returns the config that is written into it."""
    from keras_dl import runtime

    if not plan.searched:
        raise UserError("nothing is left to search: every hyperparameter is set")
    with user_errors(ValueError, OSError):
        if old:
            plan.data.check_resumed(old, folder.path, plan.options)
            folder.check_writable()
            folder.check_free()
        else:
            folder.create()
            config["runtime"] = runtime.describe()  # it may start what a fork would lack
        config = {**config, **plan.described()}
        folder.write_config(config)
    return config


def run(search):
    """Runs trials until there are no more; says how to go on after an interruption."""
    from apps import show
    from keras_dl.search.search import WORKERS, role

    try:
        search.search()
    except KeyboardInterrupt:
        if role() != "worker":
            workers, config, path = os.environ.get(WORKERS), search.config, search.folder.path
            launch = f"python -m apps.launch --workers {workers} --search -- " if workers else ""
            command = f"{launch}python -m apps.tune {config['recipe']} --out {path} --resume"
            trials = f"stopped after {search.ended} of {show.counted(config['trials'], 'trial')}"
            show.say(f"\n{trials}, which are kept; go on with\n  {command}")
            raise SystemExit(cli.INTERRUPTED) from None
        raise


def announce(search):
    """Says what is searched for what, and how far it is."""
    from apps import show

    plan, config = search.plan, search.config
    better = "larger" if plan.goal.objective.direction == "max" else "smaller"
    most = " at most" if config["tuner"] == "hyperband" else ""
    tuner, searched = catalogue.tuners()[config["tuner"]], len(plan.searched)
    trials = show.counted(config["trials"], "trial")
    trials = f"{trials} of{most} {show.counted(plan.options['epochs'], 'epoch')}"
    show.say(
        f"{config['recipe']} on {config['dataset']}: {trials} by {tuner} in "
        f"{show.counted(searched, 'hyperparameter')}, into "
        f"{search.folder.path}\nobjective: {plan.goal.objective.name}, {better} is better"
    )
    if plan.unsearched:
        names = ", ".join(plan.unsearched)
        show.say(f"not searched, as it decides what {plan.goal.name} means (--set changes it): {names}")
    if search.ended:
        finished = "already finished" if search.ended >= config["trials"] else "going on"
        trials = show.counted(config["trials"], "trial")
        show.say(f"{search.ended} of {trials} done, {search.failed} of them failed: {finished}")


def report(search):
    """Shows the trials, and what of the best is written."""
    from apps import show
    from keras_dl.tasks.measure import direction
    from keras_dl.tasks.units import unit, without_repeats

    folder, rows = search.folder, search.rows
    show.trials(f"\n{show.counted(len(rows), 'trial')}", search.header, search.table(SHOWN))
    if len(rows) > SHOWN:
        show.say(f"and {len(rows) - SHOWN} more in {folder.table_file}")
    best, test = search.finish()
    values = {name: str(value) for name, value in best["hyperparameters"].items()}
    title = f"\ntrial {best['trial']}, the best, after epoch {best['epoch']}"
    scales = {name: (unit(name), direction(name)) for name in test}
    show.results_table(title, {"held out": without_repeats(test), "hyperparameter": values}, scales)
    files = {
        folder.table_file: "every trial; also results.json",
        folder.picture: "every trial a line through its hyperparameters",
        folder.best.path: "its run folder, for apps.evaluate, apps.sample, apps.export, apps.train --resume",
    }
    show.written(files)
    show.say(f"train it longer, with schedules that fit:\n  {longer(search.plan, search.config, best)}")


def longer(plan, config, best):
    """The command that trains the best hyperparameters over the recipe's own number of epochs."""
    names = {parameter.name for parameter in plan.space.space} - {"epochs"}
    values = " ".join(f"--set {name}={value}" for name, value in best["hyperparameters"].items() if name in names)
    data = f"--data {shlex.quote(config['folder'])}" if config.get("folder") else f"--dataset {config['dataset']}"
    data = " ".join([data, *cli.reading_arguments(config)])
    out = f"runs/{catalogue.title(config['recipe'])}_tuned"
    return f"python -m apps.train {config['recipe']} {data} --seed {config['seed']} --out {out} {values}"


def listener():
    """Who is told how far a search is: the terminal."""
    from apps import show
    from keras_dl.search import Listener

    return Listener(show.say, show.note, show.tracked, bar, cli.check_interrupted)


@contextlib.contextmanager
def bar(epochs, done):
    """A list that holds a bar over the epochs, if there is a terminal to show it."""
    from apps import show
    from apps.training_bar import TrainingBar

    bars = [TrainingBar(epochs, done)] if show.console.is_terminal else []
    try:
        yield bars
    finally:
        for one in bars:
            one.close()


def search_config(arguments, old):
    """What is asked for, by the command line and, if a search is resumed, by its config."""
    from keras_dl import runs
    from keras_dl.search.goal import canonical

    request = {name: getattr(arguments, name) for name in ASKED}
    request |= {"dataset": cli.dataset_name(arguments), "folder": cli.data_folder(arguments)}
    request["reading"] = cli.reading(arguments, catalogue.module(arguments.recipe))
    if arguments.objective is not None:
        request["objective"] = canonical(arguments.objective)
    values = cli.hyperparameters(arguments)
    if old is None:
        defaults = {"dataset": catalogue.default_dataset(arguments.recipe), "tuner": "random", "seed": 0}
        config = request | {name: defaults.get(name) for name, value in request.items() if value is None}
        config |= {"trials": arguments.trials or TRIALS, "hyperparameters": values, "versions": runs.versions()}
        config |= {"condition": catalogue.module(arguments.recipe).TASK.condition}
        return config | {"command": ["python", "-m", "apps.tune", *sys.argv[1:]]}
    with user_errors(ValueError):
        runs.refuse_changes(request, old, "search")
        runs.refuse_other_values(values, old, "search")
    return old | {"trials": arguments.trials or old["trials"]}


if __name__ == "__main__":
    cli.run(main)
