"""Training of a recipe into a run folder: `python -m apps.train --help`."""

import contextlib
import sys

from apps import catalogue, cli, early, options
from apps.cli import UserError, user_errors
from apps.train_options import parser


def main(argv=None):
    arguments = options.parsed(parser, argv)
    if arguments.resume and not arguments.options:
        early.check_run(arguments.out or f"runs/{catalogue.title(arguments.recipe)}", folds=arguments.folds)
    if arguments.options:
        show_options(arguments)
    elif arguments.folds:
        cli.start_tensorflow()

        from apps import folds

        folds.train_all(arguments, train)
    else:
        cli.start_tensorflow()
        train(arguments)


def show_options(arguments):
    """Lists a recipe's hyperparameters: as written down for its own data set, or as other data or values open them."""
    from apps import show

    rows = catalogue.options_of(arguments.recipe) if options.are_written(arguments) else None
    rows = options_of_data(arguments) if rows is None else rows
    columns = {"default": {}, "takes": {}, "means": {}}
    for name, *cells in rows:
        for column, cell in zip(columns.values(), cells, strict=True):
            column[name] = cell
    show.results_table(f"hyperparameters of {catalogue.title(arguments.recipe)}", columns)


def options_of_data(arguments):
    """The rows of a recipe's hyperparameters as data and values of the command line open them: its model is built."""
    cli.start_tensorflow()

    from apps import show
    from keras_dl.runs import space

    recipe = catalogue.module(arguments.recipe)
    name = cli.dataset_name(arguments) or recipe.DATASET
    with user_errors(ValueError, OSError, ImportError):
        reading = cli.reading_of({"reading": cli.reading(arguments, recipe)})
        data = recipe.TASK.load(name, arguments.data, track=show.tracked, **reading)
        return space.table(recipe, data.spec, cli.hyperparameters(arguments))


def train(arguments):
    """Trains, or goes on training, and leaves a run folder, which the first worker writes and holds meanwhile."""
    from keras_dl import lazy, runtime

    with contextlib.ExitStack() as stack:
        if arguments.tensorboard:
            with user_errors(ImportError):
                lazy.need("tensorboard", "--tensorboard")
        run, pipelines = opened(arguments, stack)
        fit(run, pipelines[0], pipelines[1], arguments.tensorboard)
        report(run, pipelines[1])
    if arguments.export and runtime.is_chief():
        from apps import export

        export.publish(run.folder.path, arguments.export)


def opened(arguments, stack):
    """The run that is asked for, new or from where it stands, and its data; the stack closes what is held."""
    from apps import show
    from keras_dl import runs, runtime
    from keras_dl.runs.run import Run, prepare

    if arguments.extend and not (arguments.resume and arguments.epochs):
        raise UserError("--extend goes with --resume and a larger --epochs")
    folder = runs.RunFolder(arguments.out or f"runs/{catalogue.title(arguments.recipe)}")
    with user_errors(ValueError, RuntimeError):
        strategy, chief = runtime.strategy(arguments.strategy, arguments.replicas), runtime.is_chief()
    show.console.quiet = not chief
    with user_errors(ValueError, OSError, ImportError):
        old = cli.old_config(folder, arguments, "run")
        if chief:
            folder.check(resumes=bool(old), export=arguments.export)
            if old:
                stack.enter_context(runs.locked(folder.path))
        recipe = catalogue.module(old["recipe"] if old else arguments.recipe)
        config = run_config(arguments, old, recipe)
        reading = cli.reading_of(config)
        data = recipe.TASK.load(config["dataset"], config.get("folder"), track=show.tracked, **reading)
        resumes, extend = bool(old), bool(old) and arguments.extend
        model, config, pipelines = prepare(folder, recipe, config, data, strategy, resumes, extend)
        if chief:  # all workers have looked into the folder: they have exchanged the initial weights
            if not old:
                folder.create()
                stack.enter_context(runs.locked(folder.path))
            folder.write_config(config)
    every = arguments.checkpoint_every or "epoch"
    return Run(folder, config, recipe.TASK, data, model, every, show.tracked, show.say), pipelines


def fit(run, train_data, test_data, tensorboard=False):
    """Trains with a bar; says how to go on after an interruption."""
    from apps.training_bar import TrainingBar
    from keras_dl import runtime
    from keras_dl.data import DataError
    from keras_dl.runs.run import NotFiniteError
    from keras_dl.runs.tensorboard import LogDetails

    announce(run)
    done, path = run.model.state.epoch, run.folder.path
    if done >= run.epochs:
        return
    detailed = tensorboard and runtime.is_chief()
    logs = [LogDetails(run.folder, run.config["hyperparameters"])] if detailed else []
    bar = TrainingBar(run.epochs, done, run.task.progress, run.task.titles)
    try:
        run.fit(train_data, test_data, [*logs, bar])
    except (NotFiniteError, DataError) as error:
        raise UserError(str(error)) from error
    except KeyboardInterrupt:
        bar.close()
        say_stopped(run, bar.done)
        raise SystemExit(cli.INTERRUPTED) from None
    except OSError as error:
        raise UserError(f"cannot write to {path}: {error}; the last whole state is kept") from error
    except runtime.LostWorkerError as error:
        raise UserError(f"{error}; go on with --resume") from error
    finally:
        bar.close()


def say_stopped(run, done):
    """Says what is kept of a run that was interrupted, and how to go on."""
    from apps import show

    command = f"python -m apps.train {run.config['recipe']} --out {run.folder.path} --resume"
    epochs = "1 whole epoch, which is kept" if done == 1 else f"{done} whole epochs, which are kept"
    show.say(f"\nstopped after {epochs}; go on with\n  {command}")


def announce(run):
    """Says what is trained on what, and how far it is."""
    from apps import show

    spec, config, done = run.data.spec, run.config, run.model.state.epoch
    shape = "x".join(map(str, spec.shape))
    text = f"{config['recipe']} on {config['dataset']}: {show.counted(spec.num_samples, 'sample')} of {shape}"
    left_out = config["fit"].get("anomaly_class")
    text += "" if left_out is None else f" without those of class {left_out}"
    epochs = show.counted(run.epochs, "epoch")
    show.say(f"{text}, {run.model.count_params():,} parameters, {epochs} into {run.folder.path}")
    if done:
        show.say(f"{show.counted(done, 'epoch')} done: {'already finished' if done >= run.epochs else 'going on'}")


def report(run, test_data):
    """Evaluates, draws the pictures, and shows tables and what was written."""
    from apps import show

    try:
        with user_errors(ValueError, OSError):
            finished = run.finish(test_data)
    except KeyboardInterrupt:
        say_stopped(run, run.model.state.epoch)
        raise SystemExit(cli.INTERRUPTED) from None
    if finished is None:
        return
    train, test, seconds, report = finished
    show.report(report)
    title = f"\nafter {show.counted(run.epochs, 'epoch')}, {seconds:.0f} seconds"
    show.metrics_table(title, {f"train, epoch {run.epochs}": train, "held out": test}, run.task)
    files = {
        run.folder.model_file: "the model: with keras_dl imported, keras.saving.load_model reads it",
        run.folder.history_file: "metrics after every epoch",
        run.folder.report_file: "all of it as one page, which needs no network",
        run.folder.tensorboard: "logs for tensorboard --logdir (pip install tensorboard)",
    }
    show.written(files | report.files)


def run_config(arguments, old, recipe):
    """What is asked for of a recipe, by the command line and, if a run is resumed, by its config."""
    from apps import show
    from keras_dl import runs, runtime

    made_with = {} if old else {"versions": runs.versions(), "runtime": runtime.describe()}
    values = cli.hyperparameters(arguments)
    request = {name: getattr(arguments, name) for name in ("recipe", "seed", "preset")}
    request |= {"dataset": cli.dataset_name(arguments), "folder": cli.data_folder(arguments)}
    request["reading"] = cli.reading(arguments, recipe)
    if old is None:
        dataset = request["dataset"] or recipe.DATASET
        config = request | {"dataset": dataset, "seed": arguments.seed or 0, "hyperparameters": values}
        return config | made_with | {"command": ["python", "-m", "apps.train", *sys.argv[1:]]}
    runs.refuse_changes(request, old, "run")
    for difference in runtime.differences(old.get("runtime") or {}):
        show.say(f"{difference}: the last bits of results may differ from those of a run without interruption")
    if arguments.epochs not in (None, old["hyperparameters"].get("epochs")):
        fate = "are stretched" if arguments.extend else "stay those of the first command"
        show.say(f"schedules of learning rate and weights {fate}")
    runs.refuse_other_values(values, old, "run", free=("epochs",))
    return old | {"hyperparameters": old["hyperparameters"] | {k: v for k, v in values.items() if k == "epochs"}}


if __name__ == "__main__":
    cli.run(main)
