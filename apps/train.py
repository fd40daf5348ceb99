"""Training of a recipe into a run folder: `python -m apps.train --help`."""

import contextlib
import copy
import sys
from pathlib import Path

from apps import catalogue, cli, early
from apps.cli import UserError, user_errors

DESCRIPTION = """\
Trains a system on a data set. Everything goes into one run folder:

  config.json    what was asked for, enough to do it again
  model.keras    the model after the last whole epoch, with optimizer and random state
  checkpoints/   the last states of the run, each with its checksums; --resume takes the newest whole one
  history.csv    every metric after every epoch; also in tensorboard/
  results.json   the metrics at the end
  pictures/      loss curves, reconstructions, samples as training goes on
"""
EXAMPLES = """\
examples:
  python -m apps.train vae                               digits, the recipe's defaults, into runs/vae
  python -m apps.train vae --help                        about the recipe itself
  python -m apps.train vae --options                     its hyperparameters, with defaults and ranges
  python -m apps.train vae --dataset mnist --out runs/m --epochs 20 --set latent_size=2 --set network=conv
  python -m apps.train dcgan --data FOLDER --out runs/mine                   a folder of images, or a file: see --data
  python -m apps.train vae --out runs/m --resume         go on after an interruption, as if there had been none
  python -m apps.train nnunet --data FOLDER --export saved_models/mine      trained, evaluated and exported
  python -m apps.train vae --replicas 2                  each batch on two devices: the same steps
"""


def parser(argv):
    names = catalogue.recipes()
    recipe = next(filter(catalogue.is_recipe, argv), None)
    parser = cli.Parser(
        prog="python -m apps.train",
        description=catalogue.docstring(recipe) if recipe else DESCRIPTION + "\n" + recipes_text(names),
        epilog=None if recipe else EXAMPLES,
    )
    parser.add_argument("--version", action=cli.Version)
    parser.add_argument("recipe", type=cli.recipe, help=f"the system to train: {', '.join(names)}, or a file")
    datasets = catalogue.datasets()
    parser.add_argument(
        "--dataset",
        type=cli.one_of("dataset", datasets),
        metavar="NAME",
        help=f"the data: {', '.join(datasets)} (default: the recipe's own). With the environment variable "
        "KERAS_DL_DATA=FOLDER the files of NAME are read from FOLDER/NAME/, else keras.datasets downloads them",
    )
    parser.add_argument(
        "--data", metavar="PATH",
        help="the data, instead of --dataset: a folder of images of one size, in a subfolder per class if there are "
        "labels; or a .npy, .npz, .csv, .parquet or .tfrecord file, see keras_dl.data.open; a tenth is held out. For "
        "unet, unet3d and nnunet: a folder with images/ and masks/, or imagesTr/ and labelsTr/, as PNG, TIFF, NIfTI "
        "(images also as JPEG) files of the same names; masks of 0, 1, 2 ..., 0 and 255, or as dataset.json or "
        "--label-values says; fewer than five are all trained on",
    )  # fmt: skip
    cli.add_reading(parser)
    parser.add_argument("--out", metavar="FOLDER", help="the run folder (default: runs/RECIPE)")
    parser.add_argument("--epochs", type=cli.whole_number(1), metavar="N", help="passes over the training data")
    parser.add_argument("--preset", metavar="NAME", help="a named set of hyperparameters" + presets_text(recipe))
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a hyperparameter (--options lists them)"
    )
    seed = cli.whole_number(0, 2**32 - 1)
    parser.add_argument("--seed", type=seed, metavar="N", help="decides weights, noise, data order (default: 0)")
    parser.add_argument("--resume", action="store_true", help="go on with the run in the run folder")
    parser.add_argument(
        "--extend",
        action="store_true",
        help="with --resume and a larger --epochs: learning rates and weights follow the schedules of a run of so many "
        "epochs from where the run stands; without it they stay those of the first command",
    )
    parser.add_argument(
        "--checkpoint-every",
        type=cli.whole_number(1),
        metavar="STEPS",
        help="keep a checkpoint after every so many steps, too, and not only after every epoch",
    )
    parser.add_argument(
        "--export", metavar="TO", help="export the trained model, too, as python -m apps.export OUT --to TO does"
    )
    parser.add_argument(
        "--strategy",
        type=cli.one_of("strategy", catalogue.strategies()),
        default="auto",
        metavar="NAME",
        help="where to train: none (one device), mirrored (several devices of this machine), multi_worker (several "
        "processes; see python -m apps.launch --help), or auto, which looks (the default)",
    )
    parser.add_argument(
        "--replicas",
        type=cli.whole_number(1, 64),
        metavar="N",
        help="on how many devices to train; if there is no GPU, N shares of the CPU",
    )
    parser.add_argument(
        "--folds", action="store_true", help="of scans: train all five folds, into OUT/fold_0 to OUT/fold_4"
    )
    parser.add_argument("--options", action="store_true", help="list the recipe's hyperparameters and stop")
    return parser


def recipes_text(names):
    lines = (f"  {name:<8}{catalogue.docstring(name).splitlines()[0]}" for name in names)
    return "recipes:\n" + "\n".join(lines)


def presets_text(recipe):
    names = list(catalogue.presets(recipe)) if recipe else []
    return f": {', '.join(names)}" if names else ""


def parsed(parser, argv=None):
    """The arguments of a program that takes a recipe, whose preset is one that there is."""
    argv = sys.argv[1:] if argv is None else argv
    arguments = parser(argv).parse(argv)
    presets = catalogue.presets(arguments.recipe)
    if arguments.preset is not None and arguments.preset not in presets:
        raise cli.UserError(catalogue.unknown("preset", arguments.preset, list(presets)))
    cli.dataset_name(arguments)
    cli.check_names(arguments)
    return arguments


def main(argv=None):
    arguments = parsed(parser, argv)
    if arguments.resume and not arguments.options:
        early.check_run(arguments.out or f"runs/{catalogue.title(arguments.recipe)}", folds=arguments.folds)
    cli.start_tensorflow()
    if arguments.options:
        show_options(arguments)
    elif arguments.folds:
        train_folds(arguments)
    else:
        train(arguments)


def show_options(arguments):
    """Lists the hyperparameters of a recipe."""
    from apps import show
    from keras_dl.runs import space

    recipe = catalogue.module(arguments.recipe)
    name = cli.dataset_name(arguments) or recipe.DATASET
    with user_errors(ValueError, OSError, ImportError):
        reading = cli.reading_of({"reading": cli.reading(arguments, recipe)})
        data = recipe.TASK.load(name, arguments.data, track=show.tracked, **reading)
        rows = space.table(recipe, data.spec)
    columns = {"default": {}, "takes": {}, "means": {}}
    for name, *cells in rows:
        for column, cell in zip(columns.values(), cells, strict=True):
            column[name] = cell
    show.results_table(f"hyperparameters of {catalogue.title(arguments.recipe)}", columns)


def train(arguments):
    """Trains, or goes on training, and leaves a run folder, which the first worker writes and holds meanwhile."""
    from keras_dl import runtime

    with contextlib.ExitStack() as stack:
        run, pipelines = opened(arguments, stack)
        fit(run, *pipelines)
        report(run, pipelines[1])
    if arguments.export and runtime.is_chief():
        from apps import export

        export.publish(run.folder.path, arguments.export)


def opened(arguments, stack):
    """The run that is asked for, new or from where it stands, and its data; the stack closes what is held."""
    from apps import show
    from keras_dl import runs, runtime
    from keras_dl.runs.folder import check_makeable

    if arguments.extend and not (arguments.resume and arguments.epochs):
        raise UserError("--extend goes with --resume and a larger --epochs")
    with user_errors(ValueError, RuntimeError):
        strategy = runtime.strategy(arguments.strategy, arguments.replicas)
    chief = runtime.is_chief()
    show.console.quiet = not chief
    folder = runs.RunFolder(arguments.out or f"runs/{catalogue.title(arguments.recipe)}")
    old = cli.old_config(folder, arguments, "run")
    with user_errors(ValueError, OSError, ImportError):
        if chief:
            folder.check_writable() if old else folder.check_new()
            if old:
                stack.enter_context(runs.locked(folder.path))
            if arguments.export:
                check_makeable(arguments.export)
        config = run_config(arguments, old)
        recipe = catalogue.module(config["recipe"])
        reading = cli.reading_of(config)
        data = recipe.TASK.load(config["dataset"], config.get("folder"), track=show.tracked, **reading)
        resumes, extend = bool(old), bool(old) and arguments.extend
        model, config, pipelines = runs.prepare(folder, recipe, config, data, strategy, resumes, extend)
        if chief:  # all workers have looked into the folder: they have exchanged the initial weights
            if not old:
                folder.create()
                stack.enter_context(runs.locked(folder.path))
            folder.write_config(config)
    every = arguments.checkpoint_every or "epoch"
    return runs.Run(folder, config, recipe.TASK, data, model, every, show.tracked, show.say), pipelines


def fit(run, train_data, test_data):
    """Trains with a bar; says how to go on after an interruption."""
    from apps import show
    from keras_dl import runtime
    from keras_dl.data import DataError
    from keras_dl.runs.run import NotFiniteError

    announce(run)
    done, path = run.model.state.epoch, run.folder.path
    if done >= run.epochs:
        return
    bar = show.TrainingBar(run.epochs, done, run.task.progress)
    try:
        with user_errors(NotFiniteError, DataError):
            run.fit(train_data, test_data, [bar])
    except KeyboardInterrupt:
        bar.close()
        command = f"python -m apps.train {run.config['recipe']} --out {path} --resume"
        kept = "1 whole epoch, which is kept" if bar.done == 1 else f"{bar.done} whole epochs, which are kept"
        show.say(f"\nstopped after {kept}; go on with\n  {command}")
        raise SystemExit(cli.INTERRUPTED) from None
    except OSError as error:
        raise UserError(f"cannot write to {path}: {error}; the last whole state is kept") from error
    except runtime.LostWorkerError as error:
        raise UserError(f"{error}; go on with --resume") from error
    finally:
        bar.close()


def announce(run):
    """Says what is trained on what, and how far it is."""
    from apps import show

    spec, config, done = run.data.spec, run.config, run.model.state.epoch
    shape = "x".join(map(str, spec.shape))
    text = f"{config['recipe']} on {config['dataset']}: {spec.num_samples:,} samples of {shape}"
    show.say(f"{text}, {run.model.count_params():,} parameters, {run.epochs} epochs into {run.folder.path}")
    if done:
        show.say(f"{done} epochs done: {'already finished' if done >= run.epochs else 'going on'}")


def report(run, test_data):
    """Evaluates, draws the pictures, and shows tables and what was written."""
    from apps import show

    with user_errors(ValueError, OSError):
        finished = run.finish(test_data)
    if finished is None:
        return
    train, test, seconds, report = finished
    show.report(report)
    title = f"\nafter {run.epochs} epochs, {seconds:.0f} seconds"
    show.metrics_table(title, {f"train, epoch {run.epochs}": train, "held out": test}, run.task)
    files = {
        run.folder.model_file: "the model: with keras_dl imported, keras.saving.load_model reads it",
        run.folder.history_file: "metrics after every epoch",
        run.folder.tensorboard: "logs for tensorboard --logdir (pip install tensorboard)",
    }
    show.written(files | report.files)


def run_config(arguments, old):
    """What is asked for, by the command line and, if a run is resumed, by its config."""
    from apps import show
    from keras_dl import runs, runtime

    request = {name: getattr(arguments, name) for name in ("recipe", "seed", "preset")}
    request |= {"dataset": cli.dataset_name(arguments), "folder": cli.data_folder(arguments)}
    request["reading"] = cli.reading(arguments, catalogue.module(old["recipe"] if old else arguments.recipe))
    values = cli.hyperparameters(arguments)
    if old is None:
        dataset = request["dataset"] or catalogue.default_dataset(arguments.recipe)
        config = request | {"dataset": dataset, "seed": arguments.seed or 0, "hyperparameters": values}
        config |= {"versions": runs.versions(), "runtime": runtime.describe()}
        return config | {"command": ["python", "-m", "apps.train", *sys.argv[1:]]}
    runs.refuse_changes(request, old, "run")
    for difference in runtime.differences(old.get("runtime", {})):
        show.say(f"{difference}: the last bits of results may differ from those of a run without interruption")
    if arguments.epochs not in (None, old["hyperparameters"].get("epochs")):
        fate = "are stretched" if arguments.extend else "stay those of the first command"
        show.say(f"schedules of learning rate and weights {fate}")
    runs.refuse_other_values(values, old, "run", free=("epochs",))
    return old | {"hyperparameters": old["hyperparameters"] | {k: v for k, v in values.items() if k == "epochs"}}


def train_folds(arguments):
    """Trains a run for each fold into OUT/fold_0 to OUT/fold_4, and brings their held-out cases together."""
    import keras

    from apps import show
    from keras_dl.runs import RunFolder, ensemble
    from keras_dl.tasks.scans import NUM_FOLDS

    if catalogue.module(arguments.recipe).TASK.condition != "masks":
        raise UserError(f"--folds is for recipes of scans with masks; {arguments.recipe} is none")
    if "fold" in cli.assignments(arguments.set):
        raise UserError("--folds trains all folds, and --set fold=... one of them; give one of the two")
    out = RunFolder(arguments.out or f"runs/{catalogue.title(arguments.recipe)}")
    if out.exists():
        raise UserError(f"{out.path} holds a run of its own; give another --out for the folds")
    if out.folds() and not arguments.resume:
        raise UserError(f"{out.path} already holds folds: go on with --resume, or give another --out")
    if not out.folds():
        with user_errors(OSError):
            out.check_new()
    for number in range(NUM_FOLDS):
        show.say(f"\nfold {number} of 0 to {NUM_FOLDS - 1}")
        keras.backend.clear_session()
        train(fold_arguments(arguments, out, number))
    with user_errors(ValueError, OSError):
        pooled = ensemble.pooled(out)
        dataset = RunFolder(out.folds()[0]).read_config()["dataset"]
        out.write_evaluation({"dataset": dataset, "rows": pooled.rows, **pooled.results})
    show.report(pooled)
    show.written(pooled.files)


def fold_arguments(arguments, out, number):
    """The arguments with which one fold is trained."""
    one = copy.copy(arguments)
    one.out = str(Path(out.path) / f"fold_{number}")
    one.export = arguments.export and f"{arguments.export}_fold_{number}"
    one.resume = arguments.resume and (Path(one.out) / "config.json").is_file()
    one.set = [*arguments.set, f"fold={number}"]
    return one


if __name__ == "__main__":
    cli.run(main)
